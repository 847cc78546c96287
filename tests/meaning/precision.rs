//! Layers and steps in every precision, against loops in f64 that round where a tensor is stored.

use half::{bf16, f16};
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{
    AdaptiveAvgPool2d, AnyTensor, AvgPool2d, BatchNorm2d, Conv2d, CrossEntropyLoss, Dropout,
    Flatten, Layer, Linear, LocalResponseNorm, MaxPool2d, Module, Precision, ReLU, Residual,
    Sequential,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{Device, Float, Generator, Tensor};

use crate::common::compare::{Tolerance, assert_close, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;
const ALL: [Precision; 4] = [
    Precision::F32,
    Precision::Tf32,
    Precision::Bf16,
    Precision::F16,
];

/// What a tensor of the precision holds of a number.
fn rounded(precision: Precision, x: f64) -> f64 {
    let x = x as f32;
    f64::from(match precision {
        Precision::F32 | Precision::Tf32 => x,
        Precision::Bf16 => bf16::from_f32(x).to_f32(),
        Precision::F16 => f16::from_f32(x).to_f32(),
    })
}

fn wide<T: Float>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| f64::from(x.to_f32())).collect()
}

/// `op(a) op(b)` of matrices, b transposed or a, in f64: a (m, k), b (k, n) where nothing is.
fn product(a: &[f64], b: &[f64], [m, n, k]: [usize; 3], [ta, tb]: [bool; 2]) -> Vec<f64> {
    let a = |i: usize, l: usize| if ta { a[l * m + i] } else { a[i * k + l] };
    let b = |l: usize, j: usize| if tb { b[j * k + l] } else { b[l * n + j] };
    let at = |at: usize| (0..k).map(|l| a(at / n, l) * b(l, at % n)).sum();
    (0..m * n).map(at).collect()
}

fn linear_in<T: Float>() {
    let (rows, inputs, outputs) = (9, 37, 21);
    let mut layer = Linear::new(inputs, outputs, &mut Generator::manual_seed(1), &CPU).unwrap();
    let x = uniform::<T>(rows * inputs, 2);
    let dy = uniform::<T>(rows * outputs, 3);
    let y = Layer::forward(&mut layer, &tensor(&x, &[rows, inputs], &CPU)).unwrap();
    let dx = Layer::backward(&mut layer, &tensor(&dy, &[rows, outputs], &CPU)).unwrap();
    let stored = |x: &Tensor<f32>| wide(&x.cast::<T>().unwrap().to_vec().unwrap());
    let parameters = layer.parameters();
    let (w, b) = (stored(&parameters[0].value), stored(&parameters[1].value));
    let (x, dy) = (wide(&x), wide(&dy));
    let shape = [rows, outputs, inputs];
    let mut want = product(&x, &w, shape, [false, true]);
    want.iter_mut()
        .enumerate()
        .for_each(|(i, y)| *y += b[i % outputs]);
    let tolerance = Tolerance::of::<T>(inputs, 4.0);
    assert_close_f64("y", &y.to_vec().unwrap(), &want, tolerance);
    let want = product(&dy, &w, [rows, inputs, outputs], [false, false]);
    assert_close_f64("dx", &dx.to_vec().unwrap(), &want, tolerance);
    // gradients are f32, of what the type keeps of them
    let grad = |i: usize| parameters[i].grad.to_vec().unwrap();
    let want = product(&dy, &x, [outputs, inputs, rows], [true, false]);
    assert_close_f64("dw", &grad(0), &want, Tolerance::of::<T>(rows, 4.0));
    let ones = vec![1.0; rows];
    let want = product(&ones, &dy, [1, outputs, rows], [false, false]);
    assert_close_f64("db", &grad(1), &want, Tolerance::of::<T>(rows, 4.0));
    let kept = |x: &f32| T::from_f32(*x).to_f32() == *x;
    assert!(grad(0).iter().chain(&grad(1)).all(kept));
}

#[test]
fn a_linear_layer() {
    linear_in::<f32>();
    linear_in::<bf16>();
    linear_in::<f16>();
}

