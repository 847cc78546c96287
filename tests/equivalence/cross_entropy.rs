use half::{bf16, f16};
use warpsmith::ops::{
    CrossEntropyOptions, Reduction, cross_entropy_backward_out, cross_entropy_backward_with_out,
    cross_entropy_out, cross_entropy_with_out,
};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, Shape, outliers, row_shapes, tensor, uniform, unwritten};

/// Roundings of each term of a row's sum, which show in its loss undivided by the number of rows: an exponential errs by two
/// units, and so does the one that it may be scaled by when a larger maximum is met.
const ROUNDINGS: usize = 4;

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

/// Some rows ignored, and for the weighted kernels weights, smoothing or both.
#[derive(Clone, Copy, Debug)]
struct Case {
    weighted: bool,
    label_smoothing: f64,
    reduction: Reduction,
}

impl Case {
    /// Runs `f` with the case's options, on one device.
    fn options<R>(
        self,
        shape: &Shape,
        device: &Device,
        f: impl FnOnce(&CrossEntropyOptions<'_>) -> R,
    ) -> R {
        let weight: Vec<f32> = uniform(shape.cols, 7);
        let weight: Vec<f32> = weight.iter().map(|w| w.abs() + 0.01).collect();
        let weight = tensor(&weight, &[shape.cols], device);
        f(&CrossEntropyOptions {
            weight: self.weighted.then_some(&weight),
            label_smoothing: self.label_smoothing,
            reduction: self.reduction,
            ..CrossEntropyOptions::default()
        })
    }

    fn labels(shape: &Shape) -> Vec<i32> {
        let mut labels = labels(shape);
        for label in labels.iter_mut().skip(1).step_by(3) {
            *label = -100;
        }
        labels
    }

    fn dims(self, shape: &Shape) -> Vec<usize> {
        match self.reduction {
            Reduction::None => vec![shape.rows],
            Reduction::Mean | Reduction::Sum => Vec::new(),
        }
    }

    /// What the loss of a row, or the sum of them all, may reach.
    fn scale(self, shape: &Shape) -> f64 {
        match self.reduction {
            Reduction::Sum => shape.rows.max(1) as f64,
            Reduction::Mean | Reduction::None => 1.0,
        }
    }

    fn forward<T: Float>(self, device: &Device) {
        for shape in shapes() {
            let (x, labels) = (outliers::<T>(shape.numel(), 1), Self::labels(&shape));
            let dims = self.dims(&shape);
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut loss = unwritten::<T>(&dims, d);
                let x = tensor(&x, &shape.dims(), d);
                let labels = tensor(&labels, &[shape.rows], d);
                self.options(&shape, d, |options| {
                    cross_entropy_with_out(&x, &labels, options, &mut loss).unwrap();
                });
                loss.to_vec().unwrap()
            });
            let what = format!("cross_entropy {} {} {self:?}", T::NAME, shape.name);
            let steps = ROUNDINGS * shape.cols;
            let tolerance = Tolerance::of::<T>(steps, self.scale(&shape));
            assert_close(&what, &got, &want, tolerance);
        }
    }

    fn backward<T: Float>(self, device: &Device) {
        for shape in shapes() {
            let (x, labels) = (outliers::<T>(shape.numel(), 2), Self::labels(&shape));
            let dims = self.dims(&shape);
            let dy = uniform::<T>(dims.iter().product(), 8);
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut dx = unwritten::<T>(&shape.dims(), d);
                let x = tensor(&x, &shape.dims(), d);
                let labels = tensor(&labels, &[shape.rows], d);
                let dy = tensor(&dy, &dims, d);
                self.options(&shape, d, |options| {
                    cross_entropy_backward_with_out(Some(&dy), &x, &labels, options, &mut dx)
                        .unwrap();
                });
                dx.to_vec().unwrap()
            });
            let what = format!("cross_entropy_backward {} {} {self:?}", T::NAME, shape.name);
            let tolerance = Tolerance::of::<T>(shape.cols, 1.0);
            let abs = match self.reduction {
                Reduction::Mean => 4.0 * tolerance.abs / shape.rows.max(1) as f64,
                Reduction::Sum | Reduction::None => tolerance.abs,
            };
            let abs = abs + if T::NAME == "f16" { 6e-8 } else { 0.0 };
            assert_close(&what, &got, &want, Tolerance { abs, ..tolerance });
        }
    }
}

