use criterion::Criterion;
use warpsmith::ops::DropoutOptions;
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// 2^24 elements: 64 MiB of f32, far past every cache.
const N: usize = 1 << 24;

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        let mut group = group(criterion, &format!("dropout_{}", T::NAME));
        group.throughput(bytes::<T>(2 * N));
        for device in devices() {
            let x = randn::<T>(&[N], &device);
            let mut y = Tensor::zeros(&[N], &device).unwrap();
            let mut options = DropoutOptions {
                p: 0.5,
                seed: 1,
                call: 0,
            };
            time(&mut group, &device, "2^24", || {
                options.call += 1;
                x.dropout_out(&options, &mut y).unwrap();
            });
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
