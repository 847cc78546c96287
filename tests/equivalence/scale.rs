use half::{bf16, f16};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, tensor, unwritten, with_specials};

fn check<T: Float>(device: &Device, in_place: bool) {
    for shape in &SHAPES {
        let dims = shape.dims();
        let x = with_specials::<T>(shape.numel(), 1);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut x = tensor(&x, &dims, d);
            if in_place {
                x.mul_(-0.3).unwrap();
                return x.to_vec().unwrap();
            }
            let mut y = unwritten::<T>(&dims, d);
            x.mul_out(-0.3, &mut y).unwrap();
            y.to_vec().unwrap()
        });
        let what = format!("scale {} {} in place: {in_place}", T::NAME, shape.name);
        assert_close(&what, &got, &want, Tolerance::EXACT);
    }
}

pub fn out_of_place(device: &Device) {
    check::<f32>(device, false);
    check::<f16>(device, false);
    check::<bf16>(device, false);
}

pub fn in_place(device: &Device) {
    check::<f32>(device, true);
    check::<f16>(device, true);
    check::<bf16>(device, true);
}