const fn case(weighted: bool, label_smoothing: f64, reduction: Reduction) -> Case {
    Case {
        weighted,
        label_smoothing,
        reduction,
    }
}

/// Sums, and losses row by row, with rows that are ignored.
pub fn reductions(device: &Device) {
    case(false, 0.0, Reduction::Mean).forward::<f32>(device);
    case(false, 0.0, Reduction::Mean).forward::<f16>(device);
    case(false, 0.0, Reduction::Sum).forward::<f32>(device);
    case(false, 0.0, Reduction::Sum).forward::<bf16>(device);
    case(false, 0.0, Reduction::None).forward::<f32>(device);
    case(false, 0.0, Reduction::None).forward::<f16>(device);
    case(false, 0.0, Reduction::None).backward::<f32>(device);
    case(false, 0.0, Reduction::Sum).backward::<bf16>(device);
    case(false, 0.0, Reduction::Mean).backward::<f32>(device);
}

pub fn weighted(device: &Device) {
    case(true, 0.2, Reduction::Mean).forward::<f32>(device);
    case(true, 0.0, Reduction::Mean).forward::<f32>(device);
    case(false, 0.2, Reduction::None).forward::<f32>(device);
    case(true, 0.2, Reduction::Mean).forward::<f16>(device);
    case(true, 0.2, Reduction::Mean).forward::<bf16>(device);
}

pub fn weighted_backward(device: &Device) {
    case(true, 0.2, Reduction::Mean).backward::<f32>(device);
    case(true, 0.0, Reduction::Mean).backward::<f32>(device);
    case(false, 0.2, Reduction::None).backward::<f32>(device);
    case(true, 0.2, Reduction::Sum).backward::<f16>(device);
    case(true, 0.2, Reduction::Mean).backward::<bf16>(device);
}

/// Whatever stands in them, NaN too; and all of them together have no mean.
pub fn ignored_rows(device: &Device) {
    for cols in [5, 40, 2048] {
        let mut x = outliers::<f32>(2 * cols, 3);
        x[cols] = f32::NAN;
        let x = tensor(&x, &[2, cols], device);
        for (label_smoothing, first) in [(0.0, 1), (0.1, 1), (0.0, -100), (0.1, -100)] {
            let labels = tensor(&[first, -100], &[2], device);
            let options = CrossEntropyOptions {
                label_smoothing,
                ..CrossEntropyOptions::default()
            };
            let mut loss = unwritten::<f32>(&[], device);
            cross_entropy_with_out(&x, &labels, &options, &mut loss).unwrap();
            assert_eq!(loss.item().unwrap().is_nan(), first == -100);
            let mut dx = unwritten::<f32>(&[2, cols], device);
            cross_entropy_backward_with_out(None, &x, &labels, &options, &mut dx).unwrap();
            let dx = dx.to_vec().unwrap();
            assert_eq!(dx[cols..], vec![0.0; cols]);
            assert_eq!(dx[..cols].iter().all(|&dx| dx == 0.0), first == -100);
        }
    }
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
            for label_smoothing in [0.0, 0.1] {
                let weight = tensor(&vec![1.0_f32; cols], &[cols], device);
                let options = CrossEntropyOptions {
                    weight: (label_smoothing > 0.0).then_some(&weight),
                    label_smoothing,
                    ..CrossEntropyOptions::default()
                };
                let mut loss = tensor(&[0.0_f32], &[], device);
                cross_entropy_with_out(&x, &labels, &options, &mut loss).unwrap();
                assert!(loss.item().unwrap().is_nan());
                let mut dx = unwritten::<f32>(&[3, cols], device);
                cross_entropy_backward_with_out(None, &x, &labels, &options, &mut dx).unwrap();
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
}
