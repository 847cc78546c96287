//! The driver API as cudarc and other programs use it: on the emulator, or on a real driver alike.

mod bad_input;
mod contexts;
mod exports;
mod graphs;
mod graphs_by_hand;
mod hopper;
mod links;
mod maps;
mod memory;
mod modules;
mod no_context;
mod raw;
mod rounded;
mod streams;
mod tiles;
mod unsafe_calls;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule};
use cudarc::nvrtc::Ptx;
use std::sync::Arc;

/// The fixture's PTX.
const VECTOR: &str = include_str!("../fixtures/vector.ptx");

fn context() -> Arc<CudaContext> {
    cuda_emulator_testing::install();
    CudaContext::new(0).unwrap()
}

fn module(context: &Arc<CudaContext>) -> Arc<CudaModule> {
    context.load_module(Ptx::from_src(VECTOR)).unwrap()
}

fn function(context: &Arc<CudaContext>, name: &str) -> CudaFunction {
    module(context).load_function(name).unwrap()
}

/// Whether the emulator is what answers; it is initialised then.
fn emulated() -> bool {
    drop(context());
    cuda_emulator_testing::emulated()
}
