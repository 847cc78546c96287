use half::{bf16, f16};
use warpsmith::ops::{AdagradOptions, adagrad_step};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor};

/// Three steps with a large rate and decays, so that each of the scalars shows.
fn check<T: Float>(device: &Device) {
    let options = AdagradOptions {
        lr: 0.5,
        lr_decay: 0.2,
        weight_decay: 0.1,
        eps: 1e-3,
    };
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let [mut sum] = [(); 1].map(|()| Tensor::zeros(&dims, d).unwrap());
            for step in 1..=3 {
                adagrad_step(&mut p, &g, &mut sum, &options, step).unwrap();
            }
            (p.to_vec().unwrap(), [sum].map(|t| t.to_vec().unwrap()))
        });
        let what = format!("adagrad {} {} {options:?}", T::NAME, shape.name);
        let tolerance = Tolerance::of::<T>(16, 1.0);
        assert_close(&what, &got.0, &want.0, tolerance);
        for (got, want) in got.1.iter().zip(&want.1) {
            assert_close(&what, got, want, tolerance);
        }
    }
}

pub fn step(device: &Device) {
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
