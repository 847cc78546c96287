use half::{bf16, f16};
use warpsmith::ops::lrn::cuda;
use warpsmith::ops::{LrnOptions, local_response_norm_backward_out};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{hundreds, tensor, uniform, unwritten};

/// A shape, a window, and why it is tried.
struct Case {
    name: &'static str,
    shape: [usize; 3],
    size: usize,
}

const fn case(name: &'static str, shape: [usize; 3], size: usize) -> Case {
    Case { name, shape, size }
}

/// Windows that the kernels keep in registers.
const REGISTERS: [Case; 8] = [
    case("empty", [0, 4, 9], 5),
    case("odd_plane", [2, 7, 25], 5),
    case("even_plane", [2, 24, 24], 5),
    case("channels_split", [1, 47, 12], 5),
    case("three", [2, 41, 12], 3),
    case("several_blocks", [2, 6, 1143], 3),
    case("fewer_channels_than_window", [3, 4, 6], 5),
    case("clipped_to_three", [3, 2, 6], 64),
];

/// Windows that they keep in shared memory, with 128, 64 and 32 threads a block, and in a workspace.
const COLUMNS: [Case; 9] = [
    case("one", [1, 1, 1], 1),
    case("one_channel_each", [2, 5, 131], 1),
    case("two", [2, 9, 70], 2),
    case("even", [1, 37, 70], 4),
    case("seven", [2, 31, 30], 7),
    case("all_channels", [2, 12, 33], 1000),
    case("long", [1, 90, 20], 40),
    case("longer", [1, 110, 5], 120),
    case("workspace", [1, 300, 3], 401),
];

/// The powers that have a form of their own, and one that has not.
const BETAS: [f64; 4] = [0.75, 0.6, 0.5, 1.0];

fn tolerance<T: Float>(options: &LrnOptions, scale: f64) -> Tolerance {
    // the power of a sum s loses 2^-22 of log2 s, which is below 8 here
    Tolerance::of::<T>(options.size.min(512) + 100, scale)
}

fn options(case: &Case, i: usize) -> LrnOptions {
    let (beta, k) = (BETAS[i % 4], [1.0, 2.0, 0.25][i % 3]);
    LrnOptions {
        size: case.size,
        alpha: [1e-4, 3e-3][i / 2 % 2],
        beta,
        k,
    }
}

fn forward<T: Float>(device: &Device, cases: &[Case]) {
    for (i, case) in cases.iter().enumerate() {
        let o = options(case, i);
        let x = hundreds::<T>(case.shape.iter().product(), 1);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut y = unwritten::<T>(&case.shape, d);
            let x = tensor(&x, &case.shape, d);
            x.local_response_norm_out(o.size, o.alpha, o.beta, o.k, &mut y)
                .unwrap();
            y.to_vec().unwrap()
        });
        let what = format!("lrn {} {} {o:?}", T::NAME, case.name);
        assert_close(&what, &got, &want, tolerance::<T>(&o, 0.0));
    }
}

fn backward<T: Float>(device: &Device, cases: &[Case]) {
    for (i, case) in cases.iter().enumerate() {
        let o = options(case, i);
        let n = case.shape.iter().product();
        let (dy, x) = (uniform::<T>(n, 2), hundreds::<T>(n, 3));
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut dx = unwritten::<T>(&case.shape, d);
            let [dy, x] = [&dy, &x].map(|data| tensor(data, &case.shape, d));
            local_response_norm_backward_out(&dy, &x, &o, &mut dx).unwrap();
            dx.to_vec().unwrap()
        });
        let what = format!("lrn_backward {} {} {o:?}", T::NAME, case.name);
        // dy s^-beta is at most 4, and the two parts may cancel
        assert_close(&what, &got, &want, tolerance::<T>(&o, 4.0));
    }
}

pub fn registers(device: &Device) {
    forward::<f32>(device, &REGISTERS);
    forward::<f16>(device, &REGISTERS);
    forward::<bf16>(device, &REGISTERS);
}

pub fn columns(device: &Device) {
    forward::<f32>(device, &COLUMNS);
    forward::<f16>(device, &COLUMNS);
    forward::<bf16>(device, &COLUMNS);
}

pub fn backward_registers(device: &Device) {
    backward::<f32>(device, &REGISTERS);
    backward::<f16>(device, &REGISTERS);
    backward::<bf16>(device, &REGISTERS);
}

pub fn backward_columns(device: &Device) {
    backward::<f32>(device, &COLUMNS);
    backward::<f16>(device, &COLUMNS);
    backward::<bf16>(device, &COLUMNS);
}

/// Pairs of halves need 4-byte alignment, which a view need not have.
pub fn misaligned_view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let (shape, o) = ([1, 6, 8], LrnOptions::new(5));
    let x = hundreds::<f16>(48 + 1, 4);
    let want = tensor(&x[1..], &shape, &Device::Cpu)
        .local_response_norm(o.size, o.alpha, o.beta, o.k)
        .unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let mut y = stream.clone_htod(&[f16::NAN; 48]).unwrap();
    cuda::lrn(stream, &x.slice(1..), &mut y, shape, &o).unwrap();
    let got = stream.clone_dtoh(&y).unwrap();
    let want = want.to_vec().unwrap();
    assert_close("lrn view", &got, &want, tolerance::<f16>(&o, 0.0));
}
