use half::{bf16, f16};
use warpsmith::nn::{AnyTensor, BatchNorm2d, Module};
use warpsmith::ops::batch_norm2d::cuda;
use warpsmith::ops::{
    BatchNormStats, RunningStats, batch_norm2d_backward_input_out,
    batch_norm2d_backward_parameters_out, batch_norm2d_stats, batch_norm2d_stats_out,
};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, uniform, unwritten};

/// A shape and why it is tried.
struct Case {
    name: &'static str,
    shape: [usize; 4],
}

const fn case(name: &'static str, shape: [usize; 4]) -> Case {
    Case { name, shape }
}

const CASES: [Case; 9] = [
    case("two_values", [2, 1, 1, 1]),
    case("no_plane", [9, 5, 1, 1]),
    case("odd_plane", [3, 7, 7, 7]),
    case("pairs", [2, 6, 3, 10]),
    case("whole_vectors", [2, 3, 8, 8]),
    // more packs than a block's threads, in several rounds, and of an odd plane
    case("rounds", [3, 2, 40, 64]),
    case("odd_rounds", [3, 2, 45, 51]),
    // parts of channels in several blocks
    case("splits", [2, 1, 160, 256]),
    case("channels_past_a_block", [2, 133, 2, 3]),
];

const EPS: f64 = 1e-3;

/// Values at any distance from 0, as `T` has them.
fn shifted<T: Float>(n: usize, mean: f32) -> Vec<T> {
    let x = uniform::<f32>(n, 1);
    x.iter().map(|x| T::from_f32(mean + x)).collect()
}

fn stats<T: Float>(device: &Device) {
    for Case { name, shape } in CASES {
        let n = shape.iter().product();
        for mean in [0.0, if T::NAME == "f32" { 1e4 } else { 30.0 }] {
            let x = shifted::<T>(n, mean);
            let old = [uniform::<f32>(shape[1], 2), uniform::<f32>(shape[1], 3)];
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let channels = &shape[1..2];
                let [mut running_mean, mut running_var] =
                    [0, 1].map(|i| tensor(&old[i], channels, d));
                let mut count = Tensor::full(&[], 3.0, d).unwrap();
                let [mut mean, mut var] = [(); 2].map(|()| unwritten::<f32>(channels, d));
                let running = RunningStats {
                    mean: &mut running_mean,
                    var: &mut running_var,
                    num_batches_tracked: &mut count,
                    momentum: 0.3,
                };
                let x = tensor(&x, &shape, d);
                batch_norm2d_stats_out(&x, Some(running), &mut mean, &mut var).unwrap();
                assert_eq!(count.item().unwrap(), 4.0);
                let (alone, _) = batch_norm2d_stats(&x).unwrap();
                assert_eq!(alone.to_vec().unwrap(), mean.to_vec().unwrap());
                [mean, var, running_mean, running_var].map(|t| t.to_vec().unwrap())
            });
            let what = format!("batch_norm2d_stats {} {name} {mean}", T::NAME);
            let tolerance = Tolerance::of::<f32>(16, f64::from(mean.max(1.0)));
            // the variance does not know how far away the mean is
            let of_var = Tolerance::of::<f32>(64, 1.0);
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let tolerance = if i % 2 == 0 { tolerance } else { of_var };
                assert_close(&format!("{what} {i}"), got, want, tolerance);
            }
        }
    }
}

/// What belongs to channels: mean, variance, weight, bias, on a device.
fn channels(n: usize, device: &Device) -> [Tensor<f32>; 4] {
    [5, 6, 7, 8].map(|seed| {
        let values = uniform::<f32>(n, seed);
        let values: Vec<f32> = match seed {
            6 => values.iter().map(|v| v * v).collect(),
            _ => values,
        };
        tensor(&values, &[n], device)
    })
}

fn forward_of<T: Float>(device: &Device) {
    for Case { name, shape } in CASES.into_iter().chain([case("empty", [0, 3, 2, 2])]) {
        let x = outliers::<T>(shape.iter().product(), 1);
        for affine in [true, false] {
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let [mean, var, weight, bias] = channels(shape[1], d);
                let stats = BatchNormStats {
                    mean: &mean,
                    var: &var,
                    eps: EPS,
                };
                let mut y = unwritten::<T>(&shape, d);
                let affine = affine.then_some([&weight, &bias]);
                tensor(&x, &shape, d)
                    .batch_norm2d_out(&stats, affine, &mut y)
                    .unwrap();
                y.to_vec().unwrap()
            });
            let what = format!("batch_norm2d {} {name} affine {affine}", T::NAME);
            assert_close(&what, &got, &want, Tolerance::of::<T>(8, 30.0));
        }
    }
}

