use half::{bf16, f16};
use warpsmith::ops::fill::cuda;
use warpsmith::{Device, Element, Tensor};

use crate::common::data::SHAPES;

fn check<T: Element>(device: &Device, value: T) {
    for shape in &SHAPES {
        let y = Tensor::full(&shape.dims(), value, device).unwrap();
        let want = vec![value; shape.numel()];
        assert_eq!(y.to_vec().unwrap(), want, "fill {} {}", T::NAME, shape.name);
    }
}

pub fn words(device: &Device) {
    check::<f32>(device, -1.75);
    check::<i32>(device, i32::MIN + 7);
    check::<i64>(device, i64::MIN + 7);
}

pub fn halves(device: &Device) {
    check::<f16>(device, f16::from_f32(-1.75));
    check::<bf16>(device, bf16::from_f32(3e38));
    check::<u8>(device, 200);
    check::<bool>(device, true);
}

/// A view is filled to its ends and not past them.
pub fn view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let mut y = stream.clone_htod(&[1.0_f32; 40]).unwrap();
    cuda::fill(stream, &mut y.slice_mut(3..36), 2.0).unwrap();
    let got = stream.clone_dtoh(&y).unwrap();
    let want: Vec<f32> = (0..40)
        .map(|i| if (3..36).contains(&i) { 2.0 } else { 1.0 })
        .collect();
    assert_eq!(got, want);
}
