//! Kernels through `Module::load` and `launch`: the engine without a driver around it.
//!
//! Integration tests, so that instructions are compiled once, with the library.

mod basic;
mod counts;
mod deadlock;
mod device;
mod findings;
mod float_forms;
mod forms;
mod gemm;
mod hopper;
mod modes;
mod odds;
mod over_read;
mod tensor;
mod undefined;
mod warpgroup;

use cuda_emulator::check::{Checks, Fault};
use cuda_emulator::exec::{LaunchConfig, LoadErrorKind, Options, launch};
use cuda_emulator::memory::Memory;
use cuda_emulator::module::Module;
use device::{CC, Device, NEWEST, params};
use std::sync::Arc;