fn parameters_of<T: Float>(device: &Device) {
    for Case { name, shape } in CASES.into_iter().chain([case("empty", [0, 3, 2, 2])]) {
        let n = shape.iter().product();
        let (dy, x) = (uniform::<T>(n, 1), shifted::<T>(n, 1.0));
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mean, var, ..] = channels(shape[1], d);
            let stats = BatchNormStats {
                mean: &mean,
                var: &var,
                eps: EPS,
            };
            let [mut dweight, mut dbias] = [(); 2].map(|()| unwritten::<f32>(&shape[1..2], d));
            let [dy, x] = [&dy, &x].map(|data| tensor(data, &shape, d));
            batch_norm2d_backward_parameters_out(&dy, &x, &stats, &mut dweight, &mut dbias)
                .unwrap();
            [dweight, dbias].map(|t| t.to_vec().unwrap())
        });
        let what = format!("batch_norm2d_backward {} {name}", T::NAME);
        for (got, want) in got.iter().zip(&want) {
            // terms of up to 3, divided by deviations down to 0.03
            let tolerance = Tolerance::of::<f32>(n / shape[1] + 8, 100.0);
            assert_close(&what, got, want, tolerance);
        }
    }
}

fn input_of<T: Float>(device: &Device) {
    for Case { name, shape } in CASES.into_iter().chain([case("empty", [0, 3, 2, 2])]) {
        let n = shape.iter().product();
        let (dy, mut x) = (uniform::<T>(n, 1), shifted::<T>(n, 1.0));
        for (training, affine) in [(true, true), (true, false), (false, true), (false, false)] {
            if !training && n > 0 {
                // what is a constant's gradient asks nothing of x
                x[0] = T::from_f32(f32::INFINITY);
            }
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let [mean, var, weight, dbias] = channels(shape[1], d);
                let stats = BatchNormStats {
                    mean: &mean,
                    var: &var,
                    eps: EPS,
                };
                let mut dx = unwritten::<T>(&shape, d);
                let [dy, x] = [&dy, &x].map(|data| tensor(data, &shape, d));
                let gradients = training.then_some([&mean, &dbias]);
                let weight = affine.then_some(&weight);
                batch_norm2d_backward_input_out(&dy, &x, &stats, weight, gradients, &mut dx)
                    .unwrap();
                dx.to_vec().unwrap()
            });
            let what = format!(
                "batch_norm2d_backward {} {name} {training} {affine}",
                T::NAME
            );
            // divided by variances down to 1e-3
            assert_close(&what, &got, &want, Tolerance::of::<T>(8, 1e3));
        }
    }
}

pub fn statistics(device: &Device) {
    stats::<f32>(device);
    stats::<f16>(device);
    stats::<bf16>(device);
}

pub fn forward(device: &Device) {
    forward_of::<f32>(device);
    forward_of::<f16>(device);
    forward_of::<bf16>(device);
}

pub fn backward_parameters(device: &Device) {
    parameters_of::<f32>(device);
    parameters_of::<f16>(device);
    parameters_of::<bf16>(device);
}

pub fn backward_input(device: &Device) {
    input_of::<f32>(device);
    input_of::<f16>(device);
    input_of::<bf16>(device);
}

/// Vectors need 16-byte alignment, which a view need not have.
pub fn views(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let (shape, n) = ([2, 3, 64], 384);
    let x = uniform::<f16>(n + 1, 4);
    let on_cpu = tensor(&x[1..], &[2, 3, 8, 8], &Device::Cpu);
    let (mean, var) = batch_norm2d_stats(&on_cpu).unwrap();
    let stats = BatchNormStats {
        mean: &mean,
        var: &var,
        eps: EPS,
    };
    let want = on_cpu.batch_norm2d(&stats, None).unwrap().to_vec().unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let [mut mean, mut var] = [(); 2].map(|()| stream.clone_htod(&[f32::NAN; 3]).unwrap());
    let none = None::<cuda::Running<'_, cudarc::driver::CudaSlice<f32>>>;
    cuda::batch_norm2d_stats(stream, &x.slice(1..), &mut mean, &mut var, none, shape).unwrap();
    let stats = BatchNormStats {
        mean: &mean,
        var: &var,
        eps: EPS,
    };
    let mut y = stream.clone_htod(&vec![f16::NAN; n]).unwrap();
    cuda::batch_norm2d(stream, &x.slice(1..), &stats, None, &mut y, shape).unwrap();
    let got = stream.clone_dtoh(&y).unwrap();
    assert_close("view", &got, &want, Tolerance::of::<f16>(16, 4.0));
}

/// The layer in training, with what it hands from forward to backward, and in evaluation.
pub fn layers(device: &Device) {
    fn check<T: Float>(device: &Device) {
        let shape = [4, 5, 6, 7];
        let n = shape.iter().product();
        let (x, dy) = (shifted::<T>(n, 0.5), uniform::<T>(n, 2));
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [x, dy] = [&x, &dy].map(|x| AnyTensor::of(&tensor(x, &shape, d)).unwrap());
            let mut layer = BatchNorm2d::new(5, d).unwrap();
            let mut results = Vec::new();
            for training in [true, true, false] {
                layer.train(training);
                results.push(layer.forward_any(&x).unwrap().cast().unwrap());
                results.push(layer.backward_any(&dy).unwrap().cast().unwrap());
                results.extend(layer.parameters().iter().map(|p| p.grad.clone()));
                results.extend(layer.named_buffers().iter().map(|(_, b)| (*b).clone()));
            }
            let results = results.iter().map(|t: &Tensor<f32>| t.to_vec().unwrap());
            results.collect::<Vec<_>>()
        });
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            let what = format!("BatchNorm2d {} {i}", T::NAME);
            assert_close(&what, got, want, Tolerance::of::<T>(168, 8.0));
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
