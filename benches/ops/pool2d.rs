use criterion::Criterion;
use warpsmith::ops::{
    Window, adaptive_avg_pool2d_backward_out, avg_pool2d_backward_out, max_pool2d_backward_out,
    max_pool2d_with_indices, max_pool2d_with_indices_out,
};
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// AlexNet's first pooling at batch 32, whose windows overlap, and LeNet's at a training batch.
fn shapes() -> [(&'static str, [usize; 4], Window); 2] {
    let alexnet = Window::new([3, 3]).stride([2, 2]);
    [
        ("alexnet_32x64x55x55", [32, 64, 55, 55], alexnet),
        ("lenet_256x6x28x28", [256, 6, 28, 28], Window::new([2, 2])),
    ]
}

/// ResNet's last pooling, to one output a plane.
fn adaptive<T: Float>(criterion: &mut Criterion) {
    let (dims, one) = ([32, 512, 7, 7], [32, 512, 1, 1]);
    for device in devices() {
        let (x, dy) = (randn::<T>(&dims, &device), randn::<T>(&one, &device));
        let [mut y, mut dx] = [one, dims].map(|dims| Tensor::zeros(&dims, &device).unwrap());
        let moved = x.numel() + y.numel();
        let mut run = |name: &str, work: &mut dyn FnMut()| {
            let mut group = group(criterion, &format!("{name}_{}", T::NAME));
            group.throughput(bytes::<T>(moved));
            time(&mut group, &device, "32x512x7x7", work);
        };
        run("adaptive_avg_pool2d", &mut || {
            x.adaptive_avg_pool2d_out([1, 1], &mut y).unwrap();
        });
        run("adaptive_avg_pool2d_backward", &mut || {
            adaptive_avg_pool2d_backward_out(&dy, &mut dx).unwrap();
        });
    }
}

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        for (shape, dims, window) in shapes() {
            for device in devices() {
                let x = randn::<T>(&dims, &device);
                let (mut y, mut indices) = max_pool2d_with_indices(&x, &window).unwrap();
                let dy = randn::<T>(y.shape(), &device);
                let mut dx = Tensor::zeros(&dims, &device).unwrap();
                // an index is four bytes
                let index = y.numel() * 4 / size_of::<T>();
                let moved = x.numel() + y.numel();
                let mut run = |name: &str, elements: usize, work: &mut dyn FnMut()| {
                    let mut group = group(criterion, &format!("{name}_{}", T::NAME));
                    group.throughput(bytes::<T>(elements));
                    time(&mut group, &device, shape, work);
                };
                run("max_pool2d", moved, &mut || {
                    x.max_pool2d_out(&window, &mut y).unwrap()
                });
                run("max_pool2d_with_indices", moved + index, &mut || {
                    max_pool2d_with_indices_out(&x, &window, &mut y, &mut indices).unwrap();
                });
                run("max_pool2d_backward", moved + index, &mut || {
                    max_pool2d_backward_out(&dy, &indices, &window, &mut dx).unwrap();
                });
                run("avg_pool2d", moved, &mut || {
                    x.avg_pool2d_out(&window, true, &mut y).unwrap();
                });
                run("avg_pool2d_backward", moved, &mut || {
                    avg_pool2d_backward_out(&dy, &window, true, &mut dx).unwrap();
                });
            }
        }
    }
    adaptive::<f32>(criterion);
    adaptive::<half::f16>(criterion);
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
