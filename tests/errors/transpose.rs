use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn axes_and_shapes() {
    let x = Tensor::<i32>::zeros(&[2, 3, 4], &Device::Cpu).unwrap();
    for dim in [3, -4, isize::MIN, isize::MAX] {
        assert_says(x.transpose(dim, 1), &["a dimension of 3", &dim.to_string()]);
    }
    let mut y = x.clone();
    assert_says(
        x.transpose_out(0, 1, &mut y),
        &["last two axes", "[2, 3, 4]", "axis 0"],
    );
    assert_says(
        x.transpose_out(1, 2, &mut y),
        &["transpose", "[2, 4, 3]", "[2, 3, 4]"],
    );
    assert_says(
        x.transpose_out(1, 1, &mut y),
        &["different axes", "1 and 1"],
    );
    assert_says(x.t(), &["t:", "at most two", "[2, 3, 4]"]);
    let row = Tensor::<i32>::zeros(&[2], &Device::Cpu).unwrap();
    assert_says(row.transpose(0, 1), &["a dimension of 1", "got 1"]);
    let scalar = Tensor::<i32>::zeros(&[], &Device::Cpu).unwrap();
    assert_says(scalar.transpose(0, 0), &["a dimension of 0", "got 0"]);
}
