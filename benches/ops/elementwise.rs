//! add, bias_add, mul, fill and cast: memory-bound, each a share of the bandwidth.

use criterion::Criterion;
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// 2^24 elements: 64 MiB of f32, far past every cache.
const N: usize = 1 << 24;

/// The output of AlexNet's first convolution as rows of channels, and a classifier's logits: rows that vectors divide
/// and rows that they do not.
const BIASED: [(&str, [usize; 2]); 2] = [
    ("174240x96", [174_240, 96]),
    ("1000000x10", [1_000_000, 10]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        for device in devices() {
            let [x, other] = [(); 2].map(|()| randn::<T>(&[N], &device));
            let mut y = Tensor::zeros(&[N], &device).unwrap();
            let mut g = group(criterion, &format!("add_{}", T::NAME));
            g.throughput(bytes::<T>(3 * N));
            time(&mut g, &device, "2^24", || {
                x.add_alpha_out(&other, 0.5, &mut y).unwrap();
            });
            g.finish();
            let mut g = group(criterion, &format!("mul_{}", T::NAME));
            g.throughput(bytes::<T>(2 * N));
            time(&mut g, &device, "2^24", || x.mul_out(0.5, &mut y).unwrap());
            g.finish();
            let mut g = group(criterion, &format!("fill_{}", T::NAME));
            g.throughput(bytes::<T>(N));
            let value = T::from_f32(0.5);
            time(&mut g, &device, "2^24", || y.fill_(value).unwrap());
            g.finish();
            let mut g = group(criterion, &format!("bias_add_{}", T::NAME));
            for (shape, [rows, cols]) in BIASED {
                g.throughput(bytes::<T>(2 * rows * cols));
                let x = randn::<T>(&[rows, cols], &device);
                let bias = randn::<T>(&[cols], &device);
                let mut y = Tensor::zeros(&[rows, cols], &device).unwrap();
                time(&mut g, &device, shape, || {
                    x.bias_add_out(&bias, &mut y).unwrap();
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
    casts(criterion);
}

/// What mixed precision does before and after each step.
fn casts(criterion: &mut Criterion) {
    let mut group = group(criterion, "cast");
    group.throughput(bytes::<half::f16>(3 * N));
    for device in devices() {
        let mut wide = randn::<f32>(&[N], &device);
        let mut half = Tensor::<half::bf16>::zeros(&[N], &device).unwrap();
        time(&mut group, &device, "f32_bf16_2^24", || {
            wide.cast_out(&mut half).unwrap();
        });
        time(&mut group, &device, "bf16_f32_2^24", || {
            half.cast_out(&mut wide).unwrap();
        });
    }
}
