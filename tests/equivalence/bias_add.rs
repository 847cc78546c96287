use half::{bf16, f16};
use warpsmith::ops::bias_add::cuda;
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, outliers, tensor, unwritten};

fn check<T: Float>(device: &Device, in_place: bool) {
    // besides: rows shorter than the grid's step and a multiple of a vector; a single column
    let more = [("narrow", 700, 24), ("column", 1000, 1)];
    let shapes = SHAPES.iter().map(|s| (s.name, s.rows, s.cols)).chain(more);
    for (name, rows, cols) in shapes {
        let x = outliers::<T>(rows * cols, 1);
        let bias = outliers::<T>(cols, 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut x = tensor(&x, &[rows, cols], d);
            let bias = tensor(&bias, &[cols], d);
            if in_place {
                x.bias_add_(&bias).unwrap();
                return x.to_vec().unwrap();
            }
            let mut y = unwritten::<T>(&[rows, cols], d);
            x.bias_add_out(&bias, &mut y).unwrap();
            y.to_vec().unwrap()
        });
        let what = format!("bias_add {} {name} in place: {in_place}", T::NAME);
        assert_close(&what, &got, &want, Tolerance::EXACT);
    }
}

pub fn out_of_place(device: &Device) {
    check::<f32>(device, false);
    check::<f16>(device, false);
    check::<bf16>(device, false);
}

pub fn in_place(device: &Device) {
    check::<f32>(device, true);
    check::<f16>(device, true);
    check::<bf16>(device, true);
}

pub fn misaligned_view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let (x, bias) = (outliers::<f32>(65, 3), outliers::<f32>(8, 4));
    let want = tensor(&x[1..], &[8, 8], &Device::Cpu)
        .bias_add(&tensor(&bias, &[8], &Device::Cpu))
        .unwrap();
    let [x, bias] = [x, bias].map(|data| stream.clone_htod(&data).unwrap());
    let mut y = stream.clone_htod(&[f32::NAN; 64]).unwrap();
    cuda::bias_add(stream, &x.slice(1..), &bias, &mut y).unwrap();
    let (got, want) = (stream.clone_dtoh(&y).unwrap(), want.to_vec().unwrap());
    assert_close("bias_add view", &got, &want, Tolerance::EXACT);
}