/// Every layer answers in a type what it answers in f32, within the type's last digits; and, fed what is exact in the
/// type, it knows no other inputs than f32 does.
fn layers_in<T: Float>() {
    let seeds = || Generator::manual_seed(4);
    let plain = Conv2dOptions::default();
    type Make = Box<dyn Fn() -> Box<dyn Module>>;
    let layers: Vec<(&str, Make)> = vec![
        (
            "Conv2d",
            Box::new(move || {
                let options = plain.padding([1; 2]).groups(2);
                let layer = Conv2d::new(4, 6, [3; 2], options, &mut seeds(), &CPU);
                Box::new(layer.unwrap())
            }),
        ),
        ("ReLU", Box::new(|| Box::new(ReLU::new()))),
        (
            "MaxPool2d",
            Box::new(|| Box::new(MaxPool2d::new(Window::new([2; 2])))),
        ),
        (
            "AvgPool2d",
            Box::new(|| Box::new(AvgPool2d::new(Window::new([2; 2])))),
        ),
        (
            "LocalResponseNorm",
            Box::new(|| {
                let options = LrnOptions {
                    alpha: 0.5,
                    ..LrnOptions::new(3)
                };
                Box::new(LocalResponseNorm::new(options))
            }),
        ),
        (
            "AdaptiveAvgPool2d",
            Box::new(|| Box::new(AdaptiveAvgPool2d::new([3, 5]))),
        ),
        (
            "BatchNorm2d",
            Box::new(|| Box::new(BatchNorm2d::new(4, &CPU).unwrap())),
        ),
        (
            "Dropout",
            Box::new(|| Box::new(Dropout::new(0.4, 3).unwrap())),
        ),
        ("Flatten", Box::new(|| Box::new(Flatten::new()))),
    ];
    let shape = [3, 4, 8, 8];
    let x = tensor(&uniform::<T>(shape.iter().product(), 5), &shape, &CPU);
    for (name, make) in layers {
        let (mut layer, mut reference) = (make(), make());
        for p in reference.parameters() {
            // the values that the type has of them
            p.value = p.value.cast::<T>().unwrap().cast().unwrap();
        }
        let y = layer.forward_any(&AnyTensor::of(&x).unwrap()).unwrap();
        let y = y.cast::<T>().unwrap();
        let want = reference.forward(&x.cast().unwrap()).unwrap();
        let tolerance = Tolerance::of::<T>(18, 4.0);
        let values = |x: &Tensor<T>| x.to_vec().unwrap();
        assert_close(name, &values(&y), &want.to_vec().unwrap(), tolerance);
        let dy = tensor(&uniform::<T>(y.numel(), 6), y.shape(), &CPU);
        let dx = layer.backward_any(&AnyTensor::of(&dy).unwrap()).unwrap();
        let want = reference.backward(&dy.cast().unwrap()).unwrap();
        let dx = values(&dx.cast::<T>().unwrap());
        // 192 places are summed for a weight
        let tolerance = Tolerance::of::<T>(192, 16.0);
        assert_close(name, &dx, &want.to_vec().unwrap(), tolerance);
        let (own, others) = (layer.parameters(), reference.parameters());
        for (p, want) in own.iter().zip(&others) {
            let [got, want] = [&p.grad, &want.grad].map(|g| g.to_vec().unwrap());
            assert_close(name, &got, &want, tolerance);
        }
    }
}

#[test]
fn every_layer() {
    layers_in::<f32>();
    layers_in::<bf16>();
    layers_in::<f16>();
}

const INPUTS: usize = 6;
const HIDDEN: usize = 24;
const CLASSES: usize = 3;
const ROWS: usize = 12;
const LR: f64 = 0.25;

fn network(precision: Precision) -> Sequential {
    let mut generator = Generator::manual_seed(8);
    Sequential::new()
        .push(Linear::new(INPUTS, HIDDEN, &mut generator, &CPU).unwrap())
        .push(ReLU::new())
        .push(Linear::new(HIDDEN, CLASSES, &mut generator, &CPU).unwrap())
        .precision(precision)
}

/// The parameters after a step of [`network`], by loops: every tensor that the network makes is rounded once.
fn step(precision: Precision, x: &[f64], labels: &[i32], parameters: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let round = |x: Vec<f64>| -> Vec<f64> { x.iter().map(|&x| rounded(precision, x)).collect() };
    let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|i| round(parameters[i].clone()));
    let linear = |x: &[f64], w: &[f64], b: &[f64], shape: [usize; 3]| {
        let y = product(x, w, shape, [false, true]).into_iter();
        round(y.enumerate().map(|(i, y)| y + b[i % shape[1]]).collect())
    };
    let x = round(x.to_vec());
    let h = linear(&x, &w1, &b1, [ROWS, HIDDEN, INPUTS]);
    let h: Vec<f64> = h.iter().map(|h| h.max(0.0)).collect();
    let y = linear(&h, &w2, &b2, [ROWS, CLASSES, HIDDEN]);
    let mut dy = Vec::new();
    for (row, &label) in y.chunks(CLASSES).zip(labels) {
        let sum: f64 = row.iter().map(|y| y.exp()).sum();
        let p = row.iter().map(|y| y.exp() / sum).enumerate();
        dy.extend(p.map(|(c, p)| (p - f64::from(u8::from(c == label as usize))) / ROWS as f64));
    }
    let dy = round(dy);
    let ones = vec![1.0; ROWS];
    let dw2 = product(&dy, &h, [CLASSES, HIDDEN, ROWS], [true, false]);
    let db2 = product(&ones, &dy, [1, CLASSES, ROWS], [false; 2]);
    let dh = round(product(&dy, &w2, [ROWS, HIDDEN, CLASSES], [false; 2]));
    let kept = dh.iter().zip(&h);
    let dh: Vec<f64> = kept
        .map(|(dh, &h)| if h > 0.0 { *dh } else { 0.0 })
        .collect();
    let dw1 = product(&dh, &x, [HIDDEN, INPUTS, ROWS], [true, false]);
    let db1 = product(&ones, &dh, [1, HIDDEN, ROWS], [false; 2]);
    let grads = [dw1, db1, dw2, db2].map(round);
    let stepped = parameters.iter().zip(&grads);
    stepped
        .map(|(p, g)| p.iter().zip(g).map(|(p, g)| p - LR * g).collect())
        .collect()
}

