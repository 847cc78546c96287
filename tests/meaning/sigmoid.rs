use half::f16;
use warpsmith::ops::sigmoid_backward;
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, with_specials};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn forward_is_the_formula() {
    fn check<T: Float>() {
        let x = with_specials::<T>(70_001, 5);
        let want: Vec<f64> = x.iter().map(|v| sigmoid(f64::from(v.to_f32()))).collect();
        let mut y = tensor(&x, &[70_001], &Device::Cpu);
        // absolute: what subnormal numbers are apart
        let tolerance = Tolerance {
            abs: 2e-45,
            ..Tolerance::of::<T>(2, 0.0)
        };
        let tolerance = if T::NAME == "f32" {
            tolerance
        } else {
            Tolerance {
                abs: 6e-8,
                ..tolerance
            }
        };
        assert_close_f64(
            "sigmoid",
            &y.sigmoid().unwrap().to_vec().unwrap(),
            &want,
            tolerance,
        );
        y.sigmoid_().unwrap();
        assert_close_f64("sigmoid_", &y.to_vec().unwrap(), &want, tolerance);
    }
    check::<f32>();
    check::<f16>();
}

/// Down to where f32 itself has nothing but 0.
#[test]
fn small_results_are_kept() {
    let x: Vec<f32> = (0..4000).map(|i| -80.0 - i as f32 * 0.01).collect();
    let want: Vec<f64> = x.iter().map(|x| sigmoid(f64::from(*x))).collect();
    let y = tensor(&x, &[4000], &Device::Cpu).sigmoid().unwrap();
    let y = y.to_vec().unwrap();
    let tolerance = Tolerance {
        abs: 1.5e-45,
        rel: 5e-7,
    };
    assert_close_f64("sigmoid", &y, &want, tolerance);
    assert_eq!(y[2000], 3.8e-44);
    assert!(y[2396] > 0.0 && y[2410..].iter().all(|y| *y == 0.0));
}

#[test]
fn backward_is_the_slope() {
    let x: Vec<f32> = (-40..=40).map(|i| i as f32 / 4.0).collect();
    let n = x.len();
    let x_tensor = tensor(&x, &[n], &Device::Cpu);
    let dy = Tensor::from_vec(vec![3.0_f32; n], &[n], &Device::Cpu).unwrap();
    let dx = sigmoid_backward(&dy, &x_tensor.sigmoid().unwrap()).unwrap();
    let h = 1e-5;
    let slope = |x: f64| 3.0 * (sigmoid(x + h) - sigmoid(x - h)) / (2.0 * h);
    let want: Vec<f64> = x.iter().map(|&x| slope(f64::from(x))).collect();
    // 1 - y cancels: the error is that of y, times dy
    let tolerance = Tolerance {
        abs: 4e-7,
        rel: 1e-6,
    };
    assert_close_f64("sigmoid_backward", &dx.to_vec().unwrap(), &want, tolerance);
}
