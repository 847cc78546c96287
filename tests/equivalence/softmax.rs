use half::{bf16, f16};
use warpsmith::ops::{self, log_softmax_backward_out, softmax_backward_out};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, Shape, outliers, row_shapes, tensor, unwritten, with_specials};

type Forward<T> = fn(&Tensor<T>, &mut Tensor<T>) -> Result<()>;
type Backward<T> = fn(&Tensor<T>, &Tensor<T>, &mut Tensor<T>) -> Result<()>;

fn shapes() -> impl Iterator<Item = Shape> {
    SHAPES.into_iter().chain(row_shapes())
}

/// Rows of plain values, of some -inf, of +inf, of NaN, and of nothing but -inf.
fn rows<T: Float>(shape: &Shape, seed: u64) -> Vec<T> {
    let mut x = outliers::<T>(shape.numel(), seed);
    let mut put = |row: usize, from: usize, step: usize, value: f32| {
        if row < shape.rows {
            let row = &mut x[row * shape.cols..][..shape.cols];
            row.iter_mut()
                .skip(from)
                .step_by(step)
                .for_each(|x| *x = T::from_f32(value));
        }
    };
    put(1, 1, 2, f32::NEG_INFINITY);
    if shape.rows > 5 {
        put(2, shape.cols / 2, shape.cols, f32::INFINITY);
        put(3, shape.cols - 1, shape.cols, f32::NAN);
        put(4, 0, 1, f32::NEG_INFINITY);
    }
    x
}

fn check_forward<T: Float>(device: &Device, name: &str, op: Forward<T>) {
    for shape in shapes() {
        for x in [rows::<T>(&shape, 1), with_specials::<T>(shape.numel(), 2)] {
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut y = unwritten::<T>(&shape.dims(), d);
                op(&tensor(&x, &shape.dims(), d), &mut y).unwrap();
                y.to_vec().unwrap()
            });
            let what = format!("{name} {} {}", T::NAME, shape.name);
            assert_close(&what, &got, &want, Tolerance::of::<T>(shape.cols, 1.0));
        }
    }
}

fn check_backward<T: Float>(device: &Device, name: &str, forward: Forward<T>, op: Backward<T>) {
    for shape in shapes() {
        let dims = shape.dims();
        let x = tensor(&outliers::<T>(shape.numel(), 3), &dims, &Device::Cpu);
        let mut y = unwritten::<T>(&dims, &Device::Cpu);
        forward(&x, &mut y).unwrap();
        let dy = outliers::<T>(shape.numel(), 4);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut dx = unwritten::<T>(&dims, d);
            op(&tensor(&dy, &dims, d), &y.to(d).unwrap(), &mut dx).unwrap();
            dx.to_vec().unwrap()
        });
        let what = format!("{name} {} {}", T::NAME, shape.name);
        // the sum over the row is of values up to about a thousand
        assert_close(&what, &got, &want, Tolerance::of::<T>(shape.cols, 1e3));
    }
}

pub fn forward(device: &Device) {
    check_forward::<f32>(device, "softmax", Tensor::softmax_out);
    check_forward::<f16>(device, "softmax", Tensor::softmax_out);
    check_forward::<bf16>(device, "softmax", Tensor::softmax_out);
}

pub fn log_forward(device: &Device) {
    check_forward::<f32>(device, "log_softmax", Tensor::log_softmax_out);
    check_forward::<f16>(device, "log_softmax", Tensor::log_softmax_out);
    check_forward::<bf16>(device, "log_softmax", Tensor::log_softmax_out);
}

pub fn backward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        let name = "softmax_backward";
        check_backward::<T>(device, name, Tensor::softmax_out, softmax_backward_out);
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

pub fn log_backward(device: &Device) {
    fn check<T: Float>(device: &Device) {
        let name = "log_softmax_backward";
        check_backward::<T>(
            device,
            name,
            Tensor::log_softmax_out,
            log_softmax_backward_out,
        );
    }
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

/// Rows that would be taken 16 bytes at a time but for where the buffers begin; on the plain bindings.
pub fn views(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    for (rows, cols) in [(40, 8), (5, 256), (2, 2048)] {
        let n = rows * cols;
        let x = outliers::<f16>(n + 1, 6);
        let mut want = unwritten::<f16>(&[rows, cols], &Device::Cpu);
        tensor(&x[1..], &[rows, cols], &Device::Cpu)
            .softmax_out(&mut want)
            .unwrap();
        let (x, mut y) = (
            stream.clone_htod(&x).unwrap(),
            stream.alloc_zeros(n + 1).unwrap(),
        );
        ops::softmax::cuda::softmax(stream, &x.slice(1..), &mut y.slice_mut(1..), rows, cols)
            .unwrap();
        let y: Vec<f16> = stream.clone_dtoh(&y).unwrap();
        let tolerance = Tolerance::of::<f16>(cols, 1.0);
        assert_close(
            "softmax of a view",
            &y[1..],
            &want.to_vec().unwrap(),
            tolerance,
        );
        assert_eq!(y[0], f16::ZERO, "the element before the view");
    }
}
