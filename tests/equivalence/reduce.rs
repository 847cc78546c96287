use half::{bf16, f16};
use warpsmith::{Device, Float, Result, Tensor, ops};

use crate::binary::{large, typed};
use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, uniform};
use crate::emulated::{wanted, wanted_name};

type Reduction<T> = fn(&Tensor<T>, &[isize]) -> Result<Tensor<T>>;

/// Shapes and what is reduced of them: rows short and long, columns, the middle, all, two sides, nothing left, chunks.
const CASES: [(&[usize], &[isize]); 9] = [
    (&[37, 10], &[1]),
    (&[3, 5000], &[-1]),
    (&[70, 33], &[0]),
    (&[3, 40, 5], &[1]),
    (&[4, 6, 5], &[]),
    (&[4, 6, 5], &[0, 2]),
    (&[9000, 3], &[0]),
    (&[1], &[0]),
    (&[0, 4], &[1]),
];

fn check<T: Float>(device: &Device) {
    if !wanted(T::NAME, "") {
        return;
    }
    let all: [(&str, Reduction<T>); 9] = [
        ("sum", |x, dims| x.sum_dim(dims, true)),
        ("sum", |x, dims| x.mean_dim(dims, false)),
        ("prod", |x, dims| x.prod(dims, false)),
        ("max", |x, dims| x.amax(dims, false)),
        ("min", |x, dims| x.amin(dims, false)),
        ("norm", |x, dims| x.norm(dims, false)),
        ("logsumexp", |x, dims| x.logsumexp(dims, false)),
        ("var", |x, dims| x.var(dims, 1, false)),
        ("std", |x, dims| x.std(dims, 0, false)),
    ];
    for (name, op) in all
        .into_iter()
        .filter(|(name, _)| wanted_name(&format!("reduce_{name}_")))
    {
        for (shape, dims) in CASES {
            let n: usize = shape.iter().product();
            // a product of thousands is 0 or infinite but of numbers near 1
            let data = match name {
                "prod" => uniform::<T>(n, 1)
                    .iter()
                    .map(|x| T::from_f32(1.0 + x.to_f32() / 64.0))
                    .collect(),
                _ => outliers::<T>(n, 1),
            };
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let y = op(&tensor(&data, shape, d), dims).unwrap();
                y.to_vec().unwrap()
            });
            // sums of squares cancel nothing; sums of both signs may, by as much as one of the outliers
            let scale = if name == "sum" { 300.0 } else { 0.0 };
            let steps = if name == "prod" { 5000 } else { 64 };
            let what = format!("{name} {} {shape:?} over {dims:?}", T::NAME);
            assert_close(&what, &got, &want, Tolerance::of::<T>(steps, scale));
        }
    }
}

pub fn floats(device: &Device) {
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

fn places_of<T: Float>(device: &Device) {
    if !wanted(T::NAME, "") {
        return;
    }
    for (shape, dim) in [
        (&[37, 10][..], 1),
        (&[3, 5000], 1),
        (&[70, 33], 0),
        (&[9000, 3], 0),
    ] {
        let mut data = outliers::<T>(shape.iter().product(), 2);
        // equal ones, and a NaN
        let len = data.len();
        data[len / 2] = data[len / 3];
        data[len - 2] = T::from_f32(f32::NAN);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let x = tensor(&data, shape, d);
            let (most, least) = (x.argmax_dim(dim, false), x.argmin_dim(dim, true));
            [most, least].map(|y| y.unwrap().to_vec().unwrap())
        });
        assert_eq!(got, want, "argmax, argmin {} {shape:?}", T::NAME);
    }
}

pub fn places(device: &Device) {
    places_of::<f32>(device);
    places_of::<f16>(device);
    places_of::<bf16>(device);
}

/// 2^24 ones would take the emulator long; 2^13 of 2^11 and a half are as many bits.
pub fn exact(device: &Device) {
    let mut data = vec![2048.0_f32; 8192];
    data[4000] = 0.5;
    let sum = tensor(&data, &[8192], device).sum_dim(&[0], false).unwrap();
    assert_eq!(sum.item().unwrap(), 8191.0 * 2048.0 + 0.5);
}

pub fn truth(device: &Device) {
    let data = [true, true, false, true, false, false];
    let x = tensor(&data, &[3, 2], device);
    assert_eq!(
        x.all(&[1], false).unwrap().to_vec().unwrap(),
        [true, false, false]
    );
    assert_eq!(
        x.any(&[1], false).unwrap().to_vec().unwrap(),
        [true, true, false]
    );
    assert!(x.any(&[], false).unwrap().item().unwrap());
}

pub fn integers(device: &Device) {
    macro_rules! of {
        ($type:ty, $data:expr) => {
            for (shape, dims) in CASES {
                let data: Vec<$type> = $data(shape.iter().product());
                let [want, got]: [[Vec<i64>; 2]; 2] = [&Device::Cpu, device].map(|d| {
                    let x: Tensor<$type> = tensor(&data, shape, d);
                    let (sum, product) = (x.sum_dim(dims, true), x.prod(dims, false));
                    [sum, product].map(|y| y.unwrap().to_vec().unwrap())
                });
                assert_eq!(got, want, "{} {shape:?} over {dims:?}", stringify!($type));
            }
        };
    }
    of!(i64, |n| large(n, 4));
    of!(i32, |n| typed(n, 5));
    // no zeros among the factors
    of!(u8, |n| (0..n).map(|i| (i % 251 + 1) as u8).collect());
    of!(bool, |n| (0..n).map(|i| i % 3 != 1).collect());
}

/// They are made of other ops, whose kernels have their own tests: here that no device is asked for what it has not.
pub fn gradients(device: &Device) {
    let (shape, dims) = ([6, 5, 4], [0, 2]);
    let run = |d: &Device| -> Vec<Vec<f32>> {
        let mut x = outliers::<f32>(120, 1);
        x[7] = 0.0;
        let (x, dy) = (
            tensor(&x, &shape, d),
            tensor(&uniform::<f32>(5, 2), &[5], d),
        );
        let y = |y: Result<Tensor<f32>>| y.unwrap();
        let all = [
            ops::sum_dim_backward(&dy, &shape, &dims),
            ops::mean_dim_backward(&dy, &shape, &dims),
            ops::prod_backward(&dy, &x.div(16.0).unwrap(), &dims),
            ops::var_backward(&dy, &x, &dims, 1),
            ops::std_backward(&dy, &x, &y(x.std(&dims, 1, true)), &dims, 1),
            ops::norm_backward(&dy, &x, &y(x.norm(&dims, false)), &dims),
            ops::logsumexp_backward(&dy, &x, &y(x.logsumexp(&dims, false)), &dims),
            ops::amax_backward(&dy, &x, &y(x.amax(&dims, false)), &dims),
            ops::amin_backward(&dy, &x, &y(x.amin(&dims, true)), &dims),
        ];
        all.into_iter().map(|dx| y(dx).to_vec().unwrap()).collect()
    };
    for (i, (got, want)) in run(device).iter().zip(run(&Device::Cpu)).enumerate() {
        let what = format!("gradient {i}");
        assert_close(&what, got, &want, Tolerance::of::<f32>(120, 10.0));
    }
}
