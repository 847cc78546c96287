use warpsmith::ops::matmul::Gemm;
use warpsmith::ops::{MatmulOptions, linear, matmul_with};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes_that_do_not_fit() {
    let says = |a: &[usize], b: &[usize], words: &[&str]| {
        assert_says(zeros(a).matmul(&zeros(b)), words);
    };
    says(&[2, 3], &[4, 5], &["matmul", "one k", "[2, 3]", "[4, 5]"]);
    says(&[3], &[4], &["matmul", "[3]", "[4]"]);
    says(&[], &[4], &["matmul", "first tensor", "[]"]);
    says(&[4], &[], &["matmul", "second tensor", "[]"]);
    says(&[2, 3, 4], &[5, 4, 6], &["batch", "[2, 3, 4]", "[5, 4, 6]"]);
    let mut out = zeros(&[2, 6]);
    assert_says(
        zeros(&[2, 3]).matmul_out(&zeros(&[3, 5]), &mut out),
        &["matmul", "[2, 5]", "[2, 6]"],
    );
}

#[test]
fn options_that_do_not_fit() {
    let (a, b, bias) = (zeros(&[2, 3]), zeros(&[3, 5]), zeros(&[2]));
    let transposed = MatmulOptions {
        transpose_a: true,
        ..Default::default()
    };
    assert_says(
        matmul_with(&a, &b, &transposed),
        &["[2, 3] transposed and [3, 5]"],
    );
    assert_says(
        matmul_with(&bias, &b, &transposed),
        &["2 to transpose", "[2] transposed"],
    );
    let biased = MatmulOptions {
        bias: Some(&bias),
        ..Default::default()
    };
    assert_says(matmul_with(&a, &b, &biased), &["matmul", "[5]", "[2]"]);
    assert_says(
        linear(&a, &b, None),
        &["linear", "[2, 3] and [3, 5] transposed"],
    );
    assert_says(linear(&a, &bias, None), &["linear", "(out, in)", "[2]"]);
    assert_says(linear(&a, &a, Some(&b)), &["linear", "[2]", "[3, 5]"]);
}

#[test]
fn sizes_past_an_i32() {
    // tensors of nothing can have any size
    let wide = zeros(&[1 << 31, 0]);
    assert_says(
        wide.matmul(&zeros(&[0, 0])),
        &["rows", "at most", "2147483648"],
    );
    let huge = zeros(&[0, 1 << 62, 1 << 62]);
    assert_says(huge.matmul(&huge), &["matmul", "at most"]);
    let square = Gemm::new(usize::MAX, usize::MAX, usize::MAX, false, false);
    assert_eq!(square.stride_a, usize::MAX);
}
