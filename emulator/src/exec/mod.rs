//! Executes decoded kernels: warps of 32 lanes, blocks over the processor's cores.

mod block;
mod cluster;
mod config;
mod context;
pub mod count;
mod grid;
mod group;
mod launch;
mod module;
pub mod order;
mod print;
mod report;
mod run;
mod stuck;
mod warp;
mod workspace;

pub mod handler;
pub mod inst;
pub mod program;
pub mod rounding;
pub mod space;
pub mod special;

pub mod access;
pub mod async_copy;
pub mod atomic;
pub mod barrier;
pub mod call;
pub mod control;
pub mod convert;
pub mod float;
pub mod half;
pub mod hopper;
pub mod integer;
pub mod load;
pub mod movement;
pub mod predicate;
pub mod shuffle;
mod soft;
pub mod sync;
pub mod tensor;

pub use config::{ComputeCapability, LaunchConfig, LoadError, LoadErrorKind, Options, Param};
pub use hopper::{swizzle, tensor_map};
pub use launch::{launch, launch_counted};
pub use module::{Kernel, Module};

#[cfg(test)]
mod tests;
