//! The ops. Each is one folder: `mod.rs` (formula, shapes, checks, dispatch), `cpu.rs` (its meaning, in rayon) and
//! `cuda.rs` (the binding over cudarc buffers of the kernels in `cuda/<op>.cu`).
//!
//! Forward ops are methods of [`Tensor`](crate::Tensor) with PyTorch's names. `op_` works in place, `op_out` writes
//! into a tensor made beforehand, and `op_backward` is a function here. Programs that hold cudarc buffers already
//! call `ops::<op>::cuda` directly.

pub(crate) mod dispatch;
pub mod matmul;
pub mod relu;

pub use matmul::{Activation, MatmulOptions, linear, linear_out, matmul_with, matmul_with_out};
pub use relu::{relu_backward, relu_backward_out};
