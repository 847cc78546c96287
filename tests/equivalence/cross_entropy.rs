use half::{bf16, f16};
use warpsmith::ops::{cross_entropy_backward_out, cross_entropy_out};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, Shape, outliers, row_shapes, tensor, unwritten};

fn shapes() -> impl Iterator<Item = Shape> {
    SHAPES.into_iter().chain(row_shapes())
}

fn labels(shape: &Shape) -> Vec<i32> {
    (0..shape.rows)
        .map(|row| (row * 7919 % shape.cols) as i32)
        .collect()
}

pub fn forward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in shapes() {
            let (x, labels) = (outliers::<T>(shape.numel(), 1), labels(&shape));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut loss = unwritten::<T>(&[], d);
                let (x, labels) = (
                    tensor(&x, &shape.dims(), d),
                    tensor(&labels, &[shape.rows], d),
                );
                cross_entropy_out(&x, &labels, &mut loss).unwrap();
                loss.to_vec().unwrap()
            });
            let what = format!("cross_entropy {} {}", T::NAME, shape.name);
            assert_close(&what, &got, &want, Tolerance::of::<T>(shape.cols, 1.0));
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

pub fn backward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        for shape in shapes() {
            let (x, labels) = (outliers::<T>(shape.numel(), 2), labels(&shape));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut dx = unwritten::<T>(&shape.dims(), d);
                let (x, labels) = (
                    tensor(&x, &shape.dims(), d),
                    tensor(&labels, &[shape.rows], d),
                );
                cross_entropy_backward_out(&x, &labels, &mut dx).unwrap();
                dx.to_vec().unwrap()
            });
            let what = format!("cross_entropy_backward {} {}", T::NAME, shape.name);
            let scale = 1.0 / shape.rows.max(1) as f64;
            // f16 has no smaller steps than 2^-24
            let tolerance = Tolerance::of::<T>(shape.cols, scale);
            let abs = tolerance.abs + if T::NAME == "f16" { 6e-8 } else { 0.0 };
            assert_close(&what, &got, &want, Tolerance { abs, ..tolerance });
        }
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

/// The loss is NaN, and so is that row of the gradient and no other: the host does not wait to look at labels.
pub fn labels_outside_the_classes(device: &Device) {
    for cols in [5, 40, 2048] {
        for label in [-1, cols as i32, i32::MAX, i32::MIN] {
            let x = tensor(&outliers::<f32>(3 * cols, 3), &[3, cols], device);
            let labels = tensor(&[1, label, 2], &[3], device);
            let mut loss = tensor(&[0.0_f32], &[], device);
            cross_entropy_out(&x, &labels, &mut loss).unwrap();
            assert!(
                loss.item().unwrap().is_nan(),
                "label {label} of {cols} classes"
            );
            let mut dx = unwritten::<f32>(&[3, cols], device);
            cross_entropy_backward_out(&x, &labels, &mut dx).unwrap();
            for (i, dx) in dx.to_vec().unwrap().iter().enumerate() {
                assert_eq!(
                    dx.is_nan(),
                    i / cols == 1,
                    "at {i} with label {label} of {cols}"
                );
            }
        }
    }
}