#[test]
fn a_training_step() {
    let x = uniform::<f32>(ROWS * INPUTS, 9);
    let labels: Vec<i32> = (0..ROWS).map(|i| (i % CLASSES) as i32).collect();
    for precision in ALL {
        let mut model = network(precision);
        let values = |model: &mut Sequential| -> Vec<Vec<f32>> {
            let parameters = model.parameters();
            parameters
                .iter()
                .map(|p| p.value.to_vec().unwrap())
                .collect()
        };
        let before: Vec<Vec<f64>> = values(&mut model).iter().map(|p| wide(p)).collect();
        let (mut criterion, mut sgd) = (CrossEntropyLoss::new(), Sgd::new(LR));
        let logits = model.forward(&tensor(&x, &[ROWS, INPUTS], &CPU)).unwrap();
        let logits_kept = logits.to_vec().unwrap();
        assert!(
            logits_kept
                .iter()
                .all(|&y| rounded(precision, f64::from(y)) as f32 == y),
            "{precision}: logits past the type's digits"
        );
        let labels_there = tensor(&labels, &[ROWS], &CPU);
        criterion.forward(&logits, &labels_there).unwrap();
        model
            .backward_parameters(&criterion.backward().unwrap())
            .unwrap();
        sgd.step(&mut model).unwrap();
        let want = step(precision, &wide(&x), &labels, &before);
        // a step of 0.25 in gradients below 1/8, with what may be one more or less in the last digit of them
        let unit = match precision {
            Precision::F32 | Precision::Tf32 => f32::EPSILON,
            Precision::Bf16 => <bf16 as Float>::EPSILON,
            Precision::F16 => <f16 as Float>::EPSILON,
        };
        let tolerance = Tolerance {
            abs: LR * f64::from(unit) / 8.0 + 1e-7,
            rel: 0.0,
        };
        for (i, (got, want)) in values(&mut model).iter().zip(&want).enumerate() {
            assert_close_f64(&format!("{precision}: parameter {i}"), got, want, tolerance);
        }
    }
}

/// A forward sees the values of now, however they came there.
#[test]
fn copies_follow_the_parameters() {
    for precision in [Precision::Bf16, Precision::F16] {
        let mut model = network(precision);
        let x = tensor(&uniform::<f32>(INPUTS, 1), &[1, INPUTS], &CPU);
        let mut seen = vec![model.forward(&x).unwrap().to_vec().unwrap()];
        assert_eq!(model.forward(&x).unwrap().to_vec().unwrap(), seen[0]);
        model.parameters()[3].value.fill_(1.5).unwrap();
        seen.push(model.forward(&x).unwrap().to_vec().unwrap());
        model.parameters()[3].value = Tensor::full(&[CLASSES], 2.5, &CPU).unwrap();
        seen.push(model.forward(&x).unwrap().to_vec().unwrap());
        model.parameters()[3].value.mul_(2.0).unwrap();
        seen.push(model.forward(&x).unwrap().to_vec().unwrap());
        seen.dedup();
        assert_eq!(seen.len(), 4, "{precision}");
    }
}

/// A layer of a user's that knows f32 alone.
struct Doubled;

impl Module for Doubled {
    fn forward(&mut self, input: &Tensor<f32>) -> warpsmith::Result<Tensor<f32>> {
        input.mul(2.0)
    }
    fn backward(&mut self, grad: &Tensor<f32>) -> warpsmith::Result<Tensor<f32>> {
        grad.mul(2.0)
    }
}

