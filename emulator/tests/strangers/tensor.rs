//! `tensor.cu`

use crate::attention;
use crate::device::{Device, arguments, line};
use crate::numbers::{Random, half, near, value};
use crate::ptx;

pub const PTX: &str = ptx!("tensor");

#[test]
fn gemm() {
    let Some(d) = Device::new(PTX) else { return };
    let (m, n, k) = (100usize, 72usize, 96usize);
    let mut random = Random(15);
    let (a, b) = (random.whole(m * k, 9), random.whole(n * k, 9));
    let halves = |v: &[i64]| v.iter().map(|x| half(*x as f64)).collect::<Vec<u16>>();
    let c = d.room::<f32>(m * n);
    let mut shape = line(2, 128);
    shape.grid[1] = 2;
    let (wide_a, wide_b) = (d.upload(&halves(&a)), d.upload(&halves(&b)));
    d.run(
        "gemm_mma",
        shape,
        arguments![wide_a, wide_b, c, m as i32, n as i32, k as i32],
    );
    // whole numbers: exact in every order
    let dot = |at: usize| {
        (0..k)
            .map(|i| a[at / n * k + i] * b[at % n * k + i])
            .sum::<i64>() as f32
    };
    assert_eq!(
        d.download::<f32>(c, m * n),
        (0..m * n).map(dot).collect::<Vec<f32>>()
    );
}

#[test]
fn attention() {
    let Some(d) = Device::new(PTX) else { return };
    let (heads, length, depth) = (2usize, 192usize, 32usize);
    let mut random = Random(16);
    let data = [(); 3].map(|()| {
        (0..heads * length * depth)
            .map(|_| half(random.unit()))
            .collect::<Vec<u16>>()
    });
    let [q, k, v] = [0, 1, 2].map(|i| d.upload(&data[i]));
    let out = d.room::<u16>(data[0].len());
    let mut shape = line(length as u32 / 64, 128);
    shape.grid[1] = heads as u32;
    let scale = 0.9f32;
    let exponent = scale * std::f32::consts::LOG2_E;
    d.run(
        "attention_mma",
        shape,
        arguments![q, k, v, out, length as i32, exponent],
    );
    let wide = data.map(|m| m.iter().map(|x| value(*x)).collect::<Vec<f64>>());
    let right = attention::right(
        [&wide[0], &wide[1], &wide[2]],
        (length, depth),
        f64::from(scale),
        |_, _| true,
    );
    let got: Vec<f64> = d
        .download::<u16>(out, right.len())
        .iter()
        .map(|x| value(*x))
        .collect();
    // the probabilities and the result are rounded to halves, each by at most 2^-11 of it; values are below 1
    near(&got, &right, |_, right| {
        2f64.powi(-11) * (0.5 + right.abs())
    });
}
