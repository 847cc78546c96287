use half::{bf16, f16};
use warpsmith::ops::{Activation, activation_backward, column_sum_activated_out, column_sum_out};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, Shape, outliers, tensor, uniform, unwritten};

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

/// An activation's gradient and the bias's in one: near the CPU's, and to the bit what two ops make of them.
pub fn activated(device: &Device) {
    fn check<T: Float>(device: &Device, activation: Activation) {
        let shape = |name, rows, cols| Shape { name, rows, cols };
        let more = [
            shape("no_rows", 0, 5),
            shape("the_bias_of_the_spiral", 3000, 100),
            shape("one_vector", 2500, 8),
        ];
        for shape in SHAPES.iter().chain(&more) {
            // both sides of where a ReLU lets pass, and what the others can answer
            let [y, dy] = [2, 3].map(|seed| uniform::<T>(shape.numel(), seed));
            let dims = shape.dims();
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let [y, dy] = [&y, &dy].map(|v| tensor(v, &dims, d));
                let mut dx = unwritten::<T>(&dims, d);
                let mut db = unwritten::<T>(&[shape.cols], d);
                column_sum_activated_out(&dy, &y, activation, &mut dx, &mut db).unwrap();
                let apart = activation_backward(&dy, &y, activation).unwrap();
                let mut sums = unwritten::<T>(&[shape.cols], d);
                column_sum_out(&apart, &mut sums).unwrap();
                let [dx, apart] = [dx, apart].map(|t| t.to_vec().unwrap());
                let [db, sums] = [db, sums].map(|t| t.to_vec().unwrap());
                assert_eq!([&dx, &db], [&apart, &sums], "{activation:?} {}", shape.name);
                [dx, db]
            });
            for (part, terms) in [(0, 1), (1, shape.rows)] {
                let what = format!("{activation:?} {} {}: {part}", T::NAME, shape.name);
                let tolerance = Tolerance::of::<T>(terms + 2, (terms as f64).sqrt() + 1.0);
                assert_close(&what, &got[part], &want[part], tolerance);
            }
        }
    }
    for activation in [
        Activation::None,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
    ] {
        check::<f32>(device, activation);
        check::<f16>(device, activation);
        check::<bf16>(device, activation);
    }
}
