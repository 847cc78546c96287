//! How many launches a step takes, counted by the emulated driver: a program of its own, since launches of other threads
//! would count too.

mod alexnet;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{self, Optimizer};
use warpsmith::nn::{CrossEntropyLoss, Module, Parameter, Precision};
use warpsmith::{Device, Generator, Tensor};

/// As many parameters as one launch has room for, and one more.
struct Many(Vec<Parameter>);

impl Module for Many {
    fn forward(&mut self, input: &Tensor<f32>) -> warpsmith::Result<Tensor<f32>> {
        Ok(input.clone())
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> warpsmith::Result<Tensor<f32>> {
        Ok(grad.clone())
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let named = self.0.iter_mut().enumerate();
        named.map(|(i, p)| (format!("{i}"), p)).collect()
    }
}

/// One count at a time: launches of another test would be in it.
static COUNTING: Mutex<()> = Mutex::new(());

/// The turn to count, where there is somebody who does.
fn counting() -> Option<MutexGuard<'static, ()>> {
    if !cuda_emulator_testing::emulated() {
        println!("not on the emulated driver: nothing is counted");
        return None;
    }
    Some(COUNTING.lock().unwrap_or_else(PoisonError::into_inner))
}

type Make = fn() -> Box<dyn Optimizer>;

const OPTIMIZERS: [(&str, Make); 10] = [
    ("sgd_f32", || Box::new(optim::Sgd::new(0.1))),
    ("sgd_momentum_f32", || {
        Box::new(optim::Sgd::new(0.1).momentum(0.9))
    }),
    ("adagrad_f32", || Box::new(optim::Adagrad::new(0.1))),
    ("adadelta_f32", || Box::new(optim::Adadelta::new(0.1))),
    ("rmsprop_f32", || Box::new(optim::RmsProp::new(0.1))),
    ("rmsprop_momentum_f32", || {
        Box::new(optim::RmsProp::new(0.1).momentum(0.9))
    }),
    ("rmsprop_centered_f32", || {
        Box::new(optim::RmsProp::new(0.1).centered())
    }),
    ("rmsprop_centered_momentum_f32", || {
        Box::new(optim::RmsProp::new(0.1).momentum(0.9).centered())
    }),
    ("adam_amsgrad_f32", || {
        Box::new(optim::Adam::new(0.1).amsgrad())
    }),
    ("adam_f32", || Box::new(optim::Adam::new(0.1))),
];

