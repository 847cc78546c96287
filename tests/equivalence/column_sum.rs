use half::{bf16, f16};
use warpsmith::ops::column_sum_out;
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, Shape, outliers, tensor, unwritten};

pub fn shapes(device: &Device) {
    fn check<T: Float>(device: &Device) {
        let shape = |name, rows, cols| Shape { name, rows, cols };
        let more = [
            shape("no_rows", 0, 5),
            shape("one_column", 3001, 1),
            shape("the_bias_of_the_spiral", 3000, 100),
            shape("one_vector", 2500, 8),
            shape("one_past_the_lanes", 70, 264),
        ];
        for shape in SHAPES.iter().chain(&more) {
            let x = outliers::<T>(shape.numel(), 1);
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut y = unwritten::<T>(&[shape.cols], d);
                column_sum_out(&tensor(&x, &shape.dims(), d), &mut y).unwrap();
                y.to_vec().unwrap()
            });
            let what = format!("column_sum {} {}", T::NAME, shape.name);
            // values of up to about a thousand are added
            let tolerance = Tolerance::of::<T>(shape.rows, 1e3);
            assert_close(&what, &got, &want, tolerance);
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}
