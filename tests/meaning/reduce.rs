//! Reductions against loops in f64 over index sums.

use half::f16;
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: &Device = &Device::Cpu;

/// Of each element left, all that go into it.
fn groups(x: &[f64], shape: &[usize], dims: &[usize]) -> Vec<Vec<f64>> {
    let left = (0..shape.len()).filter(|d| !dims.contains(d));
    let left: Vec<usize> = left.collect();
    let n = left.iter().map(|d| shape[*d]).product();
    let mut groups = vec![Vec::new(); n];
    for (i, x) in x.iter().enumerate() {
        let index = |d: usize| i / shape[d + 1..].iter().product::<usize>() % shape[d];
        let at = left.iter().fold(0, |at, d| at * shape[*d] + index(*d));
        groups[at].push(*x);
    }
    groups
}

fn variance(x: &[f64], correction: f64) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() as f64 - correction).max(0.0)
}

fn agrees<T: Float>() {
    type Case<T> = (
        &'static str,
        fn(&Tensor<T>, &[isize]) -> Result<Tensor<T>>,
        fn(&[f64]) -> f64,
    );
    let cases: [Case<T>; 9] = [
        ("sum", |x, d| x.sum_dim(d, false), |x| x.iter().sum()),
        (
            "mean",
            |x, d| x.mean_dim(d, false),
            |x| x.iter().sum::<f64>() / x.len() as f64,
        ),
        ("prod", |x, d| x.prod(d, false), |x| x.iter().product()),
        (
            "amax",
            |x, d| x.amax(d, false),
            |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
        (
            "amin",
            |x, d| x.amin(d, false),
            |x| x.iter().copied().fold(f64::INFINITY, f64::min),
        ),
        (
            "norm",
            |x, d| x.norm(d, false),
            |x| x.iter().map(|x| x * x).sum::<f64>().sqrt(),
        ),
        (
            "logsumexp",
            |x, d| x.logsumexp(d, false),
            |x| x.iter().map(|x| x.exp()).sum::<f64>().ln(),
        ),
        ("var", |x, d| x.var(d, 1, false), |x| variance(x, 1.0)),
        (
            "std",
            |x, d| x.std(d, 0, false),
            |x| variance(x, 0.0).sqrt(),
        ),
    ];
    for (shape, dims) in [
        (&[7, 13][..], &[1][..]),
        (&[7, 13], &[0]),
        (&[3, 70_001], &[1]),
        (&[70_001, 2], &[0]),
        (&[3, 4, 5], &[0, 2]),
        (&[3, 4, 5], &[0, 1, 2]),
        (&[2, 3, 600], &[1]),
    ] {
        let x: Vec<T> = uniform(shape.iter().product(), 1);
        let wide: Vec<f64> = x.iter().map(|x| f64::from(x.to_f32())).collect();
        let groups = groups(&wide, shape, dims);
        let signed: Vec<isize> = dims
            .iter()
            .map(|d| *d as isize - shape.len() as isize)
            .collect();
        for (name, op, meaning) in cases {
            let y = op(&tensor(&x, shape, CPU), &signed)
                .unwrap()
                .to_vec()
                .unwrap();
            let want: Vec<f64> = groups.iter().map(|x| meaning(x)).collect();
            let what = format!("{name} {} {shape:?} over {dims:?}", T::NAME);
            assert_close_f64(&what, &y, &want, Tolerance::of::<T>(4, 1e-30));
        }
    }
}

#[test]
fn every_reduction_is_its_formula() {
    agrees::<f32>();
    agrees::<f16>();
}

#[test]
fn ones_are_counted_exactly() -> Result<()> {
    let ones = Tensor::<f32>::ones(&[1 << 24], CPU)?;
    assert_eq!(ones.sum_dim(&[], false)?.item()?, 16_777_216.0);
    Ok(())
}

#[test]
fn nothing_and_what_is_no_number() -> Result<()> {
    let none = Tensor::<f32>::zeros(&[2, 0], CPU)?;
    assert_eq!(none.sum_dim(&[1], false)?.to_vec()?, [0.0; 2]);
    assert_eq!(none.prod(&[1], false)?.to_vec()?, [1.0; 2]);
    assert!(none.mean_dim(&[1], false)?.to_vec()?[0].is_nan());
    assert_eq!(none.amax(&[0], false)?.shape(), [0]);
    for error in [none.amax(&[1], false), none.min()] {
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("at least one element")
        );
    }
    let nan = tensor(&[1.0, f32::NAN, 3.0], &[3], CPU);
    assert!(nan.max()?.item()?.is_nan() && nan.min()?.item()?.is_nan());
    assert_eq!(nan.argmax_dim(0, false)?.item()?, 1);
    let far = tensor(&[1000.0_f32, 1000.0], &[2], CPU);
    assert!((far.logsumexp(&[], false)?.item()? - 1000.693).abs() < 1e-3);
    let same = tensor(&[1e4_f32 + 0.5, 1e4 - 0.5], &[2], CPU);
    assert_eq!(same.var(&[], 0, false)?.item()?, 0.25);
    Ok(())
}

#[test]
fn dimensions_that_are_wrong() -> Result<()> {
    let x = Tensor::<f32>::zeros(&[2, 3], CPU)?;
    for (dims, says) in [(&[2][..], "2"), (&[-3], "-3"), (&[0, -2], "once")] {
        let error = x.sum_dim(dims, false).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    Ok(())
}
