use warpsmith::ops::relu_backward;
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, with_specials};

#[test]
fn forward_is_the_maximum_with_zero_and_keeps_nan() {
    let x = with_specials::<f32>(70_001, 5);
    let want: Vec<f64> = x
        .iter()
        .map(|&v| if v < 0.0 { 0.0 } else { f64::from(v) })
        .collect();
    let mut y = tensor(&x, &[70_001], &Device::Cpu);
    assert_close_f64(
        "relu",
        &y.relu().unwrap().to_vec().unwrap(),
        &want,
        Tolerance::EXACT,
    );
    y.relu_().unwrap();
    assert_close_f64("relu_", &y.to_vec().unwrap(), &want, Tolerance::EXACT);
}

#[test]
fn backward_passes_the_gradient_where_the_output_is_positive() {
    let cpu = Device::Cpu;
    // as PyTorch's threshold_backward, which asks for outputs up to 0: a NaN's gradient passes
    let y = [0.0_f32, 2.0, -0.0, 1e-30, f32::NAN, 1e-45];
    let dy = [1.0_f32, 2.0, 3.0, -4.0, 5.0, 6.0];
    let [y, dy] = [y, dy].map(|x| Tensor::from_slice(&x, &[6], &cpu).unwrap());
    assert_eq!(
        relu_backward(&dy, &y).unwrap().to_vec().unwrap(),
        [0.0, 2.0, 0.0, -4.0, 5.0, 6.0]
    );
}
