//! The layers of an image classifier.

use warpsmith::nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, LocalResponseNorm,
    MaxPool2d, Module, Residual, Sequential, Softmax, Tanh,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{Device, Generator, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};

const CPU: Device = Device::Cpu;

fn conv(inputs: usize, outputs: usize, kernel: usize, options: Conv2dOptions, seed: u64) -> Conv2d {
    let mut generator = Generator::manual_seed(seed);
    Conv2d::new(inputs, outputs, [kernel; 2], options, &mut generator, &CPU).unwrap()
}

/// A network with every layer in it but those with kinks, where a difference is no derivative.
fn network() -> Sequential {
    let plain = Conv2dOptions::default();
    let norm = LrnOptions {
        alpha: 0.5,
        ..LrnOptions::new(3)
    };
    let pairs = Window::new([2, 2]);
    let body = |seed| {
        Sequential::new()
            .push_named("conv", conv(6, 6, 3, plain.padding([1, 1]), seed))
            .push_named("tanh", Tanh::new())
    };
    Sequential::new()
        .push_named("conv1", conv(2, 4, 3, plain.padding([1, 1]), 1))
        .push_named("norm1", LocalResponseNorm::new(norm))
        .push_named("tanh1", Tanh::new())
        .push_named("pool1", AvgPool2d::new(pairs))
        .push_named("conv2", conv(4, 6, 2, plain.groups(2), 2))
        .push_named("bn2", BatchNorm2d::new(6, &CPU).unwrap())
        .push_named("block1", Residual::new(body(6)))
        .push_named(
            "block2",
            Residual::new(body(7)).shortcut("downsample", conv(6, 6, 1, plain, 8)),
        )
        .push_named("pool2", AvgPool2d::new(pairs.stride([1, 1])))
        .push_named("pool3", AdaptiveAvgPool2d::new([2, 2]))
        .push_named("flatten", Flatten::new())
        .push_named("drop", Dropout::new(0.4, 3).unwrap())
        .push_named(
            "fc",
            Linear::new(24, 5, &mut Generator::manual_seed(4), &CPU).unwrap(),
        )
        .push_named("softmax", Softmax::new())
}

/// The network with these values and its dropout at its first mask: every forward of the test sees one.
fn fresh(values: &[Vec<f32>]) -> Sequential {
    let mut model = network();
    for (parameter, values) in model.parameters().iter_mut().zip(values) {
        parameter.value.copy_from_slice(values).unwrap();
    }
    model
}

#[test]
fn gradients_through_every_layer_are_central_differences() {
    let mut generator = Generator::manual_seed(5);
    let shape = [3, 2, 8, 8];
    let x = Tensor::<f32>::randn(&shape, &mut generator, &CPU)
        .unwrap()
        .to_vec()
        .unwrap();
    let dy = Tensor::<f32>::randn(&[3, 5], &mut generator, &CPU).unwrap();
    let weights = dy.to_vec().unwrap();
    let loss = |values: &[Vec<f32>], x: &[f32]| -> f64 {
        let x = Tensor::from_slice(x, &shape, &CPU).unwrap();
        let y = fresh(values).forward(&x).unwrap().to_vec().unwrap();
        y.iter()
            .zip(&weights)
            .map(|(&y, &w)| f64::from(y) * f64::from(w))
            .sum()
    };
    let mut model = network();
    let values: Vec<Vec<f32>> = model
        .parameters()
        .iter()
        .map(|p| p.value.to_vec().unwrap())
        .collect();
    let input = Tensor::from_slice(&x, &shape, &CPU).unwrap();
    model.forward(&input).unwrap();
    let dx = model.backward(&dy).unwrap().to_vec().unwrap();
    let h = 2e-3;
    let tolerance = Tolerance {
        abs: 3e-4,
        rel: 3e-3,
    };
    let mut moved = values.clone();
    for (p, parameter) in network().named_parameters().iter().enumerate() {
        let grad = model.parameters()[p].grad.to_vec().unwrap();
        let mut want = Vec::new();
        for i in 0..grad.len() {
            let mut at = |step: f32| {
                moved[p][i] = values[p][i] + step;
                let loss = loss(&moved, &x);
                moved[p][i] = values[p][i];
                loss
            };
            want.push((at(h) - at(-h)) / f64::from(2.0 * h));
        }
        assert_close_f64(&parameter.0, &grad, &want, tolerance);
    }
    let slope = |i: usize| {
        let at = |step: f32| {
            let mut x = x.clone();
            x[i] += step;
            loss(&values, &x)
        };
        (at(h) - at(-h)) / f64::from(2.0 * h)
    };
    let want: Vec<f64> = (0..x.len()).map(slope).collect();
    assert_close_f64("dx", &dx, &want, tolerance);
}

