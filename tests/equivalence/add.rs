use half::{bf16, f16};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, tensor, unwritten, with_specials};

fn check<T: Float>(device: &Device, in_place: bool) {
    for (shape, alpha) in SHAPES.iter().zip([1.0, -2.5].into_iter().cycle()) {
        let dims = shape.dims();
        let [a, b] = [1, 2].map(|seed| with_specials::<T>(shape.numel(), seed));
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut a, b] = [&a, &b].map(|data| tensor(data, &dims, d));
            if in_place {
                a.add_alpha_(&b, alpha).unwrap();
                return a.to_vec().unwrap();
            }
            let mut y = unwritten::<T>(&dims, d);
            a.add_alpha_out(&b, alpha, &mut y).unwrap();
            y.to_vec().unwrap()
        });
        let what = format!("add {} {} in place: {in_place}", T::NAME, shape.name);
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
