use warpsmith::ops::{
    Window, avg_pool2d_backward, max_pool2d_backward, max_pool2d_with_indices_out,
};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes() {
    let window = Window::new([2, 2]);
    assert_says(
        zeros(&[4, 4]).max_pool2d(&window),
        &["max_pool2d", "(N, C, H, W)", "[4, 4]"],
    );
    assert_says(
        zeros(&[1, 1, 4, 4]).max_pool2d_out(&window, &mut zeros(&[1, 1, 4, 2])),
        &["max_pool2d", "[1, 1, 2, 2]", "[1, 1, 4, 2]"],
    );
    let mut indices = Tensor::<i32>::zeros(&[1, 1, 2, 3], &Device::Cpu).unwrap();
    let (x, mut y) = (zeros(&[1, 1, 4, 4]), zeros(&[1, 1, 2, 2]));
    assert_says(
        max_pool2d_with_indices_out(&x, &window, &mut y, &mut indices),
        &["max_pool2d", "[1, 1, 2, 2]", "[1, 1, 2, 3]"],
    );
    assert_says(
        max_pool2d_backward(&zeros(&[1, 1, 2, 3]), &indices, &[1, 1, 4, 4], &window),
        &["max_pool2d_backward", "[1, 1, 2, 2]", "[1, 1, 2, 3]"],
    );
    assert_says(
        avg_pool2d_backward(&zeros(&[1, 1, 2, 3]), &[1, 1, 4, 4], &window, true),
        &["avg_pool2d_backward", "[1, 1, 2, 2]", "[1, 1, 2, 3]"],
    );
    assert_says(
        avg_pool2d_backward(
            &zeros(&[1, 1, 2, 3]),
            &[1 << 20, 1 << 20, 4, 4],
            &window,
            true,
        ),
        &["avg_pool2d_backward", "at most 2147483647"],
    );
}

#[test]
fn windows() {
    let x = zeros(&[1, 1, 4, 4]);
    for (window, words) in [
        (Window::new([0, 1]), ["at least 1", "0, 0 and 1"]),
        (
            Window::new([2, 2]).stride([1, 0]),
            ["at least 1", "2, 0 and 1"],
        ),
        (Window::new([5, 2]), ["at least 5", "4"]),
        (Window::new([2, 2]).padding([0, 2]), ["below 2", "got 2"]),
        (
            Window::new([2, 2]).dilation([usize::MAX, 1]),
            ["at most", "2147483647"],
        ),
    ] {
        assert_says(x.max_pool2d(&window), &["max_pool2d", words[0], words[1]]);
        assert_says(
            x.avg_pool2d(&window, true),
            &["avg_pool2d", words[0], words[1]],
        );
    }
}

/// Indices that no pooling gave change nothing outside the tensor.
#[test]
fn indices_outside_the_plane() {
    let window = Window::new([2, 2]);
    let indices = Tensor::from_slice(&[-5, 99, i32::MAX, 15], &[1, 1, 2, 2], &Device::Cpu).unwrap();
    let grad = Tensor::from_vec(vec![1.0_f32; 4], &[1, 1, 2, 2], &Device::Cpu).unwrap();
    let dx = max_pool2d_backward(&grad, &indices, &[1, 1, 4, 4], &window).unwrap();
    assert_eq!(dx.to_vec().unwrap().iter().sum::<f32>(), 1.0);
}
