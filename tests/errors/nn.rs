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
fn the_state_of_amsgrad() {
    let mut model = linear(1, 1);
    let mut adam = optim::Adam::new(0.1).amsgrad();
    adam.step(&mut model).unwrap();
    let state = adam.state_dict(&mut model).unwrap();
    let keys: Vec<&str> = state.tensors.keys().map(String::as_str).collect();
    assert_eq!(
        keys[..3],
        ["bias.exp_avg", "bias.exp_avg_sq", "bias.max_exp_avg_sq"]
    );
    assert_says(
        optim::Adam::new(0.1).load_state_dict(&mut model, &state),
        &["besides", "bias.max_exp_avg_sq"],
    );
}

#[test]
fn tensors_without_a_model() {
    let [mut p, grad] = [(); 2].map(|()| Tensor::full(&[2], 1.0_f32, &Device::Cpu).unwrap());
    let wrong = Tensor::full(&[3], 1.0_f32, &Device::Cpu).unwrap();
    let mut adam = optim::Adam::new(0.1);
    adam.step_tensors(&mut [(&mut p, &grad)]).unwrap();
    assert_says(adam.step_tensors(&mut [(&mut p, &wrong)]), &["[2]", "[3]"]);
    assert_says(adam.step_tensors(&mut []), &["Adam", "first step"]);
    let state = adam.state_dict_of(&[("w", &p)]).unwrap();
    assert_eq!(state.step, 1);
    let mut other = optim::Adam::new(0.1);
    assert_says(
        other.load_state_dict_of(&[("v", &p)], &state),
        &["v.exp_avg", "w.exp_avg"],
    );
    other.load_state_dict_of(&[("w", &p)], &state).unwrap();
    let mut q = p.clone();
    adam.step_tensors(&mut [(&mut p, &grad)]).unwrap();
    other.step_tensors(&mut [(&mut q, &grad)]).unwrap();
    assert_eq!(p.to_vec().unwrap(), q.to_vec().unwrap());
}

#[test]
fn schedules_out_of_range() {
    use optim::{CosineAnnealingLr, LinearLr, SequentialLr, StepLr};
    assert_says(StepLr::new(0, 0.1), &["StepLr", "step_size", "0"]);
    assert_says(StepLr::new(1, -0.1), &["StepLr", "gamma", "-0.1"]);
    assert_says(CosineAnnealingLr::new(0, 0.0), &["t_max"]);
    assert_says(CosineAnnealingLr::new(1, f64::NAN), &["eta_min", "NaN"]);
    assert_says(LinearLr::new(0.0, 1.0, 5), &["start_factor", "(0, 1]"]);
    assert_says(LinearLr::new(0.5, 1.5, 5), &["end_factor", "1.5"]);
    assert_says(LinearLr::new(0.5, 1.0, 0), &["total_iters"]);
    let step = || Box::new(StepLr::new(1, 0.1).unwrap());
    assert_says(SequentialLr::new(vec![], vec![]), &["SequentialLr"]);
    assert_says(SequentialLr::new(vec![step()], vec![1]), &["1 and [1]"]);
    assert_says(
        SequentialLr::new(vec![step(), step(), step()], vec![2, 2]),
        &["rising", "[2, 2]"],
    );
}

#[test]
fn a_loss_for_each_row_has_no_gradient_of_its_own() {
    let mut loss = CrossEntropyLoss::new().reduction(warpsmith::ops::Reduction::None);
    let x = Tensor::zeros(&[2, 3], &Device::Cpu).unwrap();
    let labels = Tensor::from_slice(&[0, 2], &[2], &Device::Cpu).unwrap();
    assert_eq!(loss.forward(&x, &labels).unwrap().shape(), [2]);
    assert_says(loss.backward(), &["CrossEntropyLoss", "backward_from"]);
    let scalar = Tensor::zeros(&[], &Device::Cpu).unwrap();
    assert_says(loss.backward_from(&scalar), &["[2]", "[]"]);
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
