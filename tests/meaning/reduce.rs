//! Reductions against loops in f64 over index sums.

use half::f16;
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

use super::softmax::central_differences;

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

#[test]
fn sums_of_integers_wrap_in_i64() -> Result<()> {
    let shape = [3, 40_000, 2];
    let data: Vec<i32> = (0..240_000).map(|i| i32::MAX - i).collect();
    for dims in [&[1][..], &[0, 2], &[], &[2]] {
        let reduced: Vec<usize> = match dims {
            [] => vec![0, 1, 2],
            dims => dims.iter().map(|d| *d as usize).collect(),
        };
        let places: Vec<f64> = (0..240_000).map(f64::from).collect();
        let groups = groups(&places, &shape, &reduced);
        let of = |f: fn(i64, i64) -> i64, none: i64| -> Vec<i64> {
            let all = groups.iter();
            let value = |i: &f64| i64::from(data[*i as usize]);
            all.map(|g| g.iter().map(value).fold(none, f)).collect()
        };
        let x = tensor(&data, &shape, CPU);
        assert_eq!(x.sum_dim(dims, false)?.to_vec()?, of(i64::wrapping_add, 0));
        assert_eq!(x.prod(dims, true)?.to_vec()?, of(i64::wrapping_mul, 1));
    }
    let bytes = Tensor::full(&[1000], 255_u8, CPU)?;
    assert_eq!(bytes.sum()?.item()?, 255_000);
    let truth = tensor(&[true, false, true], &[3], CPU);
    assert_eq!(truth.sum()?.item()?, 2);
    assert_eq!(truth.prod(&[], false)?.item()?, 0);
    let most = Tensor::full(&[2], i64::MAX, CPU)?;
    assert_eq!(most.sum()?.item()?, -2);
    let none = Tensor::<i64>::zeros(&[2, 0], CPU)?;
    assert_eq!(none.prod(&[1], false)?.to_vec()?, [1, 1]);
    assert_eq!(none.sum()?.item()?, 0);
    Ok(())
}

type Forward = fn(&[f64]) -> f64;
type Backward<'a> = &'a dyn Fn(&Tensor<f32>, &Tensor<f32>, &[isize]) -> Result<Tensor<f32>>;

/// Each gradient against central differences of the formula in f64, for a sum that weighs the outputs.
#[test]
fn gradients_are_central_differences() -> Result<()> {
    use warpsmith::ops::*;
    let product: Forward = |x| x.iter().product();
    let cases: [(&str, Forward, Backward<'_>); 9] = [
        ("sum", |x| x.iter().sum(), &|dy, x, d| {
            sum_dim_backward(dy, x.shape(), d)
        }),
        (
            "mean",
            |x| x.iter().sum::<f64>() / x.len() as f64,
            &|dy, x, d| mean_dim_backward(dy, x.shape(), d),
        ),
        ("prod", product, &|dy, x, d| prod_backward(dy, x, d)),
        ("var", |x| variance(x, 1.0), &|dy, x, d| {
            var_backward(dy, x, d, 1)
        }),
        ("std", |x| variance(x, 0.0).sqrt(), &|dy, x, d| {
            std_backward(dy, x, &x.std(d, 0, true)?, d, 0)
        }),
        (
            "norm",
            |x| x.iter().map(|x| x * x).sum::<f64>().sqrt(),
            &|dy, x, d| norm_backward(dy, x, &x.norm(d, false)?, d),
        ),
        (
            "logsumexp",
            |x| x.iter().map(|x| x.exp()).sum::<f64>().ln(),
            &|dy, x, d| logsumexp_backward(dy, x, &x.logsumexp(d, true)?, d),
        ),
        (
            "amax",
            |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            &|dy, x, d| amax_backward(dy, x, &x.amax(d, false)?, d),
        ),
        (
            "amin",
            |x| x.iter().copied().fold(f64::INFINITY, f64::min),
            &|dy, x, d| amin_backward(dy, x, &x.amin(d, true)?, d),
        ),
    ];
    for (shape, dims) in [
        (&[4, 5][..], &[1][..]),
        (&[3, 4, 2], &[0, 2]),
        (&[6, 2], &[]),
    ] {
        let reduced: Vec<usize> = match dims {
            [] => (0..shape.len()).collect(),
            dims => dims.iter().map(|d| *d as usize).collect(),
        };
        let mut x = uniform::<f32>(shape.iter().product(), 5);
        // of some products one factor is 0, of some two
        for i in [0, 7, 9] {
            x[i] = 0.0;
        }
        for (name, forward, backward) in cases {
            let y = groups(&vec![0.0; x.len()], shape, &reduced);
            let weights = uniform::<f32>(y.len(), 6);
            let loss = |x: &[f64]| -> f64 {
                let all = groups(x, shape, &reduced).into_iter().zip(&weights);
                all.map(|(x, w)| f64::from(*w) * forward(&x)).sum()
            };
            let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let want = central_differences(&wide, loss);
            let left = (0..shape.len()).filter(|d| !reduced.contains(d));
            let left: Vec<usize> = left.map(|d| shape[d]).collect();
            let dy = tensor(&weights, &left, CPU);
            let dx = backward(&dy, &tensor(&x, shape, CPU), dims)?;
            assert_eq!(dx.shape(), shape);
            let what = format!("{name}_backward {shape:?} over {dims:?}");
            let tolerance = Tolerance {
                abs: 1e-5,
                rel: 1e-4,
            };
            assert_close_f64(&what, &dx.to_vec()?, &want, tolerance);
        }
    }
    Ok(())
}

/// Where there is no derivative: equal extremes share, a deviation or norm of 0 has a gradient of 0.
#[test]
fn gradients_without_a_derivative() -> Result<()> {
    use warpsmith::ops::*;
    let x = tensor(&[3.0_f32, 1.0, 3.0, 2.0], &[4], CPU);
    let one = Tensor::ones(&[], CPU)?;
    let dx = amax_backward(&one, &x, &x.max()?, &[])?;
    assert_eq!(dx.to_vec()?, [0.5, 0.0, 0.5, 0.0]);
    let zeros = Tensor::<f32>::zeros(&[3], CPU)?;
    let (std, norm) = (zeros.std(&[], 0, false)?, zeros.norm(&[], false)?);
    assert_eq!(
        std_backward(&one, &zeros, &std, &[], 0)?.to_vec()?,
        [0.0; 3]
    );
    assert_eq!(norm_backward(&one, &zeros, &norm, &[])?.to_vec()?, [0.0; 3]);
    // of halves everything is computed in f32
    let half = tensor(&[1.0_f32, 2.0, 5.0], &[3], CPU).cast::<f16>()?;
    let dy = Tensor::full(&[], f16::from_f32(1e-4), CPU)?;
    let dx = var_backward(&dy, &half, &[], 1)?.cast::<f32>()?.to_vec()?;
    let exact = f64::from(dy.item()?.to_f32()) * (1.0 - 8.0 / 3.0);
    assert_eq!(dx[0], f16::from_f64(exact).to_f32());
    for error in [
        mean_dim_backward(&zeros, &[2, 3], &[1]),
        var_backward(&zeros, &x, &[], 1),
    ] {
        let text = error.unwrap_err().to_string();
        assert!(text.contains("_backward: expected shape"), "{text}");
    }
    Ok(())
}
