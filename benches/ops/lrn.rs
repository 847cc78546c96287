use criterion::Criterion;
use warpsmith::ops::{LrnOptions, local_response_norm_backward_out};
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// AlexNet's first normalisation at batch 32, and its second, whose planes of 26 x 26 halves can take in pairs.
const SHAPES: [(&str, [usize; 4]); 2] = [
    ("32x96x55x55", [32, 96, 55, 55]),
    ("32x256x26x26", [32, 256, 26, 26]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        // AlexNet's parameters, and a power without a form of its own
        for (name, beta) in [("lrn", 0.75), ("lrn_beta_0.6", 0.6)] {
            let mut group = group(criterion, &format!("{name}_{}", T::NAME));
            for (shape, dims) in &SHAPES {
                group.throughput(bytes::<T>(2 * dims.iter().product::<usize>()));
                for device in devices() {
                    let x = randn::<T>(dims, &device);
                    let mut y = Tensor::zeros(dims, &device).unwrap();
                    time(&mut group, &device, shape, || {
                        x.local_response_norm_out(5, 1e-4, beta, 2.0, &mut y)
                            .unwrap();
                    });
                }
            }
        }
        let options = LrnOptions {
            k: 2.0,
            ..LrnOptions::new(5)
        };
        let mut group = group(criterion, &format!("lrn_backward_{}", T::NAME));
        for (shape, dims) in &SHAPES {
            group.throughput(bytes::<T>(3 * dims.iter().product::<usize>()));
            for device in devices() {
                let [dy, x] = [(); 2].map(|()| randn::<T>(dims, &device));
                let mut dx = Tensor::zeros(dims, &device).unwrap();
                time(&mut group, &device, shape, || {
                    local_response_norm_backward_out(&dy, &x, &options, &mut dx).unwrap();
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
