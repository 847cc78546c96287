use half::{bf16, f16};
use warpsmith::ops::sigmoid_backward_out;
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, uniform, unwritten, with_specials};

pub fn forward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in &SHAPES {
            let x = with_specials::<T>(shape.numel(), 1);
            let want = tensor(&x, &shape.dims(), &Device::Cpu).sigmoid().unwrap();
            let mut y = unwritten::<T>(&shape.dims(), device);
            tensor(&x, &shape.dims(), device)
                .sigmoid_out(&mut y)
                .unwrap();
            let what = format!("sigmoid {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &y.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::of::<T>(4, 1.0),
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
            let want = tensor(&x, &shape.dims(), &Device::Cpu).sigmoid().unwrap();
            let mut y = tensor(&x, &shape.dims(), device);
            y.sigmoid_().unwrap();
            let what = format!("sigmoid_ {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &y.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::of::<T>(4, 1.0),
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
                outliers::<T>(shape.numel(), 3),
                uniform::<T>(shape.numel(), 4),
            );
            let [mut want, mut got] = [&Device::Cpu, device].map(|d| unwritten::<T>(&dims, d));
            for (d, out) in [(&Device::Cpu, &mut want), (device, &mut got)] {
                sigmoid_backward_out(&tensor(&dy, &dims, d), &tensor(&y, &dims, d), out).unwrap();
            }
            let what = format!("sigmoid_backward {} {}", T::NAME, shape.name);
            assert_close(
                &what,
                &got.to_vec().unwrap(),
                &want.to_vec().unwrap(),
                Tolerance::of::<T>(4, 1e-6),
            );
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
