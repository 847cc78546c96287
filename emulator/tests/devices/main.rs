//! Several devices, through cudarc: this program runs itself again with two of them.

mod access;
mod apart;
mod copies;

use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream};
use cudarc::driver::{DevicePtr, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use std::process::{Command, Output};
use std::sync::Arc;

const N: usize = 64;
const PTX: &str = include_str!("../fixtures/vector.ptx");

/// A device with what a program has on it.
pub struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    module: Arc<CudaModule>,
    add: CudaFunction,
}

impl Gpu {
    fn new(ordinal: usize) -> Gpu {
        let context = CudaContext::new(ordinal).unwrap();
        // SAFETY: what the tests share between streams they order themselves.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().unwrap();
        let module = context.load_module(Ptx::from_src(PTX)).unwrap();
        let add = module.load_function("add").unwrap();
        Gpu {
            context,
            stream,
            module,
            add,
        }
    }

    fn bind(&self) {
        self.context.bind_to_thread().unwrap();
    }

    /// Memory of the device's pool.
    fn filled(&self, value: f32) -> CudaSlice<f32> {
        self.stream.clone_htod(&[value; N]).unwrap()
    }

    /// Memory of the context, by `cuMemAlloc`.
    fn plain(&self, value: f32) -> u64 {
        self.bind();
        let mut address = 0;
        // SAFETY: the result has room, and the memory is as long as the fill.
        unsafe {
            ok(sys::cuMemAlloc_v2(&raw mut address, 4 * N));
            ok(sys::cuMemsetD32_v2(address, value.to_bits(), N));
        }
        address
    }

    /// out = a + b, and what the device says to it.
    fn add(&self, out: u64, a: u64, b: u64) -> CUresult {
        self.add_some(out, a, b, N as u32)
    }

    fn add_some(&self, out: u64, a: u64, b: u64, n: u32) -> CUresult {
        let mut call = self.stream.launch_builder(&self.add);
        call.arg(&out).arg(&a).arg(&b).arg(&n);
        // SAFETY: the kernel's parameters; what it may not reach is what is tried.
        unsafe { call.launch(LaunchConfig::for_num_elems(N as u32)) }.unwrap();
        match self.stream.synchronize() {
            Ok(()) => CUresult::CUDA_SUCCESS,
            Err(error) => error.0,
        }
    }
}

fn ok(code: CUresult) {
    assert_eq!(code, CUresult::CUDA_SUCCESS);
}

fn address(slice: &CudaSlice<f32>) -> u64 {
    slice.device_ptr(slice.stream()).0
}

/// What lies at an address, on whatever device.
fn read(address: u64) -> [f32; N] {
    let mut out = [0.0; N];
    // SAFETY: N floats on both sides.
    ok(unsafe { sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), address, 4 * N) });
    out
}

type Case = (&'static str, fn(&[Gpu; 2]));

const CASES: [Case; 12] = [
    ("names", apart::names),
    ("contexts", apart::contexts),
    ("budgets", apart::budgets),
    ("pointers", apart::pointers),
    ("pools", apart::pools),
    ("libraries", apart::libraries),
    ("copies", copies::linear),
    ("boxes", copies::boxes),
    ("events", copies::events),
    ("peers", access::peers),
    ("shared pools", access::shared_pools),
    ("no access", access::none),
];

fn run(case: &str, devices: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CUDA_EMULATOR_DEVICES", devices)
        .env("CUDA_EMULATOR_MEMORY", "67108864")
        .env("CASE", case)
        .output()
        .unwrap()
}

/// What the tests run again.
#[test]
fn child() {
    let case = std::env::var("CASE").unwrap_or_default();
    if let Some((_, run)) = CASES.iter().find(|(name, _)| *name == case) {
        cuda_emulator_testing::install();
        run(&[Gpu::new(0), Gpu::new(1)]);
        println!("{case} is right");
    }
}

#[test]
fn two_devices() {
    for (case, _) in CASES {
        let output = run(case, "2");
        let [out, told] = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b));
        let right = out.contains(&format!("{case} is right"));
        assert!(output.status.success() && right, "{out}\n{told}");
        if case == "no access" {
            let why = "it is memory of device 1, which the context of device 0 has no access to";
            assert!(told.contains(why), "{told}");
        }
    }
}

#[test]
fn a_number_that_is_none_is_refused() {
    for wrong in ["0", "17", "two", "-1"] {
        let output = run("names", wrong);
        let told = String::from_utf8_lossy(&output.stderr);
        let says = told.contains("a number of devices from 1 to 16");
        assert!(!output.status.success() && says, "{wrong}: {told}");
    }
}
