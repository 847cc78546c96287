use warpsmith::nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, LocalResponseNorm,
    MaxPool2d, Module, Residual, Tanh,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;

const CPU: Device = Device::Cpu;

#[test]
fn layers_that_cannot_be() {
    let mut generator = Generator::manual_seed(1);
    let plain = Conv2dOptions::default();
    let mut new = |inputs, outputs, kernel, groups| {
        Conv2d::new(
            inputs,
            outputs,
            kernel,
            plain.groups(groups),
            &mut generator,
            &CPU,
        )
    };
    assert_says(new(0, 3, [3, 3], 1), &["Conv2d", "0 and 3 channels"]);
    assert_says(
        new(4, 3, [3, 3], 2),
        &["Conv2d", "4 and 3 channels in 2 groups"],
    );
    assert_says(new(4, 3, [3, 3], 0), &["Conv2d", "in 0 groups"]);
    assert_says(new(4, 3, [3, 0], 1), &["Conv2d", "[3, 0]"]);
    let [weight, bias] = [vec![3, 2, 1, 1], vec![2]].map(|s| Tensor::zeros(&s, &CPU).unwrap());
    assert_says(
        Conv2d::from_parts(weight, Some(bias), plain),
        &["Conv2d", "[3, 2, 1, 1]", "[2]"],
    );
    assert_says(Dropout::new(1.5, 0), &["Dropout", "from 0 to 1", "1.5"]);
}

#[test]
fn backward_before_forward() {
    let grad = Tensor::<f32>::zeros(&[1, 1, 1, 1], &CPU).unwrap();
    let mut generator = Generator::manual_seed(1);
    let conv = Conv2d::new(1, 1, [1, 1], Conv2dOptions::default(), &mut generator, &CPU).unwrap();
    let window = Window::new([1, 1]);
    let layers: [(&str, Box<dyn Module>); 9] = [
        ("Conv2d", Box::new(conv)),
        ("MaxPool2d", Box::new(MaxPool2d::new(window))),
        ("AvgPool2d", Box::new(AvgPool2d::new(window))),
        (
            "AdaptiveAvgPool2d",
            Box::new(AdaptiveAvgPool2d::new([1, 1])),
        ),
        ("BatchNorm2d", Box::new(BatchNorm2d::new(1, &CPU).unwrap())),
        (
            "LocalResponseNorm",
            Box::new(LocalResponseNorm::new(LrnOptions::new(5))),
        ),
        ("Flatten", Box::new(Flatten::new())),
        ("Dropout", Box::new(Dropout::new(0.5, 1).unwrap())),
        ("Tanh", Box::new(Tanh::new())),
    ];
    for (name, mut layer) in layers {
        assert_says(layer.backward(&grad), &[name, "forward before backward"]);
        assert_says(
            layer.backward_parameters(&grad),
            &[name, "forward before backward"],
        );
    }
}

#[test]
fn ways_that_do_not_meet() {
    let mut generator = Generator::manual_seed(1);
    let mut conv = |outputs| {
        let options = Conv2dOptions::default();
        Conv2d::new(2, outputs, [1, 1], options, &mut generator, &CPU).unwrap()
    };
    let x = Tensor::<f32>::zeros(&[1, 2, 3, 3], &CPU).unwrap();
    assert_says(
        Residual::new(conv(3)).forward(&x),
        &["Residual", "[1, 3, 3, 3]", "[1, 2, 3, 3]"],
    );
    let mut block = Residual::new(conv(3)).shortcut("downsample", conv(4));
    assert_says(
        block.forward(&x),
        &["Residual", "[1, 3, 3, 3]", "[1, 4, 3, 3]"],
    );
    let grad = Tensor::<f32>::zeros(&[1, 3, 3, 3], &CPU).unwrap();
    assert_says(
        Residual::new(conv(3)).backward(&grad),
        &["Conv2d", "forward before backward"],
    );
}
