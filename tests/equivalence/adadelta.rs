use half::{bf16, f16};
use warpsmith::ops::{AdadeltaOptions, adadelta_step};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor};

/// Three steps with a large eps, so that the first ones move.
fn check<T: Float>(device: &Device) {
    let options = AdadeltaOptions {
        lr: 0.5,
        weight_decay: 0.1,
        eps: 1e-2,
        ..AdadeltaOptions::default()
    };
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let [mut v, mut u] = [(); 2].map(|()| Tensor::zeros(&dims, d).unwrap());
            for _ in 0..3 {
                adadelta_step(&mut p, &g, &mut v, &mut u, &options).unwrap();
            }
            (p.to_vec().unwrap(), [v, u].map(|t| t.to_vec().unwrap()))
        });
        let what = format!("adadelta {} {} {options:?}", T::NAME, shape.name);
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
