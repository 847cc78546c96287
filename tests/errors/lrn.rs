use warpsmith::ops::{LrnOptions, local_response_norm_backward};
use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn shapes() {
    let [x, mut y] =
        [[2, 3, 4], [2, 4, 3]].map(|shape| Tensor::<f32>::zeros(&shape, &Device::Cpu).unwrap());
    let row = Tensor::<f32>::zeros(&[5], &Device::Cpu).unwrap();
    assert_says(
        row.local_response_norm(5, 1e-4, 0.75, 1.0),
        &["lrn", "(N, C, ...)", "[5]"],
    );
    assert_says(
        x.local_response_norm_out(5, 1e-4, 0.75, 1.0, &mut y),
        &["lrn", "[2, 3, 4]", "[2, 4, 3]"],
    );
    assert_says(
        local_response_norm_backward(&x, &y, &LrnOptions::new(5)),
        &["lrn_backward", "[2, 3, 4]", "[2, 4, 3]"],
    );
}

#[test]
fn options() {
    let x = Tensor::<f32>::zeros(&[1, 1], &Device::Cpu).unwrap();
    assert_says(
        x.local_response_norm(0, 1e-4, 0.75, 1.0),
        &["lrn", "at least 1", "0"],
    );
    assert_says(
        x.local_response_norm(5, f64::NAN, 0.75, 1.0),
        &["finite", "NaN, 0.75 and 1"],
    );
    // larger than any tensor, but a window all the same
    x.local_response_norm(usize::MAX, 1e-4, 0.75, 1.0).unwrap();
}
