use criterion::{Criterion, Throughput};
use warpsmith::ops::{
    Conv2dOptions, conv2d_backward_bias_out, conv2d_backward_input_out, conv2d_backward_weight_out,
};
use warpsmith::{Device, Float, Tensor};

use crate::{devices, group, randn, time};

/// A convolution: input channels and side, output channels, kernel, stride, padding.
type Shape = (&'static str, [usize; 6]);

/// LeNet's second, and AlexNet's five.
const SHAPES: [Shape; 6] = [
    ("lenet_2", [6, 14, 16, 5, 1, 0]),
    ("alexnet_1", [3, 224, 64, 11, 4, 2]),
    ("alexnet_2", [64, 27, 192, 5, 1, 2]),
    ("alexnet_3", [192, 13, 384, 3, 1, 1]),
    ("alexnet_4", [384, 13, 256, 3, 1, 1]),
    ("alexnet_5", [256, 13, 256, 3, 1, 1]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        for device in devices() {
            let images = if device == Device::Cpu { 8 } else { 128 };
            for (shape, [inputs, side, outputs, kernel, stride, padding]) in SHAPES {
                let options = Conv2dOptions::default()
                    .stride([stride; 2])
                    .padding([padding; 2]);
                let x = randn::<T>(&[images, inputs, side, side], &device);
                let w = randn::<T>(&[outputs, inputs, kernel, kernel], &device);
                let bias = randn::<T>(&[outputs], &device);
                let mut y = x.conv2d(&w, Some(&bias), &options).unwrap();
                let dy = randn::<T>(y.shape(), &device);
                let [mut dx, mut dw, mut db] = [x.shape(), w.shape(), bias.shape()]
                    .map(|shape| Tensor::<T>::zeros(shape, &device).unwrap());
                let flop = 2 * y.numel() * inputs * kernel * kernel;
                let name = format!("{shape}_x{images}");
                let mut run = |op: &str, elements: usize, work: &mut dyn FnMut()| {
                    let mut group = group(criterion, &format!("{op}_{}", T::NAME));
                    group.throughput(Throughput::Elements(elements as u64));
                    time(&mut group, &device, &name, work);
                };
                run("conv2d", flop, &mut || {
                    x.conv2d_out(&w, Some(&bias), &options, &mut y).unwrap();
                });
                run("conv2d_backward_input", flop, &mut || {
                    conv2d_backward_input_out(&dy, &w, &options, &mut dx).unwrap();
                });
                run("conv2d_backward_weight", flop, &mut || {
                    conv2d_backward_weight_out(&dy, &x, &options, &mut dw).unwrap();
                });
                run("conv2d_backward_bias", dy.numel(), &mut || {
                    conv2d_backward_bias_out(&dy, &mut db).unwrap();
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
