//! The ends of f32's range: subnormal numbers are kept, and what only passes by an infinity does not become one.

use half::{bf16, f16};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::tensor;

/// What two subnormal results may be apart: each is rounded once, and what it comes from, too.
const APART: f64 = 3e-45;

/// The same op on the CPU and on the device.
fn check<T: Float, Y: Float>(
    device: &Device,
    what: &str,
    x: &[T],
    shape: &[usize],
    rel: f64,
    op: fn(&Tensor<T>) -> Result<Tensor<Y>>,
) -> Vec<Y> {
    let [want, got] = [&Device::Cpu, device].map(|d| {
        let y = op(&tensor(x, shape, d)).unwrap();
        y.to_vec().unwrap()
    });
    let stored = f64::from(Y::from_f32(1.01).to_f32() - 1.01).abs().max(1e-7) * 8.0;
    let rel = if Y::NAME == "f32" { rel } else { rel + stored };
    let abs = if Y::NAME == "f16" { 1.2e-7 } else { APART };
    assert_close(what, &got, &want, Tolerance { abs, rel });
    got
}

/// Positive and negative numbers from the smallest one to past the smallest normal one.
fn small() -> Vec<f32> {
    let bits = (1..200_u32).chain((1..200).map(|i| i * 99_991));
    bits.flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
        .collect()
}

pub fn kept(device: &Device) {
    let x = small();
    let exact = 0.0;
    let passes = [
        check(device, "add", &x, &[x.len()], exact, |x: &Tensor<f32>| {
            x.add_alpha(x, 0.5)
        }),
        check(device, "mul", &x, &[x.len()], exact, |x: &Tensor<f32>| {
            x.mul(0.75)
        }),
        check(device, "relu", &x, &[x.len()], exact, Tensor::<f32>::relu),
        check(device, "tanh", &x, &[x.len()], exact, Tensor::<f32>::tanh),
        check(
            device,
            "bias_add",
            &x,
            &[x.len()],
            exact,
            |x: &Tensor<f32>| {
                x.reshape(&[1, x.numel()])?
                    .bias_add(&x.reshape(&[x.numel()])?)
            },
        ),
        check(
            device,
            "matmul",
            &x,
            &[x.len()],
            exact,
            |x: &Tensor<f32>| {
                let one = Tensor::full(&[1, 1], 1.0, x.device())?;
                x.reshape(&[x.numel(), 1])?.matmul(&one)
            },
        ),
    ];
    for (i, y) in passes.iter().enumerate() {
        assert!(y.iter().filter(|y| **y != 0.0).count() > x.len() / 3, "{i}");
    }
    check(device, "cast", &x, &[x.len()], exact, |x: &Tensor<f32>| {
        x.cast::<bf16>()
    });
    let halves: Vec<f16> = (1..1024).map(f16::from_bits).collect();
    check(
        device,
        "cast",
        &halves,
        &[1023],
        exact,
        |x: &Tensor<f16>| x.cast::<f32>(),
    );
    let sum = check(
        device,
        "sum",
        &[1e-45, 3e-44],
        &[2],
        exact,
        Tensor::<f32>::sum,
    );
    assert!(sum[0] > 0.0);
}

fn sigmoids<T: Float>(device: &Device) {
    // where the type still has a number
    let kept = |y: &[T]| match T::NAME {
        "f32" => y[370].to_f32() > 0.0,
        "bf16" => y[100].to_f32() > 0.0,
        _ => true,
    };
    let x: Vec<T> = (0..400)
        .map(|i| T::from_f32(-85.0 - i as f32 * 0.05))
        .collect();
    let y = check(
        device,
        "sigmoid",
        &x,
        &[x.len()],
        1e-6,
        Tensor::<T>::sigmoid,
    );
    assert!(kept(&y));
    // behind a product
    let y = check(device, "linear", &x, &[x.len()], 1e-6, |x: &Tensor<T>| {
        let one = Tensor::full(&[1, 1], T::from_f32(1.0), x.device())?;
        let options = warpsmith::ops::MatmulOptions {
            activation: warpsmith::ops::Activation::Sigmoid,
            ..Default::default()
        };
        warpsmith::ops::matmul_with(&x.reshape(&[x.numel(), 1])?, &one, &options)
    });
    assert!(kept(&y));
}

pub fn exponentials(device: &Device) {
    sigmoids::<f32>(device);
    sigmoids::<f16>(device);
    sigmoids::<bf16>(device);
    let row: Vec<f32> = (0..1000).map(|i| i as f32 * -0.11).collect();
    for cols in [250, 1000] {
        // the fast exponential's error grows with its argument
        check(
            device,
            "softmax",
            &row,
            &[1000 / cols, cols],
            4e-5,
            Tensor::<f32>::softmax,
        );
    }
}

/// Powers of sums up to the end of f32's range: subnormal numbers, times what is large.
pub fn powers(device: &Device) {
    for channels in [1, 3] {
        for (x, beta) in [(1e10, 2.0), (1.5e19, 1.0), (1.2e19, 0.75), (1.0e19, 0.5)] {
            // so that a window's squares are a number
            let x = vec![x / (channels as f32).sqrt(); channels * 6];
            let shape = [1, channels, 6];
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let x = tensor(&x, &shape, d);
                let y = x.local_response_norm(channels, channels as f64 * 0.4, beta, 1.0);
                y.unwrap().to_vec().unwrap()
            });
            let tolerance = Tolerance {
                abs: 0.0,
                rel: 1e-4,
            };
            assert_close(&format!("lrn of {beta}"), &got, &want, tolerance);
            assert!(got.iter().all(|y| *y > 0.0), "{got:?}");
        }
    }
}

/// A mean in f32's range of a sum that is not, and sums that leave it on the way.
pub fn sums(device: &Device) {
    fn check_all<T: Float>(device: &Device) {
        let large = if T::NAME == "f16" { 65504.0 } else { 3e38 };
        for n in [4, 7, 5000, 300_000] {
            let x = vec![T::from_f32(large); n];
            let mean = check(device, "mean", &x, &[x.len()], 1e-6, Tensor::<T>::mean);
            assert!(mean[0].to_f32() > 0.9 * large, "{mean:?} of {n}");
            let sum = check(device, "sum", &x, &[x.len()], 1e-6, Tensor::<T>::sum);
            assert!(sum[0].to_f32().is_infinite());
        }
        // the first half is as far above 0 as the second one is below
        let x: Vec<T> = (0..8192)
            .map(|i| T::from_f32(if i < 4096 { large } else { -large }))
            .collect();
        let sum = check(device, "sum", &x, &[x.len()], 0.0, Tensor::<T>::sum);
        assert_eq!(sum[0].to_f32(), 0.0);
        let x = [T::from_f32(f32::INFINITY), T::from_f32(1.0)];
        let mean = check(device, "mean", &x, &[2], 0.0, Tensor::<T>::mean);
        assert!(mean[0].to_f32() == f32::INFINITY);
    }
    check_all::<f32>(device);
    check_all::<f16>(device);
    check_all::<bf16>(device);
}
