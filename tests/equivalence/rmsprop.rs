use half::{bf16, f16};
use warpsmith::ops::{RmsPropOptions, rmsprop_centered_step, rmsprop_step};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor};

/// Three steps with a large rate and decay, so that each of the scalars shows.
fn check<T: Float>(device: &Device, momentum: f64, centered: bool) {
    let options = RmsPropOptions {
        lr: 0.1,
        weight_decay: 0.1,
        eps: 1e-3,
        momentum,
        centered,
        ..RmsPropOptions::default()
    };
    for shape in &SHAPES {
        let dims = shape.dims();
        let p = outliers::<T>(shape.numel(), 1);
        let g = outliers::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut p, g] = [&p, &g].map(|data| tensor(data, &dims, d));
            let [mut v, mut m, mut b] = [(); 3].map(|()| Tensor::zeros(&dims, d).unwrap());
            for _ in 0..3 {
                let velocity = (momentum != 0.0).then_some(&mut b);
                match centered {
                    false => rmsprop_step(&mut p, &g, &mut v, velocity, &options).unwrap(),
                    true => {
                        rmsprop_centered_step(&mut p, &g, &mut v, &mut m, velocity, &options)
                            .unwrap();
                    }
                }
            }
            (p.to_vec().unwrap(), [v, m, b].map(|t| t.to_vec().unwrap()))
        });
        let what = format!("rmsprop {} {} {options:?}", T::NAME, shape.name);
        let tolerance = Tolerance::of::<T>(16, 1.0);
        assert_close(&what, &got.0, &want.0, tolerance);
        for (got, want) in got.1.iter().zip(&want.1) {
            assert_close(&what, got, want, tolerance);
        }
    }
}

pub fn plain(device: &Device) {
    check::<f32>(device, 0.0, false);
    check::<f16>(device, 0.0, false);
    check::<bf16>(device, 0.0, false);
}

pub fn momentum(device: &Device) {
    check::<f32>(device, 0.9, false);
    check::<f16>(device, 0.9, false);
    check::<bf16>(device, 0.9, false);
}

pub fn centered(device: &Device) {
    check::<f32>(device, 0.0, true);
    check::<f16>(device, 0.0, true);
    check::<bf16>(device, 0.0, true);
}

pub fn centered_momentum(device: &Device) {
    check::<f32>(device, 0.9, true);
    check::<f16>(device, 0.9, true);
    check::<bf16>(device, 0.9, true);
}
