use warpsmith::Device;
use warpsmith::ops::{LrnOptions, local_response_norm_backward};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{hundreds, tensor, uniform};

/// The formula, term by term, in f64. Windows are ONNX's.
fn naive(x: &[f64], [images, channels, plane]: [usize; 3], o: &LrnOptions) -> Vec<f64> {
    let [alpha, beta, k] = [o.alpha, o.beta, o.k].map(f64::from);
    let mut y = vec![0.0; x.len()];
    for n in 0..images {
        for c in 0..channels {
            for i in 0..plane {
                let from = c.saturating_sub((o.size - 1) / 2);
                let to = channels.min(c + o.size / 2 + 1);
                let at = |c: usize| (n * channels + c) * plane + i;
                let sum: f64 = (from..to).map(|c| x[at(c)] * x[at(c)]).sum();
                let s = k + alpha / o.size as f64 * sum;
                y[at(c)] = x[at(c)] * s.powf(-beta);
            }
        }
    }
    y
}

fn cases() -> Vec<([usize; 3], LrnOptions)> {
    let mut cases = Vec::new();
    // planes around the block of 128 positions; images large enough to be split by channels; few channels
    for shape in [[2, 11, 127], [1, 8, 129], [2, 96, 900], [3, 3, 10]] {
        for (size, beta, k) in [
            (1, 0.75, 1.0),
            (2, 0.5, 2.0),
            (5, 0.75, 2.0),
            (4, 1.0, 1.0),
            (9, 0.6, 0.5),
            (300, 0.75, 1.0),
        ] {
            let alpha = 1e-3;
            cases.push((
                shape,
                LrnOptions {
                    size,
                    alpha,
                    beta,
                    k,
                },
            ));
        }
    }
    cases
}

#[test]
fn forward_is_the_formula() {
    for (shape, o) in cases() {
        let x = hundreds::<f32>(shape.iter().product(), 1);
        let wide: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        let got = tensor(&x, &shape, &Device::Cpu)
            .local_response_norm(o.size, o.alpha, o.beta, o.k)
            .unwrap();
        // the sum is exact; what is left is the power
        let tolerance = Tolerance::of::<f32>(if o.beta == 0.6 { 30 } else { 4 }, 0.0);
        let what = format!("lrn {shape:?} {o:?}");
        let want = naive(&wide, shape, &o);
        assert_close_f64(&what, &got.to_vec().unwrap(), &want, tolerance);
    }
}

#[test]
fn a_large_value_leaves_no_trace_in_windows_without_it() {
    let mut x = vec![1.0_f32; 64];
    x[20] = 1e15;
    let y = tensor(&x, &[1, 64, 1], &Device::Cpu)
        .local_response_norm(5, 5.0, 1.0, 0.0)
        .unwrap();
    let y = y.to_vec().unwrap();
    let tolerance = Tolerance::of::<f32>(1, 0.0);
    assert_close_f64("lrn", &y[17..20], &[0.2, 1e-30, 1e-30], tolerance);
    assert_close_f64("lrn", &y[21..24], &[1e-30, 1e-30, 0.2], tolerance);
}

#[test]
fn backward_is_the_central_difference() {
    for (shape, o) in cases().into_iter().filter(|(s, _)| s[2] < 128) {
        let n = shape.iter().product();
        let (dy, x) = (uniform::<f32>(n, 2), hundreds::<f32>(n, 3));
        let [dy64, x64] = [&dy, &x].map(|v| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        let loss = |x: &[f64]| -> f64 {
            let y = naive(x, shape, &o);
            y.iter().zip(&dy64).map(|(y, dy)| y * dy).sum()
        };
        let [dy, input] = [&dy, &x].map(|v| tensor(v, &shape, &Device::Cpu));
        let got = local_response_norm_backward(&dy, &input, &o).unwrap();
        let got = got.to_vec().unwrap();
        let places: Vec<usize> = (0..n).step_by(7).collect();
        let want: Vec<f64> = places
            .iter()
            .map(|&i| {
                let step = 1e-3;
                let mut moved = x64.clone();
                moved[i] = x64[i] + step;
                let up = loss(&moved);
                moved[i] = x64[i] - step;
                (up - loss(&moved)) / (2.0 * step)
            })
            .collect();
        let got: Vec<f32> = places.iter().map(|&i| got[i]).collect();
        let tolerance = Tolerance {
            abs: 3e-6,
            rel: 1e-5,
        };
        assert_close_f64(&format!("lrn {shape:?} {o:?}"), &got, &want, tolerance);
    }
}

/// The power of a large sum is a subnormal number, and what is normalised with it is not.
#[test]
fn small_powers_are_kept() {
    let options = LrnOptions {
        alpha: 1.0,
        beta: 2.0,
        k: 1.0,
        size: 1,
    };
    let x = tensor(&[1e10_f32, -1e10, 3e9, 1.0], &[1, 1, 4], &Device::Cpu);
    let y = x.local_response_norm(1, 1.0, 2.0, 1.0).unwrap();
    let wide: Vec<f64> = x.to_vec().unwrap().iter().map(|x| f64::from(*x)).collect();
    // half of what subnormal numbers are apart, times x
    let tolerance = Tolerance {
        abs: 0.0,
        rel: 3e-5,
    };
    let want = naive(&wide, [1, 1, 4], &options);
    assert_close_f64("lrn", &y.to_vec().unwrap(), &want, tolerance);
}
