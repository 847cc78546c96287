use warpsmith::ops::{
    AdadeltaOptions, AdagradOptions, AdamOptions, RmsPropOptions, SgdOptions, adadelta_step,
    adagrad_step, adam_step, rmsprop_step, sgd_step,
};
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

/// More than one parallel task, and not a multiple of a block.
const N: usize = 70_001;

/// The gradient of step `t`, and the starting point.
fn start() -> (Vec<f32>, Vec<Vec<f32>>) {
    let gradients = (0..4).map(|t| uniform(N, 10 + t)).collect();
    (uniform(N, 1), gradients)
}

fn check(what: &str, p: &Tensor<f32>, want: &[f64]) {
    let tolerance = Tolerance {
        abs: 5e-7,
        rel: 5e-7,
    };
    assert_close_f64(what, &p.to_vec().unwrap(), want, tolerance);
}

fn sgd(options: &SgdOptions) {
    let (p, gradients) = start();
    let mut got = tensor(&p, &[N], &Device::Cpu);
    let mut velocity = Tensor::full(&[N], f32::NAN, &Device::Cpu).unwrap();
    let mut p: Vec<f64> = p.into_iter().map(f64::from).collect();
    let mut buffer = vec![0.0; N];
    for (t, grad) in gradients.iter().enumerate() {
        let g = tensor(grad, &[N], &Device::Cpu);
        sgd_step(&mut got, &g, Some(&mut velocity), options, t as u64 + 1).unwrap();
        for i in 0..N {
            // torch/optim/sgd.py, line by line
            let mut d = f64::from(grad[i]) + options.weight_decay * p[i];
            if options.momentum != 0.0 {
                buffer[i] = match t {
                    0 => d,
                    _ => options.momentum * buffer[i] + (1.0 - options.dampening) * d,
                };
                d = match options.nesterov {
                    true => d + options.momentum * buffer[i],
                    false => buffer[i],
                };
            }
            p[i] -= options.lr * d;
        }
    }
    check(&format!("{options:?}"), &got, &p);
}

#[test]
fn sgd_is_pytorchs() {
    let (lr, weight_decay) = (0.1, 0.05);
    let plain = SgdOptions {
        lr,
        weight_decay,
        ..SgdOptions::default()
    };
    sgd(&plain);
    let momentum = 0.9;
    sgd(&SgdOptions { momentum, ..plain });
    let dampening = 0.3;
    sgd(&SgdOptions {
        momentum,
        dampening,
        ..plain
    });
    let nesterov = true;
    sgd(&SgdOptions {
        momentum,
        nesterov,
        ..plain
    });
}

#[test]
fn adam_is_pytorchs() {
    adam(false);
}

#[test]
fn adamw_is_pytorchs() {
    adam(true);
}

fn adam(decoupled_weight_decay: bool) {
    let o = AdamOptions {
        lr: 0.1,
        weight_decay: 0.05,
        eps: 1e-2,
        decoupled_weight_decay,
        ..AdamOptions::default()
    };
    let (p, gradients) = start();
    let mut got = tensor(&p, &[N], &Device::Cpu);
    let [mut m, mut v] = [(); 2].map(|()| Tensor::zeros(&[N], &Device::Cpu).unwrap());
    let mut p: Vec<f64> = p.into_iter().map(f64::from).collect();
    let (mut mean, mut square) = (vec![0.0; N], vec![0.0; N]);
    for (t, grad) in gradients.iter().enumerate() {
        let g = tensor(grad, &[N], &Device::Cpu);
        adam_step(&mut got, &g, &mut m, &mut v, &o, t as u64 + 1).unwrap();
        let t = t as i32 + 1;
        for i in 0..N {
            let mut g = f64::from(grad[i]);
            match decoupled_weight_decay {
                true => p[i] *= 1.0 - o.lr * o.weight_decay,
                false => g += o.weight_decay * p[i],
            }
            mean[i] = o.beta1 * mean[i] + (1.0 - o.beta1) * g;
            square[i] = o.beta2 * square[i] + (1.0 - o.beta2) * g * g;
            let m_hat = mean[i] / (1.0 - o.beta1.powi(t));
            let v_hat = square[i] / (1.0 - o.beta2.powi(t));
            p[i] -= o.lr * m_hat / (v_hat.sqrt() + o.eps);
        }
    }
    check("adam", &got, &p);
}

