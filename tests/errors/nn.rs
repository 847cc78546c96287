use warpsmith::nn::optim::{self, Optimizer};
use warpsmith::nn::{CrossEntropyLoss, Linear, Module, ReLU, Sequential};
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;

const CPU: Device = Device::Cpu;

fn linear(inputs: usize, outputs: usize) -> Linear {
    Linear::new(inputs, outputs, &mut Generator::manual_seed(1), &CPU).unwrap()
}

#[test]
fn layers_that_cannot_be() {
    assert_says(
        Linear::new(0, 3, &mut Generator::manual_seed(1), &CPU),
        &["Linear", "0 and 3"],
    );
    let [weight, bias] = [vec![3, 2], vec![2]].map(|s| Tensor::<f32>::zeros(&s, &CPU).unwrap());
    assert_says(
        Linear::from_parts(weight, bias),
        &["Linear", "[3, 2]", "[2]"],
    );
}

#[test]
fn an_input_of_another_width() {
    let x = Tensor::<f32>::zeros(&[5, 3], &CPU).unwrap();
    assert_says(linear(2, 4).forward(&x), &["linear", "2", "[5, 3]"]);
}

#[test]
fn backward_before_forward() {
    let grad = Tensor::<f32>::zeros(&[1, 1], &CPU).unwrap();
    assert_says(
        linear(1, 1).backward(&grad),
        &["Linear", "forward before backward"],
    );
    assert_says(
        linear(1, 1).backward_parameters(&grad),
        &["Linear", "forward before backward"],
    );
    assert_says(
        ReLU::new().backward(&grad),
        &["ReLU", "forward before backward"],
    );
    assert_says(
        CrossEntropyLoss::new().backward(),
        &["CrossEntropyLoss", "forward before backward"],
    );
}

#[test]
fn an_optimizer_that_meets_another_model() {
    let mut adam = optim::Adam::new(1e-3);
    adam.step(&mut linear(2, 3)).unwrap();
    assert_says(adam.step(&mut linear(3, 3)), &["Adam", "first step"]);
    assert_says(adam.step(&mut Sequential::new()), &["Adam", "first step"]);
}

#[test]
fn rates_that_are_no_numbers() {
    for lr in [f64::NAN, -1.0, f64::INFINITY] {
        let optimizers: [Box<dyn Optimizer>; 6] = [
            Box::new(optim::Sgd::new(lr)),
            Box::new(optim::Adagrad::new(lr)),
            Box::new(optim::Adadelta::new(lr)),
            Box::new(optim::RmsProp::new(lr)),
            Box::new(optim::Adam::new(lr)),
            Box::new(optim::AdamW::new(lr)),
        ];
        for mut optimizer in optimizers {
            assert_says(optimizer.step(&mut linear(1, 1)), &["lr"]);
        }
    }
}
