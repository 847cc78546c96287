//! Convolution, every kernel by name.

use crate::{Report, case};
use half::{bf16, f16};
use warpsmith::nn::{Conv2d, Layer};
use warpsmith::ops::conv2d::cuda::{
    conv2d_backward_bias, conv2d_backward_bias_activated, conv2d_backward_input_by,
    conv2d_backward_weight_by, conv2d_by, is_available,
};
use warpsmith::ops::matmul::cuda::Kernel;
use warpsmith::ops::{Activation, Conv2dOptions};
use warpsmith::{Device, Float, Generator, Tensor};

/// AlexNet's third layer and a group of its second, on smaller planes.
const SHAPES: [(&str, [usize; 4], [usize; 4], usize); 2] = [
    ("conv3", [2, 64, 13, 13], [96, 64, 3, 3], 1),
    ("conv2", [1, 48, 27, 27], [128, 24, 5, 5], 2),
];

pub fn all(report: &mut Report, device: &Device) {
    for kernel in [
        Kernel::Tiled128,
        Kernel::Tiled64,
        Kernel::Tiled32,
        Kernel::Wmma128,
        Kernel::Wmma64,
        Kernel::Mma128,
        Kernel::Mma96x128,
        Kernel::Mma64,
    ] {
        of::<f32>(report, device, kernel);
        of::<f16>(report, device, kernel);
        of::<bf16>(report, device, kernel);
    }
    first::<f32>(report, device, Kernel::Mma64, 2);
    first::<f16>(report, device, Kernel::Mma96x128, 3);
    first::<bf16>(report, device, Kernel::Mma96x128, 3);
    layer::<f16>(report, device);
    layer::<bf16>(report, device);
    images::<f16>(report, device);
    images::<bf16>(report, device);
    bias::<f32>(report, device);
    bias::<f16>(report, device);
    bias::<bf16>(report, device);
}

/// Random numbers on the device.
fn random<T: Float>(device: &Device, shape: [usize; 4]) -> warpsmith::cudarc::driver::CudaSlice<T> {
    let x = Tensor::<T>::randn(&shape, &mut Generator::manual_seed(1), &Device::Cpu);
    let stream = device.as_cuda().expect("a CUDA device").stream();
    stream
        .clone_htod(&x.and_then(|x| x.to_vec()).expect("random numbers"))
        .expect("room on the device")
}

fn of<T: Float>(report: &mut Report, device: &Device, kernel: Kernel) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !is_available::<T>(kernel, stream) {
        return;
    }
    for (layer, input, weight, groups) in SHAPES {
        let side = weight[2] / 2;
        let options = Conv2dOptions {
            allow_tf32: true,
            ..Conv2dOptions::default().padding([side; 2]).groups(groups)
        };
        let output = [input[0], weight[0], input[2], input[3]];
        let [x, w, dy] = [input, weight, output].map(|shape| random::<T>(device, shape));
        let [mut dx, mut dw, mut y] =
            [input, weight, output].map(|shape| random::<T>(device, shape));
        let name = |what: &str| format!("conv2d{what} {kernel:?} {} {layer}", T::NAME);
        let none = None::<&warpsmith::cudarc::driver::CudaSlice<T>>;
        case(report, name(""), || {
            conv2d_by(
                kernel, stream, &x, &w, none, &mut y, input, weight, &options,
            )
        });
        case(report, name("_backward_input"), || {
            conv2d_backward_input_by(kernel, stream, &dy, &w, &mut dx, input, weight, &options)
        });
        // the kernel of windows that move by two
        if layer == "conv2" {
            let options = options.padding([0; 2]).stride([2; 2]);
            case(report, name("_backward_input strided"), || {
                conv2d_backward_input_by(kernel, stream, &dy, &w, &mut dx, input, weight, &options)
            });
        }
        // the tiles that weights have
        if !matches!(kernel, Kernel::Tiled32 | Kernel::Wmma128) {
            case(report, name("_backward_weight"), || {
                conv2d_backward_weight_by(kernel, stream, &dy, &x, &mut dw, input, weight, &options)
            });
        }
    }
}

