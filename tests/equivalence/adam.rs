use half::{bf16, f16};
use warpsmith::ops::{AdamOptions, adam_step};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor};

/// Three steps with a large rate and decay, so that each of the scalars shows.
fn check<T: Float>(device: &Device, decoupled_weight_decay: bool) {
    let options = AdamOptions {
        decoupled_weight_decay,
        lr: 0.5,
        weight_decay: 0.1,
        eps: 1e-3,
        ..AdamOptions::default()
    };
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let [mut m, mut v] = [(); 2].map(|()| Tensor::zeros(&dims, d).unwrap());
            for step in 1..=3 {
                adam_step(&mut p, &g, &mut m, &mut v, &options, step).unwrap();
            }
            (p.to_vec().unwrap(), [m, v].map(|t| t.to_vec().unwrap()))
        });
        let what = format!("adam {} {}", T::NAME, shape.name);
        let tolerance = Tolerance::of::<T>(16, 1.0);
        assert_close(&what, &got.0, &want.0, tolerance);
        for (got, want) in got.1.iter().zip(&want.1) {
            assert_close(&what, got, want, tolerance);
        }
    }
}

pub fn step(device: &Device) {
    check::<f32>(device, false);
    check::<f16>(device, false);
    check::<bf16>(device, false);
}

pub fn decoupled(device: &Device) {
    check::<f32>(device, true);
    check::<bf16>(device, true);
}
