use half::{bf16, f16};
use warpsmith::ops::unary::{KERNELS, backward, unary};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, with_specials};
use crate::emulated::{wanted, wanted_name};

/// The names of the table, from its kernels.
fn names() -> impl Iterator<Item = &'static str> {
    let forward = KERNELS
        .iter()
        .filter(|kernel| !kernel.contains("_backward_"));
    forward.filter_map(|kernel| kernel.strip_prefix("unary_")?.strip_suffix("_f32"))
}

/// A slope, or bounds.
const NUMBERS: [f32; 2] = [-0.25, 0.75];

fn check<T: Float>(device: &Device) {
    if !wanted(T::NAME, "") {
        return;
    }
    for name in names().filter(|name| wanted_name(&format!("unary_{name}_"))) {
        for shape in &SHAPES {
            let dims = shape.dims();
            let x = with_specials::<T>(shape.numel(), 1);
            let dy = outliers::<T>(shape.numel(), 2);
            // the worst, tan's gradient, squares what two implementations each leave in the last place
            let tolerance = Tolerance::of::<T>(24, 1.0);
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let (x, dy) = (tensor(&x, &dims, d), tensor(&dy, &dims, d));
                let (y, dx) = (unary(name, &x, NUMBERS), backward(name, &dy, &x, NUMBERS));
                [y, dx].map(|y| y.unwrap().to_vec().unwrap())
            });
            for (what, (got, want)) in ["", "_backward"].into_iter().zip(got.iter().zip(&want)) {
                let what = format!("{name}{what} {} {}", T::NAME, shape.name);
                assert_close(&what, got, want, tolerance);
            }
        }
    }
}

pub fn all(device: &Device) {
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

pub fn in_place(device: &Device) {
    let x = outliers::<f32>(1001, 3);
    let [want, got] = [&Device::Cpu, device].map(|d| {
        let mut y = tensor(&x, &[1001], d);
        y.gelu_().unwrap();
        y.clamp_(-0.1, 2.0).unwrap();
        y.to_vec().unwrap()
    });
    assert_close("gelu_, clamp_", &got, &want, Tolerance::of::<f32>(16, 1.0));
}
