use warpsmith::ops::sigmoid_backward;
use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn shapes_that_differ() {
    let [x, mut y] =
        [[2, 3], [3, 2]].map(|shape| Tensor::<f32>::zeros(&shape, &Device::Cpu).unwrap());
    assert_says(x.sigmoid_out(&mut y), &["sigmoid", "[2, 3]", "[3, 2]"]);
    assert_says(
        sigmoid_backward(&x, &y),
        &["sigmoid_backward", "[2, 3]", "[3, 2]"],
    );
}
