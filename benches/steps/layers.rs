//! AlexNet's convolutions and products at batch 128 in bf16: by the kernels that are chosen, and by those of WMMA.

use crate::{Report, once};
use half::bf16;
use warpsmith::cudarc::driver::CudaSlice;
use warpsmith::ops::Conv2dOptions;
use warpsmith::ops::conv2d::cuda as conv;
use warpsmith::ops::matmul::Gemm;
use warpsmith::ops::matmul::cuda::{Kernel, matmul, matmul_by};
use warpsmith::{Device, Result};

const BATCH: usize = 128;
/// Input (channels and side), weight, groups, stride, padding.
type Convolution = (&'static str, [usize; 2], [usize; 4], usize, usize, usize);
const CONVOLUTIONS: [Convolution; 5] = [
    ("conv1", [3, 227], [96, 3, 11, 11], 1, 4, 0),
    ("conv2", [96, 27], [256, 48, 5, 5], 2, 1, 2),
    ("conv3", [256, 13], [384, 256, 3, 3], 1, 1, 1),
    ("conv4", [384, 13], [384, 192, 3, 3], 2, 1, 1),
    ("conv5", [384, 13], [256, 192, 3, 3], 2, 1, 1),
];
/// Inputs and outputs.
const LINEARS: [(&str, usize, usize); 3] = [
    ("fc6", 9216, 4096),
    ("fc7", 4096, 4096),
    ("fc8", 4096, 1000),
];

type Buffer = CudaSlice<bf16>;

/// Which kernels: whichever is chosen, or one of WMMA's.
const WAYS: [(&str, Option<Kernel>); 3] = [
    ("now", None),
    ("WMMA, tiles of 128", Some(Kernel::Wmma128)),
    ("WMMA, tiles of 64", Some(Kernel::Wmma64)),
];

pub fn all(report: &mut Report, device: &Device) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !Kernel::Wmma64.is_available::<bf16>(stream) {
        return;
    }
    for (way, kernel) in WAYS {
        for layer in CONVOLUTIONS {
            convolution(report, device, layer, way, kernel);
        }
        for layer in LINEARS {
            linear(report, device, layer, way, kernel);
        }
    }
}

fn buffer(device: &Device, elements: usize) -> Buffer {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    stream.alloc_zeros(elements).expect("room on the device")
}

fn convolution(
    report: &mut Report,
    device: &Device,
    (layer, [channels, side], weight, groups, stride, padding): Convolution,
    way: &str,
    kernel: Option<Kernel>,
) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    let options = Conv2dOptions::default()
        .stride([stride; 2])
        .padding([padding; 2])
        .groups(groups);
    let input = [BATCH, channels, side, side];
    let to = (side + 2 * padding - weight[2]) / stride + 1;
    let output = [BATCH, weight[0], to, to];
    let [mut x, mut w, mut y] =
        [input, weight, output].map(|shape| buffer(device, shape.iter().product()));
    let none = None::<&Buffer>;
    let mut add = |what: &str, work: &mut dyn FnMut() -> Result<()>| {
        once(report, format!("{layer} {what}: {way}"), work);
    };
    add("forward", &mut || match kernel {
        None => conv::conv2d(stream, &x, &w, none, &mut y, input, weight, &options),
        Some(kernel) => conv::conv2d_by(
            kernel, stream, &x, &w, none, &mut y, input, weight, &options,
        ),
    });
    // nobody asks for that of the images
    if layer != "conv1" {
        add("input gradient", &mut || match kernel {
            None => conv::conv2d_backward_input(stream, &y, &w, &mut x, input, weight, &options),
            Some(kernel) => conv::conv2d_backward_input_by(
                kernel, stream, &y, &w, &mut x, input, weight, &options,
            ),
        });
    }
    // weights have one tile
    if kernel == Some(Kernel::Wmma128) {
        return;
    }
    add("weight gradient", &mut || match kernel {
        None => conv::conv2d_backward_weight(stream, &y, &x, &mut w, input, weight, &options),
        Some(kernel) => {
            conv::conv2d_backward_weight_by(kernel, stream, &y, &x, &mut w, input, weight, &options)
        }
    });
}

fn linear(
    report: &mut Report,
    device: &Device,
    (layer, inputs, outputs): (&str, usize, usize),
    way: &str,
    kernel: Option<Kernel>,
) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    for (what, gemm) in [
        ("forward", Gemm::new(BATCH, outputs, inputs, false, true)),
        (
            "input gradient",
            Gemm::new(BATCH, inputs, outputs, false, false),
        ),
        (
            "weight gradient",
            Gemm::new(outputs, inputs, BATCH, true, false),
        ),
    ] {
        let (m, n, k) = (gemm.m, gemm.n, gemm.k);
        let [a, b, mut y] = [m * k, k * n, m * n].map(|elements| buffer(device, elements));
        let none = None::<&Buffer>;
        once(report, format!("{layer} {what}: {way}"), || match kernel {
            None => matmul(stream, &a, &b, none, &mut y, &gemm),
            Some(kernel) => matmul_by(kernel, stream, &a, &b, none, &mut y, &gemm),
        });
    }
}
