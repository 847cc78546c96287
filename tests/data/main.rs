//! Data sets: files whole, damaged and missing; batches in order, shuffled and resized; tensors.

mod files;
mod folder;
mod loader;
mod tensors;
