//! Executes decoded kernels: warps of 32 lanes, blocks over the processor's cores.

mod block;
mod cluster;
mod config;
pub mod count;
mod grid;
mod launch;
mod left_out;
mod observer;
pub mod order;
mod print;
mod report;
mod run;
mod sample;
mod start;
pub mod state;
mod stuck;
mod undefined;
mod workspace;

pub mod handler;
pub mod rounding;

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
pub use launch::{Kernel, launch, launch_counted};
