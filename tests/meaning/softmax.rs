use half::bf16;
use warpsmith::ops::{log_softmax_backward, softmax_backward};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{SHAPES, outliers, tensor, uniform};

/// Softmax or its logarithm of each row.
pub fn naive(x: &[f64], cols: usize, log: bool) -> Vec<f64> {
    let mut y = Vec::new();
    for row in x.chunks(cols.max(1)) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
        let value = |x: &f64| match log {
            true => x - max - sum.ln(),
            false => (x - max).exp() / sum,
        };
        y.extend(row.iter().map(value));
    }
    y
}

pub fn wide<T: Float>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| f64::from(x.to_f32())).collect()
}

#[test]
fn forward_is_the_formula() {
    fn check<T: Float>() {
        for shape in &SHAPES {
            let x = outliers::<T>(shape.numel(), 1);
            let on_cpu = tensor(&x, &shape.dims(), &Device::Cpu);
            for (log, y) in [(false, on_cpu.softmax()), (true, on_cpu.log_softmax())] {
                let want = naive(&wide(&x), shape.cols, log);
                let what = format!("softmax {} {} log: {log}", T::NAME, shape.name);
                // x - max is rounded to f32, and where it is -90, half a unit of it is 4e-6 of the result;
                // sums are in f64, so the tolerance does not grow with the row
                let stored = Tolerance::of::<T>(1, 0.0).rel;
                let (abs, rel) = if log {
                    (1e-6, stored)
                } else {
                    (1e-12, stored + 4e-6)
                };
                let tolerance = Tolerance { abs, rel };
                assert_close_f64(&what, &y.unwrap().to_vec().unwrap(), &want, tolerance);
            }
        }
    }
    check::<f32>();
    check::<bf16>();
}

/// What PyTorch gives for them.
#[test]
fn rows_with_infinities_and_nan() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let x = [
        [0.0, -inf, 0.0],
        [1.0, inf, 2.0],
        [1.0, nan, 2.0],
        [-inf, -inf, -inf],
    ]
    .concat();
    let x = tensor(&x, &[4, 3], &Device::Cpu);
    let (y, log) = (
        x.softmax().unwrap().to_vec().unwrap(),
        x.log_softmax().unwrap().to_vec().unwrap(),
    );
    assert_eq!(y[..3], [0.5, 0.0, 0.5]);
    assert_eq!(log[1], -inf);
    assert!((log[0] + 2.0_f32.ln()).abs() < 1e-6);
    assert!(
        y[3..].iter().chain(&log[3..]).all(|y| y.is_nan()),
        "{y:?} {log:?}"
    );
}

#[test]
fn large_values_do_not_overflow() {
    let x = tensor(
        &[3e38_f32, -3e38, 3e38, 1e4, 1e4 + 1.0, 1e4 - 1.0],
        &[2, 3],
        &Device::Cpu,
    );
    let y = x.softmax().unwrap().to_vec().unwrap();
    let want = naive(&wide(&x.to_vec().unwrap()), 3, false);
    assert_close_f64("large", &y, &want, Tolerance::of::<f32>(4, 0.0));
}

#[test]
fn backward_is_the_slope() {
    type Backward = fn(&Tensor<f32>, &Tensor<f32>) -> warpsmith::Result<Tensor<f32>>;
    let (rows, cols) = (3, 7);
    let (x, dy) = (
        uniform::<f32>(rows * cols, 2),
        uniform::<f32>(rows * cols, 3),
    );
    for (log, backward) in [
        (false, softmax_backward as Backward),
        (true, log_softmax_backward),
    ] {
        let loss = |x: &[f64]| -> f64 {
            naive(x, cols, log)
                .iter()
                .zip(&dy)
                .map(|(y, &dy)| y * f64::from(dy))
                .sum()
        };
        let want = central_differences(&wide(&x), loss);
        let on_cpu = tensor(&x, &[rows, cols], &Device::Cpu);
        let y = if log {
            on_cpu.log_softmax()
        } else {
            on_cpu.softmax()
        };
        let dx = backward(&tensor(&dy, &[rows, cols], &Device::Cpu), &y.unwrap()).unwrap();
        let tolerance = Tolerance {
            abs: 1e-6,
            rel: 1e-5,
        };
        assert_close_f64("softmax_backward", &dx.to_vec().unwrap(), &want, tolerance);
    }
}

/// The gradient of `loss` at `x`.
pub fn central_differences(x: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let h = 1e-5;
    let at = |i: usize, h: f64| {
        let mut x = x.to_vec();
        x[i] += h;
        loss(&x)
    };
    (0..x.len())
        .map(|i| (at(i, h) - at(i, -h)) / (2.0 * h))
        .collect()
}

/// Far below the maximum, as far as f32 reaches.
#[test]
fn small_shares_are_kept() {
    let x: Vec<f32> = (0..1100).map(|i| i as f32 * -0.1).collect();
    let wide = wide(&x);
    let sum: f64 = wide.iter().map(|x| x.exp()).sum();
    let want: Vec<f64> = wide.iter().map(|x| x.exp() / sum).collect();
    let y = tensor(&x, &[1, 1100], &Device::Cpu).softmax().unwrap();
    // the exponential is rounded, and then its share: a subnormal number's half both times
    let tolerance = Tolerance {
        abs: 1.5e-45,
        rel: 1e-6,
    };
    assert_close_f64("softmax", &y.to_vec().unwrap(), &want, tolerance);
}
