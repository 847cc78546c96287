//! SGD and Adam: one fused step over all of a large layer's weights.

use criterion::{Criterion, Throughput};
use warpsmith::Tensor;
use warpsmith::ops::{AdamOptions, SgdOptions, adam_step, sgd_step};

use crate::{devices, group, randn, time};

/// AlexNet's first fully connected layer, which holds more than half of its parameters.
const LAYER: [usize; 2] = [4096, 9216];

pub fn bench(criterion: &mut Criterion) {
    let n = (LAYER[0] * LAYER[1] * size_of::<f32>()) as u64;
    for device in devices() {
        let mut p = randn::<f32>(&LAYER, &device);
        let g = randn::<f32>(&LAYER, &device);
        let [mut m, mut v] = [(); 2].map(|()| Tensor::zeros(&LAYER, &device).unwrap());
        let plain = SgdOptions::default();
        let momentum = SgdOptions {
            momentum: 0.9,
            ..plain
        };
        // p is read and written, g read, and each state read and written
        for (name, options, bytes) in [("sgd", plain, 3 * n), ("sgd_momentum", momentum, 5 * n)] {
            let mut group = group(criterion, name);
            group.throughput(Throughput::Bytes(bytes));
            time(&mut group, &device, "4096x9216", || {
                sgd_step(&mut p, &g, Some(&mut m), &options, 2).unwrap();
            });
        }
        let mut group = group(criterion, "adam");
        group.throughput(Throughput::Bytes(7 * n));
        let options = AdamOptions::default();
        time(&mut group, &device, "4096x9216", || {
            adam_step(&mut p, &g, &mut m, &mut v, &options, 10).unwrap();
        });
    }
}
