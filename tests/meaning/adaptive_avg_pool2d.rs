//! Adaptive average pooling against the rule, element by element.

use warpsmith::ops::adaptive_avg_pool2d_backward;
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;

/// Whether an output's window has an input, by the definition in rationals: `floor(o s / n) <= i < ceil((o + 1) s / n)`.
fn holds(output: usize, input: usize, size: usize, outputs: usize) -> bool {
    let at = |o: usize| o as f64 * size as f64 / outputs as f64;
    at(output).floor() <= input as f64 && (input as f64) < at(output + 1).ceil()
}

/// For each output of a plane, the places that it is the mean of.
fn windows([h, w]: [usize; 2], [oh, ow]: [usize; 2]) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for i in 0..oh {
        for j in 0..ow {
            let inside = |p: &usize| holds(i, p / w, h, oh) && holds(j, p % w, w, ow);
            all.push((0..h * w).filter(inside).collect());
        }
    }
    all
}

#[test]
fn a_mean_of_each_window_and_its_gradient() {
    for (shape, output) in [
        ([2, 3, 7, 7], [1, 1]),
        ([1, 2, 6, 6], [6, 6]),
        ([2, 2, 12, 16], [3, 4]),
        ([1, 3, 13, 17], [5, 7]),
        ([2, 1, 3, 5], [7, 8]),
        ([1, 1, 10, 1], [4, 1]),
    ] {
        let (plane, outputs) = (shape[2] * shape[3], output[0] * output[1]);
        let windows = windows([shape[2], shape[3]], output);
        let planes = shape[0] * shape[1];
        let (x, dy) = (
            uniform::<f32>(planes * plane, 1),
            uniform::<f32>(planes * outputs, 2),
        );
        let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
        for p in 0..planes {
            for (o, window) in windows.iter().enumerate() {
                let at = |i: &usize| f64::from(x[p * plane + i]);
                y.push(window.iter().map(at).sum::<f64>() / window.len() as f64);
                let part = f64::from(dy[p * outputs + o]) / window.len() as f64;
                window.iter().for_each(|i| dx[p * plane + i] += part);
            }
        }
        let what = format!("{shape:?} to {output:?}");
        let got = tensor(&x, &shape, &CPU)
            .adaptive_avg_pool2d(output)
            .unwrap();
        assert_eq!(got.shape(), [shape[0], shape[1], output[0], output[1]]);
        assert_close_f64(
            &what,
            &got.to_vec().unwrap(),
            &y,
            Tolerance::of::<f32>(1, 1.0),
        );
        let grad: Tensor<f32> = tensor(&dy, got.shape(), &CPU);
        let got = adaptive_avg_pool2d_backward(&grad, &shape).unwrap();
        assert_close_f64(
            &what,
            &got.to_vec().unwrap(),
            &dx,
            Tolerance::of::<f32>(9, 4.0),
        );
    }
}
