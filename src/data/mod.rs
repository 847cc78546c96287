//! Data sets, and batches of them.
//!
//! Points: [`spiral`]. Images: [`fashion_mnist`] from its files, [`glyphs`] made up here where there are none; a
//! [`DataLoader`] shuffles them, cuts them into batches and has the next one ready in time. Of files sorted by class,
//! [`ImageFolder`] knows where they are. Tensors by name:
//! [`read_safetensors`] and [`write_safetensors`], and whatever else such a file holds: [`SafetensorsFile`].
#![forbid(unsafe_code)]

mod fashion_mnist;
mod file;
mod folder;
mod glyphs;
mod gzip;
mod idx;
mod images;
mod loader;
mod replace;
mod resize;
mod spiral;

pub use fashion_mnist::{FASHION_MNIST_CLASSES, Split, fashion_mnist};
pub use file::{RawTensor, SafetensorsFile, read_safetensors, write_safetensors};
pub use folder::ImageFolder;
pub use glyphs::glyphs;
pub use idx::{Idx, read_idx};
pub use images::Images;
pub(crate) use loader::order;
pub use loader::{DataLoader, Epoch};
pub use spiral::spiral;
