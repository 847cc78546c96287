//! What is timed, at which shapes and why. Outputs are made beforehand.

use half::{bf16, f16};
use warpsmith::ops::{self, AdamOptions, MatmulOptions, SgdOptions};
use warpsmith::{Device, Float, Generator, Result, Tensor};

use crate::case::{Case, Run, Work};
use crate::{families, networks};

/// An op of two inputs into an output.
type Binary<T> = fn(&Tensor<T>, &Tensor<T>, &mut Tensor<T>) -> Result<()>;

/// 64 MiB of f32, past every cache.
const LONG: [usize; 1] = [1 << 24];
/// A square that size; also one row of softmax per block.
const SQUARE: [usize; 2] = [4096, 4096];
/// Softmax and its like with one warp per row: a classifier's logits.
const SHORT_ROWS: [usize; 2] = [65536, 256];
/// AlexNet's first normalisation at batch 32.
const LRN: [usize; 4] = [32, 96, 55, 55];

/// Every case that is worth timing on this device.
pub fn of(device: &Device) -> Vec<Case> {
    let mut cases = elementwise::<f32>();
    cases.extend(rows::<f32>());
    let cuda = device.as_cuda().is_some();
    if cuda {
        cases.extend(elementwise::<f16>());
        cases.extend(rows::<f16>());
        cases.extend(elementwise::<bf16>());
        cases.extend([sgd(), adam()]);
    }
    cases.extend(images::<f32>("f32", false));
    cases.push(max_pool2d::<f32>());
    if cuda {
        cases.extend(images::<f32>("tf32", true));
        cases.extend(images::<f16>("f16", false));
        cases.push(max_pool2d::<f16>());
    }
    // the smallest fits no GPU, the largest fills every one
    for n in if cuda {
        vec![512, 1024, 2048, 4096, 8192]
    } else {
        vec![256, 512, 1024, 2048]
    } {
        cases.push(matmul::<f32>([n, n, n], "f32", false));
        if cuda {
            cases.push(matmul::<f32>([n, n, n], "tf32", true));
            cases.push(matmul::<f16>([n, n, n], "f16", false));
            cases.push(matmul::<bf16>([n, n, n], "bf16", false));
        }
    }
    if !cuda {
        cases.extend(families::all());
    }
    cases.extend(networks::of(cuda));
    cases
}

/// A case that streams through `tensors` tensors of `shape`.
fn streaming<T: Float>(
    op: &'static str,
    shape: &[usize],
    tensors: usize,
    make: impl Fn(&Device) -> Result<Run> + 'static,
) -> Case {
    let bytes = tensors * shape.iter().product::<usize>() * size_of::<T>();
    Case {
        op,
        shape: shape.to_vec(),
        dtype: T::NAME,
        work: Work::Bytes(bytes as f64),
        footprint: bytes,
        make: Box::new(make),
    }
}

fn randn<T: Float>(shape: &[usize], device: &Device) -> Result<Tensor<T>> {
    Tensor::randn(shape, &mut Generator::manual_seed(1), device)
}

/// One input, one output of the same shape.
fn unary<T: Float>(
    op: &'static str,
    shape: &'static [usize],
    run: fn(&Tensor<T>, &mut Tensor<T>) -> Result<()>,
) -> Case {
    streaming::<T>(op, shape, 2, move |device| {
        let (x, mut y) = (randn::<T>(shape, device)?, Tensor::zeros(shape, device)?);
        Ok(Box::new(move || run(&x, &mut y)))
    })
}

/// Two inputs, one output of the same shape.
fn binary<T: Float>(op: &'static str, shape: &'static [usize], run: Binary<T>) -> Case {
    streaming::<T>(op, shape, 3, move |device| {
        let (a, b) = (randn::<T>(shape, device)?, randn::<T>(shape, device)?);
        let mut y = Tensor::zeros(shape, device)?;
        Ok(Box::new(move || run(&a, &b, &mut y)))
    })
}

fn elementwise<T: Float>() -> Vec<Case> {
    vec![
        unary::<T>("copy", &LONG, |x, y| y.copy_(x)),
        unary::<T>("relu", &LONG, |x, y| x.relu_out(y)),
        binary::<T>("relu_backward", &LONG, ops::relu_backward_out),
        unary::<T>("sigmoid", &LONG, |x, y| x.sigmoid_out(y)),
        binary::<T>("sigmoid_backward", &LONG, ops::sigmoid_backward_out),
        unary::<T>("tanh", &LONG, |x, y| x.tanh_out(y)),
        binary::<T>("tanh_backward", &LONG, ops::tanh_backward_out),
        unary::<T>("dropout", &LONG, |x, y| {
            let (p, seed, call) = (0.5, 1, 0);
            x.dropout_out(&ops::DropoutOptions { p, seed, call }, y)
        }),
        binary::<T>("add", &LONG, |a, b, y| a.add_out(b, y)),
    ]
}

