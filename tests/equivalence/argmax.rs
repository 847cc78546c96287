use half::{bf16, f16};
use warpsmith::{Device, Float, Tensor};

use crate::common::data::{SHAPES, outliers, row_shapes, tensor, with_specials};

pub fn rows(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in SHAPES.into_iter().chain(row_shapes()) {
            let n = shape.numel();
            // few different values, so many ties
            let ties = outliers::<T>(n, 1);
            let ties = ties
                .iter()
                .map(|x| T::from_f32(x.to_f32().clamp(-2.0, 1.0).trunc()));
            let negative = outliers::<T>(n, 2);
            let negative = negative.iter().map(|x| T::from_f32(-x.to_f32().abs()));
            for x in [with_specials::<T>(n, 3), ties.collect(), negative.collect()] {
                let [want, got] = [&Device::Cpu, device].map(|d| {
                    let mut y = Tensor::from_vec(vec![-1; shape.rows], &[shape.rows], d).unwrap();
                    tensor(&x, &shape.dims(), d).argmax_out(&mut y).unwrap();
                    y.to_vec().unwrap()
                });
                assert_eq!(got, want, "argmax {} {}", T::NAME, shape.name);
            }
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
