use warpsmith::ops::{DropoutOptions, dropout_backward};
use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn probabilities_and_shapes() {
    let [x, mut y] =
        [[2, 3], [3, 2]].map(|shape| Tensor::<f32>::zeros(&shape, &Device::Cpu).unwrap());
    let mut options = DropoutOptions {
        p: 0.5,
        seed: 0,
        call: 0,
    };
    assert_says(
        x.dropout_out(&options, &mut y),
        &["dropout", "[2, 3]", "[3, 2]"],
    );
    for p in [-0.1, 1.1, f64::NAN] {
        options.p = p;
        assert_says(x.dropout(&options), &["dropout", "from 0 to 1"]);
        assert_says(dropout_backward(&x, &options), &["dropout_backward"]);
    }
}
