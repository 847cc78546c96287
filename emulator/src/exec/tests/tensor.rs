//! `wmma` as a compiler writes it: `wmma.cu` against the host. Integers: exact in any order of summation.

use super::*;
use crate::exec::half::{narrow_bf16, narrow_f16};

const WMMA: &str = include_str!("wmma_80.ptx");

fn check(name: &str, [m, n, k]: [usize; 3], convert: Option<fn(f32) -> u16>) {
    let d = Device::new(WMMA);
    let a: Vec<f32> = (0..m * k).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
    let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
    let c: Vec<f32> = (0..m * n).map(|i| (i % 17) as f32).collect();
    let upload = |x: &[f32]| match convert {
        Some(f) => d.upload(&x.iter().map(|v| f(*v)).collect::<Vec<u16>>()),
        None => d.upload(x),
    };
    // b is column-major: element (k, n) at n * K + k
    let (pa, pb, pc) = (upload(&a), upload(&b), d.upload(&c));
    d.launch(name, [1, 1, 1], [32, 1, 1], &params(&[pa, pb, pc], 0))
        .unwrap_or_else(|e| panic!("{e}"));
    let out = d.download::<f32>(pc, m * n);
    for i in 0..m * n {
        let sum: f32 = (0..k).map(|x| a[i / n * k + x] * b[i % n * k + x]).sum();
        assert_eq!(out[i], 2.0 * c[i] + sum, "{name} {i}");
    }
}

#[test]
fn every_shape_and_type() {
    for (suffix, shape) in [
        ("16", [16, 16, 16]),
        ("32", [32, 8, 16]),
        ("8", [8, 32, 16]),
    ] {
        check(&format!("f16_{suffix}"), shape, Some(narrow_f16));
        check(&format!("bf16_{suffix}"), shape, Some(narrow_bf16));
    }
    check("tf32_16", [16, 16, 8], None);
}
