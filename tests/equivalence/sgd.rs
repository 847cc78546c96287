use half::{bf16, f16};
use warpsmith::ops::{SgdOptions, sgd_step};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, unwritten};

/// Three steps; the velocity is full of NaN before the first.
fn check<T: Float>(device: &Device, options: &SgdOptions) {
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let mut v = unwritten::<f32>(&dims, d);
            for step in 1..=3 {
                let velocity = (options.momentum != 0.0).then_some(&mut v);
                sgd_step(&mut p, &g, velocity, options, step).unwrap();
            }
            (p.to_vec().unwrap(), v.to_vec().unwrap())
        });
        let what = format!("sgd {} {} {options:?}", T::NAME, shape.name);
        // parameters and gradients reach 1000
        let tolerance = Tolerance::of::<T>(4, 1000.0);
        assert_close(&what, &got.0, &want.0, tolerance);
        assert_close(&what, &got.1, &want.1, tolerance);
    }
}

const PLAIN: SgdOptions = SgdOptions {
    lr: 0.05,
    momentum: 0.0,
    dampening: 0.0,
    weight_decay: 0.01,
    nesterov: false,
};

pub fn plain(device: &Device) {
    check::<f32>(device, &PLAIN);
    check::<f16>(device, &PLAIN);
    check::<bf16>(device, &PLAIN);
}

pub fn momentum(device: &Device) {
    let momentum = 0.9;
    let dampened = SgdOptions {
        momentum,
        dampening: 0.25,
        ..PLAIN
    };
    let nesterov = SgdOptions {
        momentum,
        nesterov: true,
        ..PLAIN
    };
    check::<f32>(device, &dampened);
    check::<f32>(device, &nesterov);
    check::<f16>(device, &dampened);
    check::<bf16>(device, &nesterov);
}
