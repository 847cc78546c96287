use criterion::{Criterion, Throughput};
use warpsmith::ops::linear_out;
use warpsmith::{Device, Float, Tensor};

use crate::{devices, group, randn, time};

/// Rows of x, columns of the output, terms; each as x (m, k) times a weight (n, k) transposed, which is `linear`.
const SHAPES: [(&str, [usize; 3]); 6] = [
    // the spiral's first layer: two terms, so memory and launch time
    ("spiral_3000x100x2", [3000, 100, 2]),
    // LeNet's first dense layer: too few outputs to fill a GPU with large tiles
    ("lenet_64x120x400", [64, 120, 400]),
    // one image through a classifier's last layer: the weight is read once, so memory
    ("row_1x1000x4096", [1, 1000, 4096]),
    ("square_1024", [1024, 1024, 1024]),
    ("square_2048", [2048, 2048, 2048]),
    // AlexNet's largest dense layer at a training batch
    ("alexnet_128x4096x9216", [128, 4096, 9216]),
];

/// What a GPU needs to show its peak, and a CPU would take seconds for.
const GPU_SHAPES: [(&str, [usize; 3]); 2] = [
    ("square_4096", [4096, 4096, 4096]),
    ("square_8192", [8192, 8192, 8192]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        let mut group = group(criterion, &format!("matmul_{}", T::NAME));
        for device in devices() {
            let large: &[_] = if device == Device::Cpu {
                &[]
            } else {
                &GPU_SHAPES
            };
            for &(name, [m, n, k]) in SHAPES.iter().chain(large) {
                group.throughput(Throughput::ElementsAndBytes {
                    elements: 2 * (m * n * k) as u64,
                    bytes: ((m * k + k * n + m * n) * size_of::<T>()) as u64,
                });
                let (x, weight) = (randn::<T>(&[m, k], &device), randn::<T>(&[n, k], &device));
                let mut y = Tensor::zeros(&[m, n], &device).unwrap();
                time(&mut group, &device, name, || {
                    linear_out(&x, &weight, None, &mut y).unwrap()
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
