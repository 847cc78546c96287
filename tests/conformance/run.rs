//! What each ONNX operator is here.

use warpsmith::nn::{Dropout, Module};
use warpsmith::ops::{
    AdagradOptions, AdamOptions, MatmulOptions, SgdOptions, adagrad_step, adam_step, cross_entropy,
    matmul_with, sgd_step,
};
use warpsmith::{Device, Element, Result, Tensor};

use crate::{Vector, norm, windows};

/// The outputs of the vector's op for its inputs, each flattened.
pub fn run(vector: &Vector, device: &Device) -> Result<Vec<Vec<f64>>> {
    let (node, op) = (&vector.node, vector.node.op_type.as_str());
    let input = |i: usize| -> Result<Tensor<f32>> {
        let proto = &vector.inputs[i];
        Tensor::from_vec(proto.floats(), &proto.shape(), device)
    };
    let one = |y: Tensor<f32>| Ok(vec![flat(&y, f64::from)?]);
    match op {
        "Relu" => one(input(0)?.relu()?),
        "Sigmoid" => one(input(0)?.sigmoid()?),
        "Tanh" => one(input(0)?.tanh()?),
        "Dropout" => {
            // without training_mode it does nothing, whatever the ratio
            let mut layer = Dropout::new(node.float("ratio", 0.5), 0)?;
            layer.eval();
            one(layer.forward(&input(0)?)?)
        }
        "Flatten" => {
            let (x, axis) = (input(0)?, node.int("axis", 1) as isize);
            let y = x.flatten(0, axis - 1)?.flatten(1, -1)?;
            assert_eq!(y.shape(), vector.output_shape(0));
            one(y)
        }
        "MaxPool" => {
            let (y, places) = windows::max_pool(node, &input(0)?)?;
            Ok(vec![flat(&y, f64::from)?, places])
        }
        "Conv" => one(windows::conv(node, &input(0)?, &input(1)?)?),
        "GlobalAveragePool" => one(input(0)?.adaptive_avg_pool2d([1, 1])?),
        "BatchNormalization" => {
            let inputs = [input(0)?, input(1)?, input(2)?, input(3)?, input(4)?];
            let outputs = norm::batch_norm(node, inputs)?;
            outputs.iter().map(|y| flat(y, f64::from)).collect()
        }
        "AveragePool" => one(windows::average_pool(node, &input(0)?)?),
        "Softmax" | "LogSoftmax" => {
            let x = input(0)?;
            let axis = node.int("axis", -1);
            assert!(
                axis == -1 || axis == x.shape().len() as i64 - 1,
                "the last axis"
            );
            one(if op == "Softmax" {
                x.softmax()?
            } else {
                x.log_softmax()?
            })
        }
        "LRN" => {
            let (alpha, beta) = (node.float("alpha", 1e-4), node.float("beta", 0.75));
            let size = node.int("size", 0) as usize;
            one(input(0)?.local_response_norm(size, alpha, beta, node.float("bias", 1.0))?)
        }
        "MatMul" => one(input(0)?.matmul(&input(1)?)?),
        "Gemm" => {
            let bias = match vector.inputs.len() {
                3 => Some(Tensor::from_vec(
                    vector.inputs[2].floats(),
                    &vector.inputs[2].shape()[1..],
                    device,
                )?),
                _ => None,
            };
            let [transpose_a, transpose_b] =
                ["transA", "transB"].map(|name| node.int(name, 0) == 1);
            let options = MatmulOptions {
                transpose_a,
                transpose_b,
                bias: bias.as_ref(),
                ..Default::default()
            };
            one(matmul_with(&input(0)?, &input(1)?, &options)?)
        }
        "Transpose" => {
            assert_eq!(node.ints("perm"), [0, 2, 1]);
            one(input(0)?.transpose(-2, -1)?)
        }
        "SoftmaxCrossEntropyLoss" => {
            assert_eq!(node.text("reduction"), "mean");
            let labels: Vec<i32> = vector.inputs[1]
                .ints()
                .iter()
                .map(|&label| label as i32)
                .collect();
            one(cross_entropy(
                &input(0)?,
                &Tensor::from_vec(labels, &vector.inputs[1].shape(), device)?,
            )?)
        }
        "ArgMax" => {
            assert_eq!(node.int("axis", 0), -1);
            Ok(vec![flat(&input(0)?.argmax()?, f64::from)?])
        }
        "ReduceMean" => one(input(0)?.mean()?),
        "ReduceSum" => one(input(0)?.sum()?),
        "Adam" => {
            let (mut p, mut m, mut v) = (input(2)?, input(4)?, input(5)?);
            let options = AdamOptions {
                lr: rate(vector),
                beta1: node.float("alpha", 0.9),
                beta2: node.float("beta", 0.999),
                eps: node.float("epsilon", 0.0),
                weight_decay: node.float("norm_coefficient", 0.0),
                ..AdamOptions::default()
            };
            // timestep 0 is ONNX's way to switch the bias correction off; after very many steps it is 1
            adam_step(&mut p, &input(3)?, &mut m, &mut v, &options, u64::MAX)?;
            [p, m, v].iter().map(|t| flat(t, f64::from)).collect()
        }
        "Adagrad" => {
            let (mut p, mut sum) = (input(2)?, input(4)?);
            let options = AdagradOptions {
                lr: rate(vector),
                lr_decay: node.float("decay_factor", 0.0),
                eps: node.float("epsilon", 0.0),
                weight_decay: node.float("norm_coefficient", 0.0),
            };
            // ONNX counts from 0
            adagrad_step(&mut p, &input(3)?, &mut sum, &options, 1)?;
            [p, sum].iter().map(|t| flat(t, f64::from)).collect()
        }
        "Momentum" => {
            let (mut p, mut velocity) = (input(2)?, input(4)?);
            // at timestep 0 ONNX takes the whole gradient into the velocity, else the part `beta`
            assert_eq!(vector.inputs[1].ints(), [0]);
            let options = SgdOptions {
                lr: rate(vector),
                momentum: node.float("alpha", 0.0),
                dampening: 0.0,
                weight_decay: node.float("norm_coefficient", 0.0),
                nesterov: node.text("mode") == "nesterov",
            };
            // a second step, so that the velocity that came is used
            sgd_step(&mut p, &input(3)?, Some(&mut velocity), &options, 2)?;
            [p, velocity].iter().map(|t| flat(t, f64::from)).collect()
        }
        other => panic!("no such op here: {other}"),
    }
}

/// The learning rate at timestep 0, which is when ONNX does not correct it.
fn rate(vector: &Vector) -> f64 {
    assert_eq!(vector.inputs[1].ints(), [0]);
    f64::from(vector.inputs[0].floats()[0])
}

/// Every element in f64.
fn flat<T: Element>(tensor: &Tensor<T>, wide: fn(T) -> f64) -> Result<Vec<f64>> {
    Ok(tensor.to_vec()?.into_iter().map(wide).collect())
}
