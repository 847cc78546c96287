use half::f16;
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;
use crate::common::devices::cuda_devices;

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

/// Numbers of `f16` beside 1 stand 2^-11 and 2^-10 away.
#[test]
fn ranges_without_a_number() {
    let mut generator = Generator::manual_seed(1);
    let mut uniform =
        |low, high| Tensor::<f16>::uniform(&[3], low, high, &mut generator, &Device::Cpu);
    for (low, high) in [
        (1.0001, 1.0009),
        (1.0001, 1.0004),
        (0.9996, 0.9999),
        (1e-9, 2e-9),
    ] {
        assert_says(uniform(low, high), &["uniform", "f16", &low.to_string()]);
    }
    for (low, high) in [(1.0, 0.0), (0.0, 1e6), (f32::NAN, 1.0), (0.0, f32::NAN)] {
        assert_says(uniform(low, high), &["uniform", "low <= high", "f16"]);
    }
    for (low, high) in [(1.0001, 1.001), (0.9996, 1.0001), (-1e-9, 1e-9)] {
        uniform(low, high).unwrap();
    }
}

/// Each device once, though the op made an output on one of them; and two streams of one GPU have two names.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn devices_that_differ() {
    let gpu = cuda_devices().remove(0);
    let context = gpu.as_cuda().unwrap().stream().context().clone();
    let other = Device::from_stream(context.new_stream().unwrap()).unwrap();
    let [on_cpu, on_gpu, on_other] =
        [&Device::Cpu, &gpu, &other].map(|device| Tensor::<f32>::zeros(&[2, 2], device).unwrap());
    let text = |result: warpsmith::Result<Tensor<f32>>| result.unwrap_err().to_string();
    assert_eq!(
        text(on_cpu.add(&on_gpu)),
        format!("add: expected all tensors on one device, got cpu and {gpu}")
    );
    assert_eq!(
        text(on_gpu.matmul(&on_cpu)),
        format!("matmul: expected all tensors on one device, got {gpu} and cpu")
    );
    let streams = text(on_gpu.add(&on_other));
    let named: Vec<&str> = streams.split(" on stream ").skip(1).collect();
    assert_eq!(named.len(), 2, "{streams}");
    assert_ne!(named[0].split(' ').next(), named[1].split(' ').next());
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
