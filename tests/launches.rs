//! How many launches a step takes, counted by the emulated driver: a program of its own, since launches of other threads
//! would count too.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{self, Optimizer};
use warpsmith::nn::{Module, Parameter};
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
    if !cuda_emulator_testing::emulated() {
        println!("not on the emulated driver: nothing is counted");
        return;
    }
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
