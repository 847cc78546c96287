//! Every kernel by name against the CPU, through the binding over buffers; then what the tensors choose.

mod cases;
mod layer;

use half::{bf16, f16};
use warpsmith::ops::conv2d::cuda::{
    conv2d_backward_input_by, conv2d_backward_weight_by, conv2d_by, is_available,
};
use warpsmith::ops::matmul::cuda::Kernel;
use warpsmith::ops::{
    Conv2dOptions, activation_backward, conv2d_backward_bias_activated_out,
    conv2d_backward_bias_out, conv2d_backward_input_out, conv2d_backward_weight_out,
};
use warpsmith::{Device, Float};

pub use layer::layer;

use cases::cases;

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{tensor, uniform, unwritten};
use crate::emulated::wanted;

/// Sums of so many products of uniform numbers.
fn sums<T: Float>(terms: usize) -> Tolerance {
    Tolerance::of::<T>(terms + 2, (terms as f64).sqrt() + 1.0)
}

/// Factors are rounded to 11 bits of significand, half a unit each.
fn tf32(terms: usize) -> Tolerance {
    let rounded = 2.0 * f64::powi(2.0, -11);
    Tolerance {
        abs: 2.0 * rounded * (terms as f64).sqrt() + 2.0 * rounded,
        rel: rounded,
    }
}

fn kernel<T: Float>(device: &Device, kernel: Kernel, tolerance: fn(usize) -> Tolerance) {
    let stream = device.as_cuda().unwrap().stream();
    if !wanted(T::NAME, "") {
        return;
    }
    if !is_available::<T>(kernel, stream) {
        println!("  not on this device: {kernel:?} of {}", T::NAME);
        return;
    }
    for case in cases().iter().filter(|case| case.input[0] > 0) {
        let what = format!("conv2d {kernel:?} {} {}", T::NAME, case.name);
        let (input, weight, output) = (case.input, case.weight(), case.output());
        let of = |shape: [usize; 4], seed| uniform::<T>(shape.iter().product(), seed);
        let (x, w, dy) = (of(input, 1), of(weight, 2), of(output, 3));
        let bias = case.bias.then(|| uniform::<T>(case.weight[0], 4));
        let cpu = Device::Cpu;
        let [x_cpu, w_cpu] = [(&x, input), (&w, weight)].map(|(v, s)| tensor(v, &s, &cpu));
        let bias_cpu = bias.as_ref().map(|b| tensor(b, &[case.weight[0]], &cpu));
        let want = x_cpu
            .conv2d(&w_cpu, bias_cpu.as_ref(), &case.options)
            .unwrap();
        let [x, w, given] = [&x, &w, &dy].map(|v| stream.clone_htod(v).unwrap());
        let bias = bias.map(|b| stream.clone_htod(&b).unwrap());
        let empty = |n: usize| stream.clone_htod(&vec![T::from_f32(f32::NAN); n]).unwrap();
        let mut y = empty(dy.len());
        conv2d_by(
            kernel,
            stream,
            &x,
            &w,
            bias.as_ref(),
            &mut y,
            input,
            weight,
            &case.options,
        )
        .unwrap();
        let got = stream.clone_dtoh(&y).unwrap();
        assert_close(
            &what,
            &got,
            &want.to_vec().unwrap(),
            tolerance(case.terms()[0]),
        );

        let mut want = unwritten::<T>(&input, &cpu);
        let dy = tensor(&dy, &output, &cpu);
        conv2d_backward_input_out(&dy, &w_cpu, &case.options, &mut want).unwrap();
        let mut dx = empty(want.numel());
        conv2d_backward_input_by(
            kernel,
            stream,
            &given,
            &w,
            &mut dx,
            input,
            weight,
            &case.options,
        )
        .unwrap();
        let got = stream.clone_dtoh(&dx).unwrap();
        assert_close(
            &what,
            &got,
            &want.to_vec().unwrap(),
            tolerance(case.terms()[1]),
        );

        if matches!(kernel, Kernel::Tiled32 | Kernel::Wmma128) {
            continue;
        }
        let mut want = unwritten::<T>(&weight, &cpu);
        conv2d_backward_weight_out(&dy, &x_cpu, &case.options, &mut want).unwrap();
        let mut dw = empty(want.numel());
        conv2d_backward_weight_by(
            kernel,
            stream,
            &given,
            &x,
            &mut dw,
            input,
            weight,
            &case.options,
        )
        .unwrap();
        let got = stream.clone_dtoh(&dw).unwrap();
        assert_close(
            &what,
            &got,
            &want.to_vec().unwrap(),
            tolerance(case.terms()[2]),
        );
    }
}