/// Steps of an optimizer with two states beside its formula in f64, `f(p, g, states, t) -> p`.
fn stepped(
    what: &str,
    step: impl Fn(&mut Tensor<f32>, &Tensor<f32>, [&mut Tensor<f32>; 2], u64),
    f: impl Fn(f64, f64, &mut [f64; 2], f64) -> f64,
) {
    let (p, gradients) = start();
    let mut got = tensor(&p, &[N], &Device::Cpu);
    let [mut a, mut b] = [(); 2].map(|()| Tensor::zeros(&[N], &Device::Cpu).unwrap());
    let mut p: Vec<f64> = p.into_iter().map(f64::from).collect();
    let mut states = vec![[0.0; 2]; N];
    for (t, grad) in (1..).zip(&gradients) {
        let g = tensor(grad, &[N], &Device::Cpu);
        step(&mut got, &g, [&mut a, &mut b], t);
        for i in 0..N {
            p[i] = f(p[i], f64::from(grad[i]), &mut states[i], t as f64);
        }
    }
    check(what, &got, &p);
}

#[test]
fn adagrad_is_pytorchs() {
    let o = AdagradOptions {
        lr: 0.1,
        lr_decay: 0.3,
        weight_decay: 0.05,
        eps: 1e-2,
    };
    stepped(
        "adagrad",
        |p, g, [sum, _], t| adagrad_step(p, g, sum, &o, t).unwrap(),
        |p, g, [sum, _], t| {
            let g = g + o.weight_decay * p;
            *sum += g * g;
            p - o.lr / (1.0 + (t - 1.0) * o.lr_decay) * g / (sum.sqrt() + o.eps)
        },
    );
}

#[test]
fn adadelta_is_pytorchs() {
    let o = AdadeltaOptions {
        lr: 0.7,
        rho: 0.8,
        weight_decay: 0.05,
        eps: 1e-2,
    };
    stepped(
        "adadelta",
        |p, g, [v, u], _| adadelta_step(p, g, v, u, &o).unwrap(),
        |p, g, [v, u], _| {
            let g = g + o.weight_decay * p;
            *v = *v * o.rho + g * g * (1.0 - o.rho);
            let delta = (*u + o.eps).sqrt() / (*v + o.eps).sqrt() * g;
            *u = *u * o.rho + delta * delta * (1.0 - o.rho);
            p - o.lr * delta
        },
    );
}

#[test]
fn rmsprop_is_pytorchs() {
    for momentum in [0.0, 0.8] {
        let o = RmsPropOptions {
            lr: 0.05,
            alpha: 0.9,
            weight_decay: 0.05,
            eps: 1e-2,
            momentum,
        };
        stepped(
            "rmsprop",
            |p, g, [v, b], _| rmsprop_step(p, g, v, Some(b), &o).unwrap(),
            |p, g, [v, b], _| {
                let g = g + o.weight_decay * p;
                *v = *v * o.alpha + g * g * (1.0 - o.alpha);
                *b = *b * momentum + g / (v.sqrt() + o.eps);
                p - o.lr * *b
            },
        );
    }
}

#[test]
fn a_clone_of_the_parameter_keeps_its_values() {
    let mut p = tensor(&[1.0_f32, 2.0], &[2], &Device::Cpu);
    let before = p.clone();
    let g = tensor(&[1.0_f32, 1.0], &[2], &Device::Cpu);
    let options = SgdOptions {
        lr: 1.0,
        ..SgdOptions::default()
    };
    sgd_step(&mut p, &g, None, &options, 1).unwrap();
    assert_eq!(p.to_vec().unwrap(), [0.0, 1.0]);
    assert_eq!(before.to_vec().unwrap(), [1.0, 2.0]);
}
