use criterion::Criterion;
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// 2^24 elements: 64 MiB of f32, far past every cache.
const N: usize = 1 << 24;

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        let mut group = group(criterion, &format!("tanh_{}", T::NAME));
        group.throughput(bytes::<T>(2 * N));
        for device in devices() {
            let x = randn::<T>(&[N], &device);
            let mut y = Tensor::zeros(&[N], &device).unwrap();
            time(&mut group, &device, "2^24", || x.tanh_out(&mut y).unwrap());
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
