use half::{bf16, f16};
use warpsmith::ops::{AdamOptions, adam_amsgrad_step, adam_step};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, uniform};

/// Three steps with a large rate and decay, so that each of the scalars shows.
fn check<T: Float>(device: &Device, decoupled_weight_decay: bool, amsgrad: bool) {
    let options = AdamOptions {
        decoupled_weight_decay,
        amsgrad,
        lr: 0.5,
        weight_decay: 0.1,
        eps: 1e-3,
        ..AdamOptions::default()
    };
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let maxima: Vec<f32> = uniform(shape.numel(), 3);
        let maxima: Vec<f32> = maxima.iter().map(|u| 0.01 * u.abs()).collect();
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let [mut m, mut v] = [(); 2].map(|()| Tensor::zeros(&dims, d).unwrap());
            // larger than the second moment ever is, in places
            let mut u = tensor(&maxima, &dims, d);
            for step in 1..=3 {
                match amsgrad {
                    false => adam_step(&mut p, &g, &mut m, &mut v, &options, step).unwrap(),
                    true => adam_amsgrad_step(&mut p, &g, &mut m, &mut v, &mut u, &options, step)
                        .unwrap(),
                }
            }
            (p.to_vec().unwrap(), [m, v, u].map(|t| t.to_vec().unwrap()))
        });
        let what = format!("adam {} {} {options:?}", T::NAME, shape.name);
        let tolerance = Tolerance::of::<T>(16, 1.0);
        assert_close(&what, &got.0, &want.0, tolerance);
        for (got, want) in got.1.iter().zip(&want.1) {
            assert_close(&what, got, want, tolerance);
        }
    }
}

pub fn step(device: &Device) {
    check::<f32>(device, false, false);
    check::<f16>(device, false, false);
    check::<bf16>(device, false, false);
}

pub fn decoupled(device: &Device) {
    check::<f32>(device, true, false);
    check::<bf16>(device, true, false);
}

pub fn amsgrad(device: &Device) {
    check::<f32>(device, false, true);
    check::<f16>(device, true, true);
    check::<bf16>(device, false, true);
}
