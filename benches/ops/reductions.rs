//! cross_entropy, sum, column_sum and argmax: one read of a matrix, next to nothing written.

use criterion::Criterion;
use warpsmith::ops::{column_sum_out, cross_entropy_out};
use warpsmith::{Device, Result, Tensor};

use crate::{bytes, devices, group, randn, time};

/// Rows of a block; the logits of a classifier of 1000 classes.
const SHAPES: [[usize; 2]; 2] = [[4096, 4096], [16384, 1000]];

pub fn bench(criterion: &mut Criterion) {
    type Op = Box<dyn FnMut(&Tensor<f32>) -> Result<()>>;
    let zeros = |shape: &[usize], device: &Device| Tensor::zeros(shape, device).unwrap();
    let mut one = |name: &str, make: &dyn Fn([usize; 2], &Device) -> Op| {
        let mut group = group(criterion, &format!("{name}_f32"));
        for [rows, cols] in SHAPES {
            group.throughput(bytes::<f32>(rows * cols));
            for device in devices() {
                let (x, mut op) = (randn(&[rows, cols], &device), make([rows, cols], &device));
                let shape = format!("{rows}x{cols}");
                time(&mut group, &device, &shape, || op(&x).unwrap());
            }
        }
    };
    one("cross_entropy", &|[rows, _], device| {
        let labels = Tensor::<i32>::zeros(&[rows], device).unwrap();
        let mut y = zeros(&[], device);
        Box::new(move |x| cross_entropy_out(x, &labels, &mut y))
    });
    one("sum", &|_, device| {
        let mut y = zeros(&[], device);
        Box::new(move |x| x.sum_out(&mut y))
    });
    one("column_sum", &|[_, cols], device| {
        let mut y = zeros(&[cols], device);
        Box::new(move |x| column_sum_out(x, &mut y))
    });
    one("argmax", &|[rows, _], device| {
        let mut y = Tensor::zeros(&[rows], device).unwrap();
        Box::new(move |x| x.argmax_out(&mut y))
    });
}
