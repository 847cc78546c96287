use half::{bf16, f16};
use warpsmith::ops::cumsum_backward;
use warpsmith::{Device, Float, Tensor};

use crate::binary::{large, typed};
use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor};
use crate::emulated::wanted;

/// Rows short and long, columns, the middle, chunks of a row and of columns, one element, none.
const CASES: [(&[usize], isize); 9] = [
    (&[37, 10], 1),
    (&[3, 5000], -1),
    (&[70, 33], 0),
    (&[3, 40, 5], 1),
    (&[20_001], 0),
    (&[9000, 3], 0),
    (&[300, 1], 1),
    (&[1], 0),
    (&[0, 4], 1),
];

fn of_floats<T: Float>(device: &Device) {
    if !wanted(T::NAME, "") {
        return;
    }
    for (shape, dim) in CASES {
        let data = outliers::<T>(shape.iter().product(), 1);
        for reverse in [false, true] {
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let x = tensor(&data, shape, d);
                let y = match reverse {
                    false => x.cumsum(dim),
                    true => cumsum_backward(&x, dim),
                };
                y.unwrap().to_vec().unwrap()
            });
            let what = format!("cumsum {} {shape:?} along {dim}, {reverse}", T::NAME);
            assert_close(&what, &got, &want, Tolerance::of::<T>(64, 1000.0));
        }
    }
}

pub fn floats(device: &Device) {
    of_floats::<f32>(device);
    of_floats::<f16>(device);
    of_floats::<bf16>(device);
}

pub fn integers(device: &Device) {
    macro_rules! of {
        ($type:ty, $data:expr) => {
            for (shape, dim) in CASES.into_iter().filter(|_| wanted(stringify!($type), "")) {
                let data: Vec<$type> = $data(shape.iter().product());
                let [want, got]: [Vec<i64>; 2] = [&Device::Cpu, device].map(|d| {
                    let x: Tensor<$type> = tensor(&data, shape, d);
                    x.cumsum(dim).unwrap().to_vec().unwrap()
                });
                assert_eq!(got, want, "{} {shape:?} along {dim}", stringify!($type));
            }
        };
    }
    let truth = |n: usize| (0..n).map(|i| i % 3 == 1).collect();
    of!(i64, |n| large(n, 4));
    of!(i32, |n| typed(n, 5));
    of!(u8, |n| typed(n, 6));
    if wanted("u8", "") {
        of!(bool, truth);
    }
}

/// 2^13 of 2^11 and a half are more bits than f32 has.
pub fn exact(device: &Device) {
    let mut data = vec![2048.0_f32; 8192];
    data[4000] = 0.5;
    let sums = tensor(&data, &[8192], device).cumsum(0).unwrap();
    let sums = sums.to_vec().unwrap();
    assert_eq!(sums[8191], 8191.0 * 2048.0 + 0.5);
    assert_eq!(sums[4000], 4000.0 * 2048.0 + 0.5);
}
