use half::{bf16, f16};
use warpsmith::ops::relu_backward_out;
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, tensor, unwritten, with_specials};

pub fn forward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in &SHAPES {
            let x = with_specials::<T>(shape.numel(), 1);
            let want = tensor(&x, &shape.dims(), &Device::Cpu).relu().unwrap();
            let mut y = unwritten::<T>(&shape.dims(), device);
            tensor(&x, &shape.dims(), device).relu_out(&mut y).unwrap();
            let what = format!("relu {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &y.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::EXACT,
            );
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

pub fn in_place(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in &SHAPES {
            let x = with_specials::<T>(shape.numel(), 2);
            let want = tensor(&x, &shape.dims(), &Device::Cpu).relu().unwrap();
            let mut y = tensor(&x, &shape.dims(), device);
            y.relu_().unwrap();
            let what = format!("relu_ {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &y.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::EXACT,
            );
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

pub fn backward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in &SHAPES {
            let dims = shape.dims();
            let (dy, y) = (
                with_specials::<T>(shape.numel(), 3),
                with_specials::<T>(shape.numel(), 4),
            );
            let [mut want, mut got] = [&Device::Cpu, device].map(|d| unwritten::<T>(&dims, d));
            for (d, out) in [(&Device::Cpu, &mut want), (device, &mut got)] {
                relu_backward_out(&tensor(&dy, &dims, d), &tensor(&y, &dims, d), out).unwrap();
            }
            let what = format!("relu_backward {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &got.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::EXACT,
            );
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
