//! Data sets: files whole, damaged and missing; batches in order, shuffled and resized; pictures; tensors.

mod files;
mod loader;
mod pictures;
mod tensors;
