//! Executes decoded kernels: warps of 32 lanes, blocks over the processor's cores.

mod config;
mod module;

pub use config::{ComputeCapability, LaunchConfig, LoadError, LoadErrorKind, Options, Param};
pub use module::{Kernel, Module, launch};
