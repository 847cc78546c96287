use warpsmith::ops::{
    Conv2dOptions, conv2d_backward_bias_out, conv2d_backward_input, conv2d_backward_weight,
};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes() {
    let (plain, x) = (Conv2dOptions::default(), zeros(&[2, 4, 8, 8]));
    for (weight, options, words) in [
        (
            vec![3, 4, 3],
            plain,
            ["(O, C / groups, kh, kw)", "[3, 4, 3]"],
        ),
        (vec![3, 5, 3, 3], plain, ["[3, 5, 3, 3]", "[2, 4, 8, 8]"]),
        (
            vec![4, 4, 3, 3],
            plain.groups(2),
            ["in 2 groups", "[4, 4, 3, 3]"],
        ),
        (
            vec![3, 2, 3, 3],
            plain.groups(2),
            ["in 2 groups", "[3, 2, 3, 3]"],
        ),
        (
            vec![3, 4, 3, 3],
            plain.groups(0),
            ["in 0 groups", "[3, 4, 3, 3]"],
        ),
        (vec![3, 4, 9, 3], plain, ["at least 9", "8"]),
        (vec![3, 4, 0, 3], plain, ["at least 1", "0, 1 and 1"]),
        (
            vec![3, 4, 3, 3],
            plain.stride([1, 0]),
            ["at least 1", "3, 0 and 1"],
        ),
        (
            vec![3, 4, 3, 3],
            plain.padding([40_000, 0]),
            ["at most 32767", "80"],
        ),
        (
            vec![3, 4, 3, 3],
            plain.dilation([usize::MAX, 1]),
            ["at most", "2147483647"],
        ),
    ] {
        let weight = zeros(&weight);
        assert_says(
            x.conv2d(&weight, None, &options),
            &["conv2d", words[0], words[1]],
        );
        assert_says(
            conv2d_backward_input(&zeros(&[2, 3, 6, 6]), &weight, &[2, 4, 8, 8], &options),
            &["conv2d_backward_input", words[0], words[1]],
        );
        assert_says(
            conv2d_backward_weight(&zeros(&[2, 3, 6, 6]), &x, weight.shape(), &options),
            &["conv2d_backward_weight", words[0], words[1]],
        );
    }
    assert_says(
        zeros(&[4, 8, 8]).conv2d(&zeros(&[3, 4, 3, 3]), None, &plain),
        &["conv2d", "(N, C, H, W)", "[4, 8, 8]"],
    );
}

#[test]
fn outputs_and_biases() {
    let (plain, x, w) = (
        Conv2dOptions::default(),
        zeros(&[2, 4, 8, 8]),
        zeros(&[3, 4, 3, 3]),
    );
    assert_says(
        x.conv2d(&w, Some(&zeros(&[4])), &plain),
        &["conv2d", "[3]", "[4]"],
    );
    assert_says(
        x.conv2d_out(&w, None, &plain, &mut zeros(&[2, 3, 6, 5])),
        &["conv2d", "[2, 3, 6, 6]", "[2, 3, 6, 5]"],
    );
    assert_says(
        conv2d_backward_input(&zeros(&[2, 3, 6, 5]), &w, x.shape(), &plain),
        &["conv2d_backward_input", "[2, 3, 6, 6]", "[2, 3, 6, 5]"],
    );
    assert_says(
        conv2d_backward_weight(&zeros(&[2, 3, 6, 5]), &x, w.shape(), &plain),
        &["conv2d_backward_weight", "[2, 3, 6, 6]", "[2, 3, 6, 5]"],
    );
    assert_says(
        conv2d_backward_bias_out(&zeros(&[2, 3, 6, 6]), &mut zeros(&[2])),
        &["conv2d_backward_bias", "[3]", "[2]"],
    );
}

/// No channels, no images: nothing to sum, and nothing to stumble over.
#[test]
fn nothing_at_all() {
    let plain = Conv2dOptions::default();
    for (input, weight) in [
        ([0, 2, 3, 3], [4, 2, 2, 2]),
        ([2, 0, 3, 3], [4, 0, 2, 2]),
        ([2, 2, 3, 3], [0, 2, 2, 2]),
    ] {
        let (x, w) = (zeros(&input), zeros(&weight));
        let y = x.conv2d(&w, None, &plain).unwrap();
        assert!(y.to_vec().unwrap().iter().all(|&v| v == 0.0));
        let dx = conv2d_backward_input(&y, &w, &input, &plain).unwrap();
        assert!(dx.to_vec().unwrap().iter().all(|&v| v == 0.0));
        let dw = conv2d_backward_weight(&y, &x, &weight, &plain).unwrap();
        assert!(dw.to_vec().unwrap().iter().all(|&v| v == 0.0));
    }
}
