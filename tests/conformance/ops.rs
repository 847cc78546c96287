//! One function for each operator of the vectors: ONNX's inputs in, ONNX's outputs out.

use warpsmith::{Tensor, ops};

use crate::Inputs;

fn one(output: warpsmith::Result<Tensor<f32>>) -> Vec<Vec<f32>> {
    vec![output.unwrap().to_vec().unwrap()]
}

pub fn relu(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).relu())
}

pub fn sigmoid(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).sigmoid())
}

pub fn softmax(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).softmax())
}

pub fn log_softmax(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).log_softmax())
}

pub fn sum(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).sum())
}

pub fn mean(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(inputs.tensor(0).mean())
}

pub fn argmax(inputs: &Inputs) -> Vec<Vec<f32>> {
    let places = inputs.tensor(0).argmax().unwrap().to_vec().unwrap();
    vec![places.iter().map(|&place| place as f32).collect()]
}

pub fn cross_entropy(inputs: &Inputs) -> Vec<Vec<f32>> {
    one(ops::cross_entropy(&inputs.tensor(0), &inputs.labels(1)))
}

pub fn cross_entropy_and_log_softmax(inputs: &Inputs) -> Vec<Vec<f32>> {
    [cross_entropy(inputs), log_softmax(inputs)].concat()
}
