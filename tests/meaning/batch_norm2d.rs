//! Batch normalisation against the formula in f64.

use warpsmith::nn::{BatchNorm2d, Module};
use warpsmith::ops::{
    BatchNormStats, RunningStats, batch_norm2d_backward_input, batch_norm2d_backward_parameters,
    batch_norm2d_stats, batch_norm2d_stats_out,
};
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;
const EPS: f64 = 1e-3;

const SHAPES: [[usize; 4]; 5] = [
    [2, 3, 4, 5],
    [7, 1, 1, 1],
    [1, 5, 17, 3],
    [3, 40, 7, 7],
    [2, 2, 130, 129],
];

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Where the values of channel c stand.
fn places([images, channels, h, w]: [usize; 4], c: usize) -> Vec<usize> {
    let plane = h * w;
    let image = |n: usize| (n * channels + c) * plane..(n * channels + c + 1) * plane;
    (0..images).flat_map(image).collect()
}

/// Mean and biased variance of each channel.
fn moments(x: &[f64], shape: [usize; 4]) -> [Vec<f64>; 2] {
    let each = |c: usize| {
        let places = places(shape, c);
        let n = places.len() as f64;
        let mean = places.iter().map(|&p| x[p]).sum::<f64>() / n;
        let var = places.iter().map(|&p| (x[p] - mean).powi(2)).sum::<f64>() / n;
        (mean, var)
    };
    let (means, vars) = (0..shape[1]).map(each).unzip();
    [means, vars]
}

/// `(x - mean) / sqrt(var + eps) * weight + bias`.
fn naive(
    x: &[f64],
    shape: [usize; 4],
    [mean, var]: [&[f64]; 2],
    [weight, bias]: [&[f64]; 2],
) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for c in 0..shape[1] {
        for p in places(shape, c) {
            y[p] = (x[p] - mean[c]) / (var[c] + EPS).sqrt() * weight[c] + bias[c];
        }
    }
    y
}

fn of(values: &[f32]) -> Tensor<f32> {
    tensor(values, &[values.len()], &CPU)
}

#[test]
fn statistics_are_the_formula_however_far_the_mean_is() {
    for shape in SHAPES {
        for (mean, deviation) in [(0.0, 1.0), (3e4, 1.0), (-1e3, 1e-2)] {
            let n = shape.iter().product();
            let x: Vec<f32> = uniform::<f32>(n, 1)
                .iter()
                .map(|x| mean + deviation * x)
                .collect();
            let (got_mean, got_var) = batch_norm2d_stats(&tensor(&x, &shape, &CPU)).unwrap();
            let [means, vars] = moments(&wide(&x), shape);
            let what = format!("{shape:?} {mean}");
            let tolerance = Tolerance::of::<f32>(1, 0.0);
            assert_close_f64(&what, &got_mean.to_vec().unwrap(), &means, tolerance);
            assert_close_f64(&what, &got_var.to_vec().unwrap(), &vars, tolerance);
        }
    }
}

#[test]
fn running_statistics_move_as_pytorchs_do() {
    let shape = [2, 3, 4, 5];
    let x = uniform::<f32>(120, 1);
    let before = [[0.5, -1.0, 2.0], [1.5, 1.0, 0.25]];
    let [mut mean, mut var] = before.map(|side| of(&side));
    let mut count = Tensor::full(&[], 7.0, &CPU).unwrap();
    let [mut own_mean, mut own_var] = [of(&[0.0; 3]), of(&[0.0; 3])];
    let running = RunningStats {
        mean: &mut mean,
        var: &mut var,
        num_batches_tracked: &mut count,
        momentum: 0.3,
    };
    let input = tensor(&x, &shape, &CPU);
    batch_norm2d_stats_out(&input, Some(running), &mut own_mean, &mut own_var).unwrap();
    let [means, vars] = moments(&wide(&x), shape);
    let moved = |before: [f32; 3], new: Vec<f64>| -> Vec<f64> {
        let both = before.iter().zip(new);
        both.map(|(&old, new)| 0.7 * f64::from(old) + 0.3 * new)
            .collect()
    };
    // 40 values a channel
    let unbiased = vars.iter().map(|v| v * 40.0 / 39.0).collect();
    let tolerance = Tolerance::of::<f32>(4, 0.0);
    let [want_mean, want_var] = [moved(before[0], means), moved(before[1], unbiased)];
    assert_close_f64("mean", &mean.to_vec().unwrap(), &want_mean, tolerance);
    assert_close_f64("var", &var.to_vec().unwrap(), &want_var, tolerance);
    assert_eq!(count.item().unwrap(), 8.0);
}