#[test]
fn networks_in_networks_have_its_precision() {
    let x = tensor(&uniform::<f32>(8, 1), &[2, 4], &CPU);
    let linear = || Linear::new(4, 4, &mut Generator::manual_seed(2), &CPU).unwrap();
    let flat = || Sequential::new().push(linear()).push(Doubled);
    for precision in ALL {
        let run = |mut model: Sequential| {
            let y = model.forward(&x).unwrap();
            let dx = model.backward(&y).unwrap();
            (y.to_vec().unwrap(), dx.to_vec().unwrap())
        };
        let want = run(flat().precision(precision));
        assert_eq!(
            run(Sequential::new().push(flat()).precision(precision)),
            want
        );
        assert_eq!(
            run(Sequential::new().precision(precision).push(flat())),
            want
        );
    }
}

/// Both ways are computed in the type, and so is their sum, forward and backward.
#[test]
fn a_way_around() {
    let x = tensor(&uniform::<f32>(8, 1), &[2, 4], &CPU);
    let dy = tensor(&uniform::<f32>(8, 2), &[2, 4], &CPU);
    let linear = |seed| Linear::new(4, 4, &mut Generator::manual_seed(seed), &CPU).unwrap();
    for precision in ALL {
        let run = |model: Sequential| {
            let mut model = model.precision(precision);
            let y = wide(&model.forward(&x).unwrap().to_vec().unwrap());
            let dx = wide(&model.backward(&dy).unwrap().to_vec().unwrap());
            let grads = |model: &mut Sequential| -> Vec<Vec<f32>> {
                let parameters = model.parameters().into_iter();
                parameters.map(|p| p.grad.to_vec().unwrap()).collect()
            };
            let whole = grads(&mut model);
            model.parameters()[0].grad.fill_(0.0).unwrap();
            model.backward_parameters(&dy).unwrap();
            assert_eq!(grads(&mut model), whole, "{precision}");
            (y, dx, whole)
        };
        let sum = |a: &[f64], b: &[f64]| -> Vec<f64> {
            let both = a.iter().zip(b);
            both.map(|(a, &b)| rounded(precision, a + rounded(precision, b)))
                .collect()
        };
        let [body, other] = [1, 2].map(|seed| run(Sequential::new().push(linear(seed))));
        let (x, dy) = (wide(&x.to_vec().unwrap()), wide(&dy.to_vec().unwrap()));
        let identity = run(Sequential::new().push(Residual::new(linear(1))));
        assert_eq!(identity.0, sum(&body.0, &x), "{precision}");
        assert_eq!(identity.1, sum(&body.1, &dy), "{precision}");
        assert_eq!(identity.2, body.2, "{precision}");
        let block = Residual::new(linear(1)).shortcut("downsample", linear(2));
        let both = run(Sequential::new().push(block));
        assert_eq!(both.0, sum(&body.0, &other.0), "{precision}");
        assert_eq!(both.1, sum(&body.1, &other.1), "{precision}");
        assert_eq!(both.2, [body.2, other.2].concat(), "{precision}");
    }
}

#[test]
fn precisions_have_names() {
    for precision in ALL {
        assert_eq!(
            precision.to_string().parse::<Precision>().unwrap(),
            precision
        );
    }
}

/// A step of a model writes the copies that the next forward reads; one of plain tensors leaves that to the forward. Both
/// train the same model.
#[test]
fn copies_that_a_step_writes_are_those_that_a_forward_makes() {
    for precision in ALL {
        let train = |of_model: bool| {
            let mut generator = Generator::manual_seed(1);
            let mut model = Sequential::new()
                .push(Linear::new(7, 9, &mut generator, &CPU).unwrap())
                .push(ReLU::new())
                .push(Linear::new(9, 3, &mut generator, &CPU).unwrap())
                .precision(precision);
            let (mut sgd, mut criterion) = (Sgd::new(0.5), CrossEntropyLoss::new());
            let x = Tensor::randn(&[5, 7], &mut generator, &CPU).unwrap();
            let labels = Tensor::from_slice(&[0, 1, 2, 0, 1], &[5], &CPU).unwrap();
            let mut logits = Vec::new();
            for step in 0..4 {
                let y = model.forward(&x).unwrap();
                criterion.forward(&y, &labels).unwrap();
                logits.push(y.to_vec().unwrap());
                let grad = criterion.backward().unwrap();
                model.backward_parameters(&grad).unwrap();
                if of_model {
                    sgd.step(&mut model).unwrap();
                } else {
                    let parameters = model.parameters().into_iter();
                    let mut pairs: Vec<_> = parameters.map(|p| (&mut p.value, &p.grad)).collect();
                    sgd.step_tensors(&mut pairs).unwrap();
                }
                if step == 1 {
                    // whoever writes values between two steps is seen
                    model.parameters()[0].value.mul_(1.5).unwrap();
                }
            }
            logits
        };
        let (got, want) = (train(true), train(false));
        assert!(got == want && got[2] != got[3], "{precision}");
    }
}
