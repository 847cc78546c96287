use half::f16;
use warpsmith::ops::tanh_backward;
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, with_specials};

#[test]
fn forward_is_the_formula() {
    fn check<T: Float>() {
        let x = with_specials::<T>(70_001, 5);
        let want: Vec<f64> = x.iter().map(|v| f64::from(v.to_f32()).tanh()).collect();
        let mut y = tensor(&x, &[70_001], &Device::Cpu);
        let tolerance = Tolerance::of::<T>(2, 0.0);
        assert_close_f64(
            "tanh",
            &y.tanh().unwrap().to_vec().unwrap(),
            &want,
            tolerance,
        );
        y.tanh_().unwrap();
        assert_close_f64("tanh_", &y.to_vec().unwrap(), &want, tolerance);
    }
    check::<f32>();
    check::<f16>();
}

#[test]
fn backward_is_the_slope() {
    let x: Vec<f32> = (-40..=40).map(|i| i as f32 / 4.0).collect();
    let n = x.len();
    let x_tensor = tensor(&x, &[n], &Device::Cpu);
    let dy = Tensor::from_vec(vec![3.0_f32; n], &[n], &Device::Cpu).unwrap();
    let dx = tanh_backward(&dy, &x_tensor.tanh().unwrap()).unwrap();
    let h = 1e-5;
    let slope = |x: f64| 3.0 * ((x + h).tanh() - (x - h).tanh()) / (2.0 * h);
    let want: Vec<f64> = x.iter().map(|&x| slope(f64::from(x))).collect();
    // 1 - y^2 cancels: the error is twice that of y, times dy
    let tolerance = Tolerance {
        abs: 8e-7,
        rel: 1e-6,
    };
    assert_close_f64("tanh_backward", &dx.to_vec().unwrap(), &want, tolerance);
}
