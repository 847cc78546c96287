use warpsmith::ops::{adaptive_avg_pool2d_backward, adaptive_avg_pool2d_backward_out};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes() {
    let x = zeros(&[1, 2, 4, 5]);
    assert_says(
        zeros(&[4, 4]).adaptive_avg_pool2d([1, 1]),
        &["adaptive_avg_pool2d", "(N, C, H, W)", "[4, 4]"],
    );
    for (x, output, got) in [
        (&x, [0, 1], "4 and 0"),
        (&x, [1, 0], "5 and 0"),
        (&zeros(&[1, 1, 0, 3]), [1, 1], "0 and 1"),
    ] {
        assert_says(
            x.adaptive_avg_pool2d(output),
            &["adaptive_avg_pool2d", "at least 1", got],
        );
    }
    for output in [[1 << 30, 1], [1, usize::MAX], [1 << 28, 1 << 28]] {
        assert_says(
            x.adaptive_avg_pool2d(output),
            &["adaptive_avg_pool2d", "at most 2147483647"],
        );
    }
    assert_says(
        x.adaptive_avg_pool2d_out([2, 2], &mut zeros(&[1, 2, 2, 3])),
        &["adaptive_avg_pool2d", "[1, 2, 2, 2]", "[1, 2, 2, 3]"],
    );
    let says = &[
        "adaptive_avg_pool2d_backward",
        "[2, 2, 3, 3]",
        "[1, 2, 3, 3]",
    ];
    assert_says(
        adaptive_avg_pool2d_backward(&zeros(&[1, 2, 3, 3]), &[2, 2, 4, 5]),
        says,
    );
    assert_says(
        adaptive_avg_pool2d_backward_out(&zeros(&[1, 2, 3, 3]), &mut zeros(&[2, 2, 4, 5])),
        says,
    );
    assert_says(
        adaptive_avg_pool2d_backward(&zeros(&[2, 3]), &[2, 2, 4, 5]),
        &["adaptive_avg_pool2d_backward", "(N, C, H, W)", "[2, 3]"],
    );
    assert_says(
        adaptive_avg_pool2d_backward(&zeros(&[1, 1, 1, 1]), &[1 << 16, 1 << 16, 1, 1]),
        &["adaptive_avg_pool2d_backward", "at most 2147483647"],
    );
}
