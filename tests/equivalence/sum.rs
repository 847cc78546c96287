use half::{bf16, f16};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, unwritten, with_specials};

type Op<T> = fn(&Tensor<T>, &mut Tensor<T>) -> Result<()>;

fn check<T: Float>(device: &Device, name: &str, op: Op<T>, n: usize) {
    let x = outliers::<T>(n, 1);
    let [want, got] = [&Device::Cpu, device].map(|d| {
        let mut y = unwritten::<T>(&[], d);
        op(&tensor(&x, &[n], d), &mut y).unwrap();
        y.to_vec().unwrap()
    });
    // what cancels leaves the rounding of what was added: a share of the sum without signs
    let added: f64 = x.iter().map(|x| f64::from(x.to_f32()).abs()).sum();
    let scale = if name == "mean" {
        added / n.max(1) as f64
    } else {
        added
    };
    let what = format!("{name} {} of {n}", T::NAME);
    assert_close(&what, &got, &want, Tolerance::of::<T>(4, scale));
}

fn check_all<T: Float>(device: &Device, name: &str, op: Op<T>) {
    for shape in &SHAPES {
        check(device, name, op, shape.numel());
    }
    // one past a block's share
    check(device, name, op, 4097);
    let mut y = unwritten::<T>(&[], device);
    op(&tensor(&with_specials::<T>(999, 1), &[999], device), &mut y).unwrap();
    assert!(y.item().unwrap().to_f32().is_nan(), "{name} of NaN");
}

pub fn sum(device: &Device) {
    check_all::<f32>(device, "sum", Tensor::sum_out);
    check_all::<f16>(device, "sum", Tensor::sum_out);
    check_all::<bf16>(device, "sum", Tensor::sum_out);
    // more than the largest grid takes in one step
    check::<f32>(device, "sum", Tensor::sum_out, 4096 * 1024 + 13);
}

pub fn mean(device: &Device) {
    check_all::<f32>(device, "mean", Tensor::mean_out);
    check_all::<f16>(device, "mean", Tensor::mean_out);
    check_all::<bf16>(device, "mean", Tensor::mean_out);
}