pub fn tiled_128(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled128, sums::<f32>);
}

pub fn tiled_64(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled64, sums::<f32>);
    kernel::<bf16>(device, Kernel::Tiled64, sums::<bf16>);
}

pub fn tiled_32(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled32, sums::<f32>);
}

pub fn wmma_128(device: &Device) {
    kernel::<f16>(device, Kernel::Wmma128, sums::<f16>);
    kernel::<bf16>(device, Kernel::Wmma128, sums::<bf16>);
}

pub fn wmma_64(device: &Device) {
    kernel::<f16>(device, Kernel::Wmma64, sums::<f16>);
    kernel::<bf16>(device, Kernel::Wmma64, sums::<bf16>);
    kernel::<f32>(device, Kernel::Wmma64, tf32);
}

fn mma(device: &Device, which: Kernel) {
    kernel::<f16>(device, which, sums::<f16>);
    kernel::<bf16>(device, which, sums::<bf16>);
    kernel::<f32>(device, which, tf32);
}

pub fn mma_128(device: &Device) {
    mma(device, Kernel::Mma128);
}

pub fn mma_96x128(device: &Device) {
    mma(device, Kernel::Mma96x128);
}

pub fn mma_64(device: &Device) {
    mma(device, Kernel::Mma64);
}

/// All four directions, whichever kernel the tensors choose.
pub fn tensors(device: &Device) {
    fn check<T: Float>(device: &Device, allow_tf32: bool, tolerance: fn(usize) -> Tolerance) {
        for case in cases() {
            let options = Conv2dOptions {
                allow_tf32,
                ..case.options
            };
            let (input, weight, output) = (case.input, case.weight(), case.output());
            let of = |shape: [usize; 4], seed| uniform::<T>(shape.iter().product(), seed);
            let (x, w, dy) = (of(input, 5), of(weight, 6), of(output, 7));
            let bias = case.bias.then(|| uniform::<T>(case.weight[0], 8));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let [x, w, dy] =
                    [(&x, input), (&w, weight), (&dy, output)].map(|(v, s)| tensor(v, &s, d));
                let bias = bias.as_ref().map(|b| tensor(b, &[case.weight[0]], d));
                let [mut y, mut dx, mut dw] =
                    [output, input, weight].map(|shape| unwritten::<T>(&shape, d));
                let mut db = unwritten::<T>(&[case.weight[0]], d);
                x.conv2d_out(&w, bias.as_ref(), &options, &mut y).unwrap();
                conv2d_backward_input_out(&dy, &w, &options, &mut dx).unwrap();
                conv2d_backward_weight_out(&dy, &x, &options, &mut dw).unwrap();
                conv2d_backward_bias_out(&dy, &mut db).unwrap();
                [y, dx, dw, db].map(|t| t.to_vec().unwrap())
            });
            let [forward, to_input, to_weight] = case.terms().map(tolerance);
            let tolerances = [forward, to_input, to_weight, sums::<T>(case.terms()[2])];
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let what = format!("conv2d {} {} tf32 {allow_tf32}: {i}", T::NAME, case.name);
                assert_close(&what, got, want, tolerances[i]);
            }
        }
    }
    check::<f32>(device, false, sums::<f32>);
    check::<f32>(device, true, tf32);
    check::<f16>(device, false, sums::<f16>);
    check::<bf16>(device, false, sums::<bf16>);
}

/// An activation's gradient and the bias's in one: near the CPU's, and to the bit what two ops make of them.
pub fn activated(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for case in cases() {
            let (shape, activation) = (case.output(), case.options.activation);
            let [y, dy] = [9, 10].map(|seed| uniform::<T>(shape.iter().product(), seed));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let [y, dy] = [&y, &dy].map(|v| tensor(v, &shape, d));
                let mut dx = unwritten::<T>(&shape, d);
                let [mut db, mut sums] = [(); 2].map(|()| unwritten::<T>(&[shape[1]], d));
                conv2d_backward_bias_activated_out(&dy, &y, activation, &mut dx, &mut db).unwrap();
                let apart = activation_backward(&dy, &y, activation).unwrap();
                conv2d_backward_bias_out(&apart, &mut sums).unwrap();
                let [dx, apart, db, sums] = [dx, apart, db, sums].map(|t| t.to_vec().unwrap());
                assert_eq!([&dx, &db], [&apart, &sums], "{}", case.name);
                [dx, db]
            });
            for (part, terms) in [(0, 1), (1, case.terms()[2])] {
                let what = format!("conv2d bias {activation:?} {} {}", T::NAME, case.name);
                assert_close(&what, &got[part], &want[part], sums::<T>(terms));
            }
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
