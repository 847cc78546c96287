//! Checkpoints and optimizers' states that do not fit leave everything as it was.

use std::fs;

use warpsmith::nn::optim::{Adam, Optimizer, OptimizerState, Sgd};
use warpsmith::nn::{Linear, Sequential, load, load_checkpoint, save, save_checkpoint};
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;
use crate::state::{Folder, model, values, written};

const CPU: Device = Device::Cpu;

/// Everything that a checkpoint changes: parameters, steps, moments.
type Run = (Vec<Vec<f32>>, u64, Vec<(String, Vec<f32>)>);

fn run(model: &mut Sequential, optimizer: &dyn Optimizer) -> Run {
    let state = optimizer.state_dict(model).unwrap();
    let tensors = state.tensors.into_iter();
    let tensors = tensors.map(|(key, tensor)| (key, tensor.to_vec().unwrap()));
    (values(model), state.step, tensors.collect())
}

#[test]
fn the_keys_of_an_optimizers_state() {
    let (mut model, mut adam) = (model(1), Adam::new(0.1));
    adam.step(&mut model).unwrap();
    let state = adam.state_dict(&mut model).unwrap();
    let keys: Vec<&str> = state.tensors.keys().map(String::as_str).collect();
    let want = ["conv1.bias", "conv1.weight", "fc.bias", "fc.weight"]
        .map(|key| ["exp_avg", "exp_avg_sq"].map(|name| format!("{key}.{name}")));
    assert_eq!(keys, want.as_flattened());
    assert_eq!(state.step, 1);
    let mut plain = Sgd::new(0.1);
    plain.step(&mut model).unwrap();
    let state = plain.state_dict(&mut model).unwrap();
    assert_eq!((state.step, state.tensors.len()), (1, 0));
    // the model of another optimizer
    let mut other = Linear::new(1, 1, &mut Generator::manual_seed(1), &CPU).unwrap();
    assert_says(adam.state_dict(&mut other), &["Adam", "first step"]);
}

#[test]
fn an_optimizers_state_that_does_not_fit() {
    let (mut model, mut adam) = (model(1), Adam::new(0.1));
    adam.step(&mut model).unwrap();
    let good = adam.state_dict(&mut model).unwrap();
    let before = run(&mut model, &adam);
    let tensor = |shape: &[usize]| Tensor::zeros(shape, &CPU).unwrap();
    let mut missing = good.clone();
    missing.tensors.remove("fc.bias.exp_avg");
    let mut extra = good.clone();
    extra.tensors.insert("fc.exp_avg".into(), tensor(&[2]));
    let mut shape = good.clone();
    shape
        .tensors
        .insert("fc.weight.exp_avg_sq".into(), tensor(&[4, 2]));
    let none = OptimizerState {
        step: 3,
        ..OptimizerState::default()
    };
    for (state, words) in [
        (missing, ["none for [\"fc.bias.exp_avg\"]", "besides []"]),
        (extra, ["none for []", "\"fc.exp_avg\""]),
        (shape, ["fc.weight.exp_avg_sq of shape [2, 4]", "[4, 2]"]),
        (none, ["conv1.bias.exp_avg", "besides []"]),
    ] {
        assert_says(adam.load_state_dict(&mut model, &state), &words);
        assert!(
            run(&mut model, &adam) == before,
            "an error changes something"
        );
    }
    // another kind of optimizer's
    let mut sgd = Sgd::new(0.1).momentum(0.9);
    assert_says(
        sgd.load_state_dict(&mut model, &good),
        &["Sgd", "fc.bias.momentum_buffer", "fc.bias.exp_avg"],
    );
    assert_eq!(sgd.steps().unwrap(), 0);
}

#[test]
fn checkpoints_that_are_none() {
    let folder = Folder::new("checkpoint");
    let path = folder.file("run.safetensors");
    let (mut first, mut adam) = (model(1), Adam::new(0.1));
    adam.step(&mut first).unwrap();
    adam.step(&mut first).unwrap();
    let (mut other, mut its) = (model(2), Adam::new(0.1));
    its.step(&mut other).unwrap();
    let before = run(&mut other, &its);
    // weights alone, and a checkpoint where weights are wanted
    save(&mut first, &path).unwrap();
    assert_says(
        load_checkpoint(&mut other, &mut its, &path),
        &["run.safetensors", "optimizer.step"],
    );
    save_checkpoint(&mut first, &adam, &path).unwrap();
    assert_says(load(&mut other, &path), &["besides", "model.fc.bias"]);
    // another model, whose optimizer the file fits
    let mut narrow =
        Sequential::new().push(Linear::new(1, 1, &mut Generator::manual_seed(1), &CPU).unwrap());
    let mut fresh = Adam::new(0.1);
    assert_says(
        load_checkpoint(&mut narrow, &mut fresh, &path),
        &["0.weight", "conv1.weight"],
    );
    // another optimizer: the model, which would fit, is not changed either
    let mut sgd = Sgd::new(0.1).momentum(0.9);
    assert_says(
        load_checkpoint(&mut other, &mut sgd, &path),
        &["Sgd", "momentum_buffer"],
    );
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_says(
            load_checkpoint(&mut other, &mut its, &path),
            &["run.safetensors"],
        );
    }
    let header = |key: &str, dtype: &str| {
        format!(r#"{{"{key}":{{"dtype":"{dtype}","shape":[],"data_offsets":[0,8]}}}}"#)
    };
    written(&path, &header("optimizer.step", "I64"), &[0xff; 8]);
    assert_says(
        load_checkpoint(&mut other, &mut its, &path),
        &["optimizer.step of at least 0", "-1"],
    );
    written(&path, &header("optimizer.step", "F64"), &[0; 8]);
    assert_says(
        load_checkpoint(&mut other, &mut its, &path),
        &["optimizer.step", "F64"],
    );
    let strange = r#"{"optimizer.step":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"epoch":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
    written(&path, strange, &[0; 12]);
    assert_says(
        load_checkpoint(&mut other, &mut its, &path),
        &["model.", "optimizer.", "epoch"],
    );
    assert!(
        run(&mut other, &its) == before,
        "an error changes something"
    );
    fs::write(&path, whole).unwrap();
    load_checkpoint(&mut other, &mut its, &path).unwrap();
    assert!(run(&mut other, &its) == run(&mut first, &adam));
}
