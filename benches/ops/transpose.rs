use criterion::Criterion;
use warpsmith::{Element, Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// 64 MiB of f32 with rows a power of two apart, where caches and shared memory conflict; rows that are odd, so that
/// halves cannot move in pairs; and the heads of an attention layer as a batch.
const SHAPES: [(&str, &[usize]); 3] = [
    ("4096x4096", &[4096, 4096]),
    ("4095x4097", &[4095, 4097]),
    ("256x512x64", &[256, 512, 64]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Element + Float>(criterion: &mut Criterion) {
        let mut group = group(criterion, &format!("transpose_{}", T::NAME));
        for (shape, dims) in &SHAPES {
            group.throughput(bytes::<T>(2 * dims.iter().product::<usize>()));
            for device in devices() {
                let x = randn::<T>(dims, &device);
                let mut y = Tensor::zeros(x.transpose(-2, -1).unwrap().shape(), &device).unwrap();
                time(&mut group, &device, shape, || {
                    x.transpose_out(-2, -1, &mut y).unwrap();
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
