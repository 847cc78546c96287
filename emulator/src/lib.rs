//! The CUDA driver API on the CPU.
//!
//! The library exports the driver's C functions and executes the PTX they are given. Dependencies point one way:
//! `driver -> module -> decode -> exec -> {check, memory, ptx}`.
//!
//! What is public here is so for `tests/engine`.

#[doc(hidden)]
pub mod check;
mod decode;
mod driver;
#[doc(hidden)]
pub mod exec;
#[doc(hidden)]
pub mod memory;
#[doc(hidden)]
pub mod module;
mod ptx;