fn rows<T: Float>() -> Vec<Case> {
    vec![
        unary::<T>("softmax", &SQUARE, |x, y| x.softmax_out(y)),
        unary::<T>("softmax", &SHORT_ROWS, |x, y| x.softmax_out(y)),
        unary::<T>("log_softmax", &SQUARE, |x, y| x.log_softmax_out(y)),
        binary::<T>("softmax_backward", &SQUARE, ops::softmax_backward_out),
        unary::<T>("transpose", &SQUARE, |x, y| x.transpose_out(0, 1, y)),
        unary::<T>("lrn", &LRN, |x, y| {
            x.local_response_norm_out(5, 1e-4, 0.75, 1.0, y)
        }),
    ]
}

/// AlexNet's convolutions, as published, at batch 32: channels in, side, channels out, kernel, stride, padding, groups.
fn images<T: Float>(dtype: &'static str, allow_tf32: bool) -> Vec<Case> {
    let shapes = [
        [3, 227, 96, 11, 4, 0, 1],
        [96, 27, 256, 5, 1, 2, 2],
        [256, 13, 384, 3, 1, 1, 1],
        [384, 13, 384, 3, 1, 1, 2],
        [384, 13, 256, 3, 1, 1, 2],
    ];
    shapes
        .map(|shape| conv2d::<T>(shape, dtype, allow_tf32))
        .into()
}

fn conv2d<T: Float>(shape: [usize; 7], dtype: &'static str, allow_tf32: bool) -> Case {
    let [inputs, side, outputs, kernel, stride, padding, groups] = shape;
    let places = (side + 2 * padding - kernel) / stride + 1;
    let (x, w) = (
        [32, inputs, side, side],
        [outputs, inputs / groups, kernel, kernel],
    );
    let y = [32, outputs, places, places];
    let make = move |device: &Device| -> Result<Run> {
        let (x, w) = (randn::<T>(&x, device)?, randn::<T>(&w, device)?);
        let (bias, mut y) = (randn::<T>(&[outputs], device)?, Tensor::zeros(&y, device)?);
        let options = ops::Conv2dOptions {
            allow_tf32,
            ..ops::Conv2dOptions::default()
                .stride([stride; 2])
                .padding([padding; 2])
                .groups(groups)
        };
        Ok(Box::new(move || {
            x.conv2d_out(&w, Some(&bias), &options, &mut y)
        }))
    };
    let count = |shape: [usize; 4]| shape.iter().product::<usize>();
    let terms = (inputs / groups * kernel * kernel) as f64;
    Case {
        op: "conv2d",
        shape: [&[32][..], &shape].concat(),
        dtype,
        work: Work::Flop(2.0 * count(y) as f64 * terms),
        footprint: (count(x) + count(w) + count(y)) * size_of::<T>(),
        make: Box::new(make),
    }
}

fn max_pool2d<T: Float>() -> Case {
    let (x, y) = ([32, 64, 55, 55], [32, 64, 27, 27]);
    let bytes = [x, y].map(|shape| shape.iter().product::<usize>() * size_of::<T>());
    let bytes: usize = bytes.iter().sum();
    let make = move |device: &Device| -> Result<Run> {
        let window = ops::Window::new([3, 3]).stride([2, 2]);
        let (x, mut y) = (randn::<T>(&x, device)?, Tensor::zeros(&y, device)?);
        Ok(Box::new(move || x.max_pool2d_out(&window, &mut y)))
    };
    Case {
        op: "max_pool2d",
        shape: x.to_vec(),
        dtype: T::NAME,
        work: Work::Bytes(bytes as f64),
        footprint: bytes,
        make: Box::new(make),
    }
}

fn sgd() -> Case {
    streaming::<f32>("sgd", &LONG, 5, |device| {
        let (mut p, g) = (randn::<f32>(&LONG, device)?, randn::<f32>(&LONG, device)?);
        let mut velocity = Tensor::zeros(&LONG, device)?;
        let options = SgdOptions {
            lr: 1e-3,
            momentum: 0.9,
            ..Default::default()
        };
        Ok(Box::new(move || {
            ops::sgd_step(&mut p, &g, Some(&mut velocity), &options, 2)
        }))
    })
}

fn adam() -> Case {
    streaming::<f32>("adam", &LONG, 7, |device| {
        let (mut p, g) = (randn::<f32>(&LONG, device)?, randn::<f32>(&LONG, device)?);
        let (mut m, mut v) = (Tensor::zeros(&LONG, device)?, Tensor::zeros(&LONG, device)?);
        Ok(Box::new(move || {
            ops::adam_step(&mut p, &g, &mut m, &mut v, &AdamOptions::default(), 1)
        }))
    })
}

fn matmul<T: Float>([m, n, k]: [usize; 3], dtype: &'static str, allow_tf32: bool) -> Case {
    let make = move |device: &Device| -> Result<Run> {
        let (a, b) = (randn::<T>(&[m, k], device)?, randn::<T>(&[k, n], device)?);
        let mut c = Tensor::zeros(&[m, n], device)?;
        let options = MatmulOptions {
            allow_tf32,
            ..Default::default()
        };
        Ok(Box::new(move || {
            ops::matmul_with_out(&a, &b, &options, &mut c)
        }))
    };
    let footprint = (m * k + k * n + m * n) * size_of::<T>();
    let work = Work::Flop(2.0 * m as f64 * n as f64 * k as f64);
    Case {
        op: "matmul",
        shape: vec![m, n, k],
        dtype,
        work,
        footprint,
        make: Box::new(make),
    }
}
