//! A layer, which keeps copies from pass to pass, against the ops, which make their own: the same bits, but for the bias's sums.

use half::{bf16, f16};
use warpsmith::nn::{Conv2d, Layer, Precision};
use warpsmith::ops::{
    Activation, Conv2dOptions, activation_backward, conv2d_backward_bias, conv2d_backward_input,
    conv2d_backward_weight,
};
use warpsmith::{Device, Float, Tensor};

use super::cases::{Case, cases};
use super::sums;
use crate::common::compare::assert_close;
use crate::common::data::{tensor, uniform};
use crate::emulated::wanted;

pub fn layer(device: &Device) {
    check::<f32>(device, Precision::F32);
    check::<f32>(device, Precision::Tf32);
    check::<f16>(device, Precision::F16);
    check::<bf16>(device, Precision::Bf16);
}

fn check<T: Float>(device: &Device, precision: Precision) {
    if wanted(T::NAME, "") {
        cases()
            .iter()
            .for_each(|case| of::<T>(device, precision, case));
    }
}

fn of<T: Float>(device: &Device, precision: Precision, case: &Case) {
    let what = format!("Conv2d {precision} {}", case.name);
    let options = Conv2dOptions {
        allow_tf32: precision == Precision::Tf32,
        ..case.options
    };
    let (input, weight, output) = (case.input, case.weight(), case.output());
    let of = |shape: &[usize], seed| {
        let values = uniform::<T>(shape.iter().product(), seed);
        tensor(&values, shape, device)
    };
    let (x, w, dy) = (of(&input, 11), of(&weight, 12), of(&output, 13));
    let bias = case.bias.then(|| of(&[weight[0]], 14));

    let y = x.conv2d(&w, bias.as_ref(), &options).unwrap();
    let before = match options.activation {
        Activation::None => dy.clone(),
        activation => activation_backward(&dy, &y, activation).unwrap(),
    };
    let dx = conv2d_backward_input(&before, &w, &input, &options).unwrap();
    let dw = conv2d_backward_weight(&before, &x, &weight, &options).unwrap();
    let db = conv2d_backward_bias(&before).unwrap();

    let wide = |x: &Tensor<T>| x.cast::<f32>().unwrap();
    let mut layer = Conv2d::from_parts(wide(&w), bias.as_ref().map(wide), options).unwrap();
    Layer::set_precision(&mut layer, precision);
    let same = |part: &str, got: &Tensor<T>, want: &Tensor<T>| {
        assert_eq!(
            got.to_vec().unwrap(),
            want.to_vec().unwrap(),
            "{what}: {part}"
        );
    };
    // of images in f32 the same, as these are values of T
    for cast in [false, true] {
        let got = match cast {
            true => Layer::forward_cast(&mut layer, &wide(&x)),
            false => Layer::forward(&mut layer, &x),
        };
        same("y", &got.unwrap(), &y);
        // the gradients of all, and of the parameters alone
        if !cast {
            same("dx", &Layer::backward(&mut layer, &dy).unwrap(), &dx);
        } else {
            Layer::backward_parameters(&mut layer, &dy).unwrap();
        }
        for (name, parameter) in Layer::named_parameters(&mut layer) {
            let grad = parameter.grad.cast::<T>().unwrap();
            match name.as_str() {
                "weight" => same("dw", &grad, &dw),
                _ => assert_close(
                    &format!("{what}: db"),
                    &grad.to_vec().unwrap(),
                    &db.to_vec().unwrap(),
                    sums::<T>(case.terms()[2]),
                ),
            }
            parameter.grad.fill_(f32::NAN).unwrap();
        }
    }
}
