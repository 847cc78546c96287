//! The CUDA driver API on the CPU.
//!
//! The library exports the driver's C functions and executes the PTX they are given. Dependencies point one way:
//! `driver -> module -> decode -> exec -> {check, memory, ptx}`.

mod check;
mod decode;
mod driver;
mod exec;
mod memory;
mod module;
mod ptx;