#[test]
fn forward_is_the_formula() {
    for shape in SHAPES {
        let (n, channels) = (shape.iter().product(), shape[1]);
        let x = uniform::<f32>(n, 1);
        let [mean, weight, bias] = [2, 3, 4].map(|seed| uniform::<f32>(channels, seed));
        let var: Vec<f32> = uniform::<f32>(channels, 5).iter().map(|v| v * v).collect();
        let [t_mean, t_var, t_weight, t_bias] = [&mean, &var, &weight, &bias].map(|v| of(v));
        let (mean, var, weight, bias) = (wide(&mean), wide(&var), wide(&weight), wide(&bias));
        let stats = BatchNormStats {
            mean: &t_mean,
            var: &t_var,
            eps: EPS,
        };
        let input = tensor(&x, &shape, &CPU);
        let want = naive(&wide(&x), shape, [&mean, &var], [&weight, &bias]);
        let got = input
            .batch_norm2d(&stats, Some([&t_weight, &t_bias]))
            .unwrap();
        // up to 30 deviations
        let tolerance = Tolerance::of::<f32>(4, 30.0);
        assert_close_f64("affine", &got.to_vec().unwrap(), &want, tolerance);
        let (ones, zeros) = (vec![1.0; channels], vec![0.0; channels]);
        let want = naive(&wide(&x), shape, [&mean, &var], [&ones, &zeros]);
        let got = input.batch_norm2d(&stats, None).unwrap();
        assert_close_f64("plain", &got.to_vec().unwrap(), &want, tolerance);
    }
}

/// The gradients of all three, in training and in evaluation, as slopes of the formula.
#[test]
fn backward_is_the_central_difference() {
    for shape in SHAPES.into_iter().filter(|s| s[2] < 100) {
        let (n, channels) = (shape.iter().product(), shape[1]);
        let (x, dy) = (uniform::<f32>(n, 1), uniform::<f32>(n, 2));
        let [weight, bias] = [3, 4].map(|seed| uniform::<f32>(channels, seed));
        let [x64, dy64, weight64, bias64] = [&x, &dy, &weight, &bias].map(|v| wide(v));
        let input = tensor(&x, &shape, &CPU);
        let (mean, var) = batch_norm2d_stats(&input).unwrap();
        let stats = BatchNormStats {
            mean: &mean,
            var: &var,
            eps: EPS,
        };
        let constant = [mean.to_vec().unwrap(), var.to_vec().unwrap()].map(|v| wide(&v));
        for training in [true, false] {
            let loss = |x: &[f64], weight: &[f64], bias: &[f64]| -> f64 {
                let [mean, var] = match training {
                    true => moments(x, shape),
                    false => constant.clone(),
                };
                let y = naive(x, shape, [&mean, &var], [weight, bias]);
                y.iter().zip(&dy64).map(|(y, dy)| y * dy).sum()
            };
            let slope = |values: &[f64], i: usize, loss: &dyn Fn(&[f64]) -> f64| {
                let mut moved = values.to_vec();
                moved[i] = values[i] + 1e-5;
                let up = loss(&moved);
                moved[i] = values[i] - 1e-5;
                (up - loss(&moved)) / 2e-5
            };
            let grad = tensor(&dy, &shape, &CPU);
            let [dweight, dbias] = batch_norm2d_backward_parameters(&grad, &input, &stats).unwrap();
            let own = of(&weight);
            let gradients = training.then_some([&dweight, &dbias]);
            let dx = batch_norm2d_backward_input(&grad, &input, &stats, Some(&own), gradients);
            let what = format!("{shape:?} training {training}");
            let tolerance = Tolerance {
                abs: 2e-6,
                rel: 1e-5,
            };
            let places: Vec<usize> = (0..n).step_by(1 + n / 60).collect();
            let want: Vec<f64> = places
                .iter()
                .map(|&i| slope(&x64, i, &|x| loss(x, &weight64, &bias64)))
                .collect();
            let dx = dx.unwrap().to_vec().unwrap();
            let got: Vec<f32> = places.iter().map(|&i| dx[i]).collect();
            assert_close_f64(&format!("dx {what}"), &got, &want, tolerance);
            let each = |f: &dyn Fn(usize) -> f64| (0..channels).map(f).collect::<Vec<f64>>();
            let want = each(&|c| slope(&weight64, c, &|weight| loss(&x64, weight, &bias64)));
            let tolerance = Tolerance {
                abs: 1e-5,
                ..tolerance
            };
            assert_close_f64(
                &format!("dweight {what}"),
                &dweight.to_vec().unwrap(),
                &want,
                tolerance,
            );
            let want = each(&|c| slope(&bias64, c, &|bias| loss(&x64, &weight64, bias)));
            assert_close_f64(
                &format!("dbias {what}"),
                &dbias.to_vec().unwrap(),
                &want,
                tolerance,
            );
        }
    }
}

