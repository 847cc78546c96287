//! `==` and the traits of `approx` on tensors: of one type and another, on one device and another.

use approx::{
    AbsDiffEq, RelativeEq, UlpsEq, assert_abs_diff_eq, assert_relative_eq, assert_ulps_eq,
};
use half::{bf16, f16};
use warpsmith::{CudaGraph, Device, Float, Tensor};

/// The CPU, and the GPUs where this build has kernels.
fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu];
    if cfg!(warpsmith_kernels) {
        devices.extend(crate::common::devices::cuda_devices());
    }
    devices
}

/// Two tensors of two lists, on every device beside every other.
fn beside<T: Float>(a: &[f32], b: &[f32], test: impl Fn(&Tensor<T>, &Tensor<T>)) {
    let tensor = |x: &[f32], device: &Device| {
        let x: Vec<T> = x.iter().map(|&x| T::from_f32(x)).collect();
        Tensor::from_slice(&x, &[x.len()], device).unwrap()
    };
    for here in devices() {
        for there in devices() {
            test(&tensor(a, &here), &tensor(b, &there));
        }
    }
}

/// For each type: 1, then the values that follow it.
fn each_type<T: Float>() {
    let above = |n: f32| 1.0 + n * T::EPSILON;
    assert!(T::from_f32(above(1.0)) != T::from_f32(1.0));
    assert!(T::from_f32(above(0.5)) == T::from_f32(1.0));

    beside::<T>(&[-2.0, 1.0, 0.0], &[-2.0, 1.0, -0.0], |a, b| {
        assert_eq!(a, b);
        assert_abs_diff_eq!(a, b, epsilon = 0.0);
        assert_relative_eq!(a, b, epsilon = 0.0, max_relative = 0.0);
        assert_ulps_eq!(a, b, epsilon = 0.0, max_ulps = 0);
    });
    // by a unit, at the last place
    beside::<T>(&[5.0, 1.0], &[5.0, above(1.0)], |a, b| {
        assert_ne!(a, b);
        assert_abs_diff_eq!(a, b);
        assert!(a.abs_diff_ne(b, 0.99 * T::EPSILON));
        assert_relative_eq!(a, b);
        assert!(a.relative_ne(b, 0.0, 0.49 * T::EPSILON));
        assert_ulps_eq!(a, b, epsilon = 0.0, max_ulps = 1);
        assert!(a.ulps_ne(b, 0.0, 0));
    });
    // by four units and by five, where a unit is 64 times that of 1
    beside::<T>(&[64.0], &[64.0 * above(4.0)], |a, b| {
        assert!(a.abs_diff_ne(b, 255.0 * T::EPSILON));
        assert_abs_diff_eq!(a, b, epsilon = 256.0 * T::EPSILON);
        assert!(a.relative_ne(b, 0.0, 3.0 * T::EPSILON));
        assert_relative_eq!(a, b, max_relative = 4.0 * T::EPSILON);
        assert_ulps_eq!(a, b);
    });
    beside::<T>(&[64.0], &[64.0 * above(5.0)], |a, b| {
        assert!(a.ulps_ne(b, 0.0, Tensor::<T>::default_max_ulps()));
        assert_ulps_eq!(a, b, epsilon = 0.0, max_ulps = 5);
        assert_ulps_eq!(b, a, epsilon = 0.0, max_ulps = 5);
    });
    // on either side of zero only what is near in absolute terms is near
    beside::<T>(&[T::EPSILON], &[-T::EPSILON], |a, b| {
        assert!(a.ulps_ne(b, 0.0, u32::MAX));
        assert!(a.relative_ne(b, 0.0, 1.9));
        assert_ulps_eq!(a, b, epsilon = 2.0 * T::EPSILON);
        assert_relative_eq!(a, b, epsilon = 2.0 * T::EPSILON);
    });
}

#[test]
fn f32_by_its_own_units() {
    each_type::<f32>();
}

#[test]
fn f16_by_its_own_units() {
    each_type::<f16>();
}

#[test]
fn bf16_by_its_own_units() {
    each_type::<bf16>();
}

#[test]
fn nan_is_near_nothing() {
    for other in [f32::NAN, 0.0, f32::INFINITY] {
        beside::<f32>(&[1.0, f32::NAN], &[1.0, other], |a, b| none(a, b));
        beside::<bf16>(&[1.0, f32::NAN], &[1.0, other], |a, b| none(a, b));
    }
}

#[test]
fn an_infinity_is_near_itself_alone() {
    beside::<f16>(&[f32::INFINITY], &[f32::INFINITY], |a, b| {
        assert_eq!(a, b);
        assert_relative_eq!(a, b);
        assert_ulps_eq!(a, b);
    });
    beside::<f32>(&[f32::INFINITY], &[-f32::INFINITY], |a, b| {
        assert_ne!(a, b);
        assert!(a.relative_ne(b, 1e38, 10.0));
        assert!(a.ulps_ne(b, 1e38, u32::MAX));
    });
}

/// Nothing makes these two the same.
#[track_caller]
fn none<T: Float>(a: &Tensor<T>, b: &Tensor<T>) {
    for (a, b) in [(a, b), (b, a)] {
        assert_ne!(a, b);
        assert!(a.abs_diff_ne(b, f32::INFINITY));
        assert!(a.relative_ne(b, f32::INFINITY, f32::INFINITY));
        assert!(a.ulps_ne(b, f32::INFINITY, u32::MAX));
    }
}

#[test]
fn another_shape_is_another_tensor() {
    let zeros = |shape: &[usize]| Tensor::<f32>::zeros(shape, &Device::Cpu).unwrap();
    none(&zeros(&[2, 3]), &zeros(&[3, 2]));
    none(&zeros(&[6]), &zeros(&[6, 1]));
    none(&zeros(&[2]), &zeros(&[3]));
    none(&zeros(&[0, 2]), &zeros(&[2, 0]));
    assert_relative_eq!(zeros(&[2, 0]), zeros(&[2, 0]));
    assert_relative_eq!(zeros(&[]), zeros(&[]));
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn what_cannot_be_read_is_near_nothing() {
    let devices = crate::common::devices::cuda_devices();
    let context = devices[0].as_cuda().unwrap().stream().context();
    let own = Device::from_stream(context.new_stream().unwrap()).unwrap();
    let x = Tensor::<f32>::zeros(&[2], &own).unwrap();
    let same = x.to(&Device::Cpu).unwrap();
    assert_eq!(x, same);
    // the host reads nothing of a stream that is being captured
    let captured = CudaGraph::capture(&own, || {
        none(&x, &same);
        none(&x, &x);
        x.mul(2.0)
    });
    captured.unwrap();
    assert_eq!(x, same);
}
