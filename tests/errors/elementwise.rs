use half::f16;
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes_that_differ() {
    let (mut x, mut y) = (zeros(&[2, 3]), zeros(&[3, 2]));
    let both = ["[2, 3]", "[3, 2]"];
    assert_says(x.add_alpha(&y, 1.0), &both);
    assert_says(x.add_alpha_(&y, 1.0), &both);
    assert_says(x.add_alpha_out(&x, 1.0, &mut y), &both);
    assert_says(x.mul_out(1.0, &mut y), &both);
    let mut halves = Tensor::<f16>::zeros(&[3, 2], &Device::Cpu).unwrap();
    assert_says(x.cast_out(&mut halves), &both);
    assert_says(x.cast_out(&mut y), &both);
}

#[test]
fn a_bias_is_one_row() {
    let mut x = zeros(&[2, 3]);
    for shape in [&[2][..], &[1, 3], &[]] {
        let words = ["bias_add", "[3]"];
        assert_says(x.bias_add(&zeros(shape)), &words);
        assert_says(x.bias_add_(&zeros(shape)), &words);
    }
    let bias = zeros(&[3]);
    assert_says(x.bias_add_out(&bias, &mut zeros(&[3, 2])), &["[3, 2]"]);
    assert_says(zeros(&[]).bias_add(&bias), &["at least one dimension"]);
}

#[test]
fn sizes_that_overflow() {
    let huge = [usize::MAX / 2, usize::MAX / 2];
    assert_says(Tensor::full(&huge, 1.0_f32, &Device::Cpu), &["at most"]);
}
