//! Data sets: files whole, damaged and missing; batches in order, shuffled and resized.

mod files;
mod loader;