#[test]
fn max_pooling_hands_its_gradient_to_the_largest() {
    let tensor = |data: &[f32], shape: [usize; 4]| Tensor::from_slice(data, &shape, &CPU).unwrap();
    let mut layer = MaxPool2d::new(Window::new([2, 2]));
    let x = tensor(&[1.0, 5.0, 2.0, 0.0, 2.0, 3.0, 4.0, 1.0], [1, 1, 2, 4]);
    assert_eq!(layer.forward(&x).unwrap().to_vec().unwrap(), [5.0, 4.0]);
    let dx = layer.backward(&tensor(&[7.0, 9.0], [1, 1, 1, 2])).unwrap();
    assert_eq!(
        dx.to_vec().unwrap(),
        [0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0]
    );
}

#[test]
fn parameters_have_the_keys_of_pytorch() {
    let keys = |model: &mut Sequential| -> Vec<String> {
        model
            .named_parameters()
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    };
    let expected = [
        "conv1.weight",
        "conv1.bias",
        "conv2.weight",
        "conv2.bias",
        "bn2.weight",
        "bn2.bias",
        "block1.conv.weight",
        "block1.conv.bias",
        "block2.conv.weight",
        "block2.conv.bias",
        "block2.downsample.weight",
        "block2.downsample.bias",
        "fc.weight",
        "fc.bias",
    ];
    assert_eq!(keys(&mut network()), expected);
    let mut model = network();
    let buffers = model.named_buffers().into_iter().map(|(key, _)| key);
    let expected = ["running_mean", "running_var", "num_batches_tracked"];
    assert!(buffers.eq(expected.map(|key| format!("bn2.{key}"))));
    let mut nested = Sequential::new()
        .push(Tanh::new())
        .push(Sequential::new().push(conv(1, 1, 1, Conv2dOptions::default(), 1)));
    assert_eq!(keys(&mut nested), ["1.0.weight", "1.0.bias"]);
    let weight = Tensor::zeros(&[2, 1, 3, 3], &CPU).unwrap();
    let mut bare = Conv2d::from_parts(weight, None, Conv2dOptions::default()).unwrap();
    assert_eq!(bare.named_parameters().len(), 1);
}

#[test]
fn a_convolution_starts_as_pytorch_does() {
    let mut layer = conv(16, 50, 5, Conv2dOptions::default().groups(2), 1);
    let bound = 1.0 / (8.0_f32 * 25.0).sqrt();
    for (key, parameter) in layer.named_parameters() {
        let values = parameter.value.to_vec().unwrap();
        let largest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(
            largest <= bound && largest > 0.9 * bound,
            "{key}: {largest} of {bound}"
        );
    }
}

#[test]
fn dropout_is_for_training() {
    let x = Tensor::from_vec(vec![1.0_f32; 1000], &[1000], &CPU).unwrap();
    let mut model = Sequential::new().push(Dropout::new(0.5, 1).unwrap());
    let first = model.forward(&x).unwrap().to_vec().unwrap();
    assert_eq!(model.backward(&x).unwrap().to_vec().unwrap(), first);
    assert_ne!(model.forward(&x).unwrap().to_vec().unwrap(), first);
    model.eval();
    assert_eq!(
        model.forward(&x).unwrap().to_vec().unwrap(),
        x.to_vec().unwrap()
    );
    assert_eq!(
        model.backward(&x).unwrap().to_vec().unwrap(),
        x.to_vec().unwrap()
    );
    model.train(true);
    assert_ne!(
        model.forward(&x).unwrap().to_vec().unwrap(),
        x.to_vec().unwrap()
    );
}
