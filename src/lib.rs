//! Hand-written CUDA kernels with safe Rust bindings, each checked against a CPU implementation.
//!
//! ```
//! use warpsmith::{Device, Tensor};
//!
//! let device = Device::best();
//! let x = Tensor::from_slice(&[-1.0_f32, 2.0], &[2], &device)?;
//! assert_eq!(x.relu()?.to_vec()?, [0.0, 2.0]);
//! # Ok::<(), warpsmith::Error>(())
//! ```
//!
//! On every device, subnormal numbers are kept, NaN and infinities go where arithmetic takes them, and the result does not
//! depend on the number of threads or on the run; between devices it differs in the last places.
//!
//! Dependencies point one way: [`distributed`] and [`models`] → [`nn`] → [`ops`] → [`Tensor`] → [`Device`] → `runtime`, which launches
//! [`kernels`], and `cpu`. [`CudaGraph`] stands on [`Device`]: it captures whatever is queued on one.

pub mod data;
pub mod distributed;
pub mod models;
pub mod nn;
pub mod ops;

mod checks;
mod cpu;
mod device;
mod element;
mod error;
mod graph;
mod random;
mod runtime;
mod tensor;

pub use cudarc;

pub use device::{CudaDevice, Device};
pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use graph::CudaGraph;
pub use random::Generator;
pub use runtime::kernels;
pub use tensor::{Nested, Tensor};
