use criterion::Criterion;
use warpsmith::{Float, Result, Tensor};

use crate::{bytes, devices, group, randn, time};

/// A block a row; attention over a warp's row; the classes of a small classifier.
const SHAPES: [[usize; 2]; 3] = [[4096, 4096], [65536, 256], [1 << 20, 10]];

pub fn bench(criterion: &mut Criterion) {
    type Op<T> = fn(&Tensor<T>, &mut Tensor<T>) -> Result<()>;
    fn one<T: Float>(criterion: &mut Criterion, name: &str, op: Op<T>) {
        let mut group = group(criterion, &format!("{name}_{}", T::NAME));
        for [rows, cols] in SHAPES {
            group.throughput(bytes::<T>(2 * rows * cols));
            for device in devices() {
                let x = randn::<T>(&[rows, cols], &device);
                let mut y = Tensor::zeros(&[rows, cols], &device).unwrap();
                let shape = format!("{rows}x{cols}");
                time(&mut group, &device, &shape, || op(&x, &mut y).unwrap());
            }
        }
    }
    one::<f32>(criterion, "softmax", Tensor::softmax_out);
    one::<half::f16>(criterion, "softmax", Tensor::softmax_out);
    one::<f32>(criterion, "log_softmax", Tensor::log_softmax_out);
}