/// The layer normalises by the batch in training and by what it has seen in evaluation, with weight and bias or without.
#[test]
fn a_layer_in_training_and_in_evaluation() {
    let shape = [4, 3, 5, 2];
    let x = tensor(&uniform::<f32>(120, 1), &shape, &CPU);
    let dy = tensor(&uniform::<f32>(120, 2), &shape, &CPU);
    let values = |x: &Tensor<f32>| x.to_vec().unwrap();
    let (mean, var) = batch_norm2d_stats(&x).unwrap();
    for affine in [true, false] {
        let layer = BatchNorm2d::new(3, &CPU).unwrap().momentum(1.0);
        let mut layer = if affine {
            layer
        } else {
            layer.without_affine()
        };
        let weight = of(&[2.0, -0.5, 3.0]);
        if let Some(parameter) = layer.parameters().into_iter().next() {
            parameter.value = weight.clone();
        }
        let weight = affine.then_some(&weight);
        let zeros = of(&[0.0; 3]);
        let stats = BatchNormStats {
            mean: &mean,
            var: &var,
            eps: 1e-5,
        };
        let pair = weight.map(|weight| [weight, &zeros]);
        let want = values(&x.batch_norm2d(&stats, pair).unwrap());
        assert_eq!(values(&layer.forward(&x).unwrap()), want);
        let [dweight, dbias] = batch_norm2d_backward_parameters(&dy, &x, &stats).unwrap();
        let dx = |gradients| {
            values(&batch_norm2d_backward_input(&dy, &x, &stats, weight, gradients).unwrap())
        };
        assert_eq!(
            values(&layer.backward(&dy).unwrap()),
            dx(Some([&dweight, &dbias]))
        );
        // a second time, the gradients are added up, but the input's is this batch's alone
        layer.accumulate_grad(true);
        assert_eq!(
            values(&layer.backward(&dy).unwrap()),
            dx(Some([&dweight, &dbias]))
        );
        for (parameter, want) in layer.parameters().iter().zip([&dweight, &dbias]) {
            assert_eq!(values(&parameter.grad), values(&want.mul(2.0).unwrap()));
        }
        layer.accumulate_grad(false);
        // with a momentum of 1 the running statistics are the batch's, but for the variance's divisor
        layer.eval();
        let running: Vec<_> = layer
            .named_buffers()
            .into_iter()
            .map(|(_, b)| b.clone())
            .collect();
        assert_eq!(values(&running[0]), values(&mean));
        assert_eq!(values(&running[2]), [1.0]);
        let stats = BatchNormStats {
            mean: &running[0],
            var: &running[1],
            eps: 1e-5,
        };
        let want = values(&x.batch_norm2d(&stats, pair).unwrap());
        assert_eq!(values(&layer.forward(&x).unwrap()), want);
        let got = values(&layer.backward(&dy).unwrap());
        let want = batch_norm2d_backward_input(&dy, &x, &stats, weight, None).unwrap();
        assert_eq!(got, values(&want));
        layer.backward_parameters(&dy).unwrap();
        let [dweight, dbias] = batch_norm2d_backward_parameters(&dy, &x, &stats).unwrap();
        for (parameter, want) in layer.parameters().iter().zip([&dweight, &dbias]) {
            assert_eq!(values(&parameter.grad), values(want));
        }
        let after: Vec<_> = layer
            .named_buffers()
            .into_iter()
            .map(|(_, b)| values(b))
            .collect();
        assert_eq!(after, running.iter().map(values).collect::<Vec<_>>());
    }
}
