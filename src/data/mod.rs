//! Data sets.

mod spiral;

pub use spiral::spiral;
