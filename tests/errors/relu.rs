use warpsmith::ops::relu_backward;
use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn shapes_that_differ() {
    let [x, mut y] =
        [[2, 3], [3, 2]].map(|shape| Tensor::<f32>::zeros(&shape, &Device::Cpu).unwrap());
    assert_says(x.relu_out(&mut y), &["relu", "[2, 3]", "[3, 2]"]);
    assert_says(
        relu_backward(&x, &y),
        &["relu_backward", "[2, 3]", "[3, 2]"],
    );
}
