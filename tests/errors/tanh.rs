use warpsmith::ops::tanh_backward;
use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn shapes_that_differ() {
    let [x, mut y] =
        [[2, 3], [3, 2]].map(|shape| Tensor::<f32>::zeros(&shape, &Device::Cpu).unwrap());
    assert_says(x.tanh_out(&mut y), &["tanh", "[2, 3]", "[3, 2]"]);
    assert_says(
        tanh_backward(&x, &y),
        &["tanh_backward", "[2, 3]", "[3, 2]"],
    );
}