/// A layer whose few channels share 16 bytes with their neighbours: AlexNet's first, on smaller planes.
fn first<T: Float>(report: &mut Report, device: &Device, kernel: Kernel, channels: usize) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !is_available::<T>(kernel, stream) {
        return;
    }
    let (input, weight) = ([2, channels, 115, 115], [96, channels, 11, 11]);
    let output = [2, 96, 27, 27];
    let options = Conv2dOptions {
        allow_tf32: true,
        ..Conv2dOptions::default().stride([4; 2])
    };
    let [x, w, dy] = [input, weight, output].map(|shape| random::<T>(device, shape));
    let [mut dw, mut y] = [weight, output].map(|shape| random::<T>(device, shape));
    let name = |what: &str| format!("conv2d{what} {kernel:?} {} first", T::NAME);
    let none = None::<&warpsmith::cudarc::driver::CudaSlice<T>>;
    case(report, name(""), || {
        conv2d_by(
            kernel, stream, &x, &w, none, &mut y, input, weight, &options,
        )
    });
    case(report, name("_backward_weight"), || {
        conv2d_backward_weight_by(kernel, stream, &dy, &x, &mut dw, input, weight, &options)
    });
}

/// Backward of a layer, which makes the copy that its gradients read where it sums the bias's.
fn layer<T: Float>(report: &mut Report, device: &Device) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !is_available::<T>(Kernel::Mma64, stream) {
        return;
    }
    let mut generator = Generator::manual_seed(1);
    let options = Conv2dOptions {
        activation: Activation::Relu,
        ..Conv2dOptions::default().padding([1; 2])
    };
    let conv = Conv2d::new(64, 96, [3; 2], options, &mut generator, device);
    let mut conv = conv.expect("a layer");
    let [x, dy] = [64, 96].map(|channels| {
        Tensor::<T>::randn(&[4, channels, 27, 27], &mut generator, device).expect("random numbers")
    });
    Layer::forward(&mut conv, &x).expect("a forward");
    let name = format!("Conv2d backward {} 4x96x27x27", T::NAME);
    case(report, name, || Layer::backward(&mut conv, &dy).map(drop));
}

/// Forward of a layer in halves that takes f32, which is rounded on its way into the copy: with few channels, and with many.
fn images<T: Float>(report: &mut Report, device: &Device) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !is_available::<T>(Kernel::Mma64, stream) {
        return;
    }
    let mut generator = Generator::manual_seed(1);
    for (channels, side, kernel, stride) in [(3, 115, 11, 4), (64, 27, 3, 1)] {
        let options = Conv2dOptions::default().stride([stride; 2]);
        let conv = Conv2d::new(channels, 96, [kernel; 2], options, &mut generator, device);
        let mut conv = conv.expect("a layer");
        let shape = [2, channels, side, side];
        let x = Tensor::<f32>::randn(&shape, &mut generator, device).expect("random numbers");
        let mut forward = || Layer::forward_cast::<T>(&mut conv, &x).map(drop);
        // which also makes the weights' copy
        forward().expect("a forward");
        let name = format!("Conv2d {} of f32 2x{channels}x{side}x{side}", T::NAME);
        case(report, name, forward);
    }
}

fn bias<T: Float>(report: &mut Report, device: &Device) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    let shape = [4, 96, 55, 55];
    let dy = random::<T>(device, shape);
    let mut db = random::<T>(device, [96, 1, 1, 1]);
    let name = format!("conv2d_backward_bias {} 4x96x55x55", T::NAME);
    case(report, name, || {
        conv2d_backward_bias(stream, &dy, &mut db, shape)
    });
    let y = random::<T>(device, shape);
    let mut dx = random::<T>(device, shape);
    let name = format!("conv2d_backward_bias_activated {} 4x96x55x55", T::NAME);
    case(report, name, || {
        let relu = Activation::Relu;
        conv2d_backward_bias_activated(stream, &dy, &y, relu, &mut dx, &mut db, shape)
    });
}
