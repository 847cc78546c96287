use warpsmith::{Device, Tensor};

use crate::assert_says;

#[test]
fn lengths_and_shapes() {
    assert_says(
        Tensor::from_slice(&[1.0_f32; 5], &[2, 3], &Device::Cpu),
        &["6 elements", "[2, 3]", "5"],
    );
    assert_says(
        Tensor::from_vec(vec![1.0_f32; 7], &[2, 3], &Device::Cpu),
        &["6 elements", "7"],
    );
    let mut x = Tensor::<f32>::zeros(&[2, 3], &Device::Cpu).unwrap();
    assert_says(x.reshape(&[4, 2]), &["reshape", "6 elements", "[4, 2]"]);
    assert_says(x.item(), &["item", "one element", "6"]);
    assert_says(x.copy_from_slice(&[0.0; 5]), &["6 elements", "5"]);
}

#[test]
fn sizes_that_overflow() {
    let huge = usize::MAX / 2;
    assert_says(
        Tensor::<f32>::zeros(&[huge, huge], &Device::Cpu),
        &["tensor", "at most"],
    );
    assert_says(
        Tensor::<f32>::zeros(&[1 << 59], &Device::Cpu),
        &["cpu", "memory"],
    );
}

#[test]
fn device_names() {
    assert_says("tpu".parse::<Device>(), &["auto, cpu, cuda", "tpu"]);
    assert_says("cuda:x".parse::<Device>(), &["cuda:N", "cuda:x"]);
}

#[test]
fn dimensions_that_do_not_flatten() {
    let x = Tensor::<f32>::zeros(&[2, 3, 4], &Device::Cpu).unwrap();
    for (start, end) in [(2, 1), (0, 3), (-4, 1), (isize::MIN, isize::MAX)] {
        assert_says(x.flatten(start, end), &["flatten", "[2, 3, 4]"]);
    }
    assert_eq!(x.flatten(1, -1).unwrap().shape(), [2, 12]);
    assert_eq!(x.flatten(-3, -2).unwrap().shape(), [6, 4]);
    assert_eq!(x.flatten(1, 1).unwrap().shape(), [2, 3, 4]);
    let scalar = x.reshape(&[24]).unwrap();
    assert_eq!(scalar.flatten(0, -1).unwrap().shape(), [24]);
}