/// The kernels that a step launches, and how often; the first step is not looked at, which makes the state.
fn launches(make: Make, model: &mut dyn Module) -> Vec<(String, u64)> {
    let mut optimizer = make();
    optimizer.step(model).unwrap();
    let kernels = cuda_emulator_testing::count(|| optimizer.step(model).unwrap());
    kernels
        .into_iter()
        .map(|(name, counts)| (name, counts.launches))
        .collect()
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn a_step_of_a_whole_model_is_one_launch() {
    let Some(_counting) = counting() else {
        return;
    };
    let device = Device::cuda(0).unwrap();
    let mut generator = Generator::manual_seed(1);
    let mut lenet = lenet5(10, LeNetActivation::ReLU, &mut generator, &device).unwrap();
    assert_eq!(lenet.parameters().len(), 10);
    for (kernel, make) in OPTIMIZERS {
        assert_eq!(launches(make, &mut lenet), [(kernel.into(), 1)]);
    }
    let parameter = |n: usize| Parameter::new(Tensor::zeros(&[n], &device).unwrap()).unwrap();
    let mut many = Many((1..=64).map(parameter).collect());
    let [.., (adam, make)] = OPTIMIZERS;
    assert_eq!(launches(make, &mut many), [(adam.into(), 1)]);
    // one without elements has no place in the table
    many.0.push(parameter(0));
    assert_eq!(launches(make, &mut many), [(adam.into(), 1)]);
    many.0.push(parameter(1));
    assert_eq!(launches(make, &mut many), [(adam.into(), 2)]);
}

/// Whether a kernel is one that multiplies matrices or convolves; `matmul_finish` adds up what others multiplied.
fn multiplies(kernel: &str) -> bool {
    let those = ["matmul_", "conv2d_tiled", "conv2d_wmma", "conv2d_mma"];
    those.iter().any(|name| kernel.starts_with(name)) && !kernel.starts_with("matmul_finish")
}

/// A training step of LeNet.
fn lenet_step(precision: Precision, fuse: bool, batch: usize, device: &Device) -> impl FnMut() {
    let mut generator = Generator::manual_seed(1);
    let lenet = lenet5(10, LeNetActivation::ReLU, &mut generator, device).unwrap();
    let mut lenet = lenet.precision(precision).fuse(fuse);
    let x = Tensor::randn(&[batch, 1, 28, 28], &mut generator, device).unwrap();
    let labels = Tensor::zeros(&[batch], device).unwrap();
    let (mut adam, mut criterion) = (optim::Adam::new(1e-3), CrossEntropyLoss::new());
    move || {
        let logits = lenet.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        let grad = criterion.backward().unwrap();
        lenet.backward_parameters(&grad).unwrap();
        adam.step(&mut lenet).unwrap();
    }
}

/// What a training step of LeNet launches in a precision, but for what it is not asked here: names and operations of Tensor
/// Cores of the kernels that multiply.
fn products_of(precision: Precision, batch: usize, device: &Device) -> Vec<(String, u64)> {
    let kernels = cuda_emulator_testing::count(lenet_step(precision, true, batch, device));
    let kernels = kernels.into_iter();
    let kernels = kernels.filter(|(name, _)| multiplies(name));
    kernels
        .map(|(name, counts)| (name, counts.tensor_flop))
        .collect()
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_product_of_a_step_is_on_tensor_cores() {
    let Some(_counting) = counting() else {
        return;
    };
    // more rows than Tensor Cores leave to others
    const BATCH: usize = 8;
    // forward and the weights' gradients, and of all but the first the input's gradient as well
    let conv = [2 * 6 * 25 * 784, 3 * 16 * 150 * 100];
    let linear = [3 * 400 * 120, 3 * 120 * 84, 3 * 84 * 10];
    let products: usize = conv.iter().chain(&linear).sum();
    let wanted = 2 * (BATCH * products) as u64;
    for ordinal in 0..Device::cuda_count().unwrap() {
        let device = Device::cuda(ordinal).unwrap();
        let context = device.as_cuda().unwrap().stream().context();
        for (precision, kernel) in [
            (Precision::Tf32, "matmul_wmma_64_nn_f32"),
            (Precision::Bf16, "matmul_wmma_64_nn_bf16"),
            (Precision::F16, "matmul_wmma_64_nn_f16"),
        ] {
            let kernels = products_of(precision, BATCH, &device);
            assert!(kernels.len() >= 5, "{kernels:?}");
            if !warpsmith::kernels::is_on(context, kernel) {
                continue;
            }
            for (name, tensor_flop) in &kernels {
                assert!(*tensor_flop > 0, "{precision} on {device}: {name}");
            }
            let counted: u64 = kernels.iter().map(|(_, flop)| flop).sum();
            assert!(counted >= wanted, "{counted} of {wanted}");
        }
        for (name, tensor_flop) in products_of(Precision::F32, BATCH, &device) {
            assert_eq!(tensor_flop, 0, "{name}");
        }
    }
}

/// The kernels of a training step of LeNet that has been made before, and how often each is launched.
fn step_of(precision: Precision, fuse: bool, device: &Device) -> BTreeMap<String, u64> {
    let mut step = lenet_step(precision, fuse, 4, device);
    step();
    let kernels = cuda_emulator_testing::count(step).into_iter();
    kernels
        .map(|(name, counts)| (name, counts.launches))
        .collect()
}

/// An activation behind a layer is no launch of its own, neither forward nor backward, and the bias's sum is the only one
/// that knows of it; apart, it is two launches.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn an_activation_behind_a_layer_is_no_launch() {
    let Some(_counting) = counting() else {
        return;
    };
    let device = Device::cuda(0).unwrap();
    for (precision, t) in [(Precision::F32, "f32"), (Precision::Bf16, "bf16")] {
        let [fused, apart] = [true, false].map(|fuse| step_of(precision, fuse, &device));
        let launches = |of: &BTreeMap<String, u64>, kernel: &str| {
            of.get(&format!("{kernel}_{t}"))
                .copied()
                .unwrap_or_default()
        };
        // the second convolution's gradient is summed where the copy is made that both gradients read
        let copied = u64::from(precision == Precision::Bf16);
        for (kernel, when_fused, when_apart) in [
            ("relu", 0, 4),
            ("relu_backward", 0, 4),
            ("conv2d_bias", 0, 2 - copied),
            ("conv2d_bias_activated", 2 - copied, 0),
            ("conv2d_bias_last", copied, copied),
            ("column_sum", 1, 3),
            ("column_sum_activated", 2, 0),
        ] {
            let got = [&fused, &apart].map(|of| launches(of, kernel));
            assert_eq!(got, [when_fused, when_apart], "{kernel} in {precision}");
        }
        let [fused, apart] = [fused, apart].map(|of| of.values().sum::<u64>());
        assert_eq!(fused + 8, apart);
    }
}

/// In halves, a step writes what the next forward reads: all that is cast to them is the images and the gradient of the logits.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn no_parameter_is_cast_for_a_forward() {
    let Some(_counting) = counting() else {
        return;
    };
    let device = Device::cuda(0).unwrap();
    for (precision, cast) in [
        (Precision::Bf16, "cast_f32_bf16"),
        (Precision::F16, "cast_f32_f16"),
    ] {
        let kernels = step_of(precision, true, &device);
        assert_eq!(kernels.get(cast), Some(&2), "{kernels:?}");
    }
}
