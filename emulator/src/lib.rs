//! The CUDA driver API on the CPU.
//!
//! The library exports the driver's C functions and executes the PTX they are given. Dependencies point one way:
//! `driver -> exec -> {check, memory, decode -> ptx}`.

#![allow(dead_code, unused_imports)] // the C functions that use all of this are the next layer

mod check;
mod decode;
mod exec;
mod memory;
mod ptx;
