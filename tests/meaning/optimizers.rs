use warpsmith::ops::{
    AdadeltaOptions, AdagradOptions, AdamOptions, RmsPropOptions, SgdOptions, adadelta_step,
    adagrad_step, adam_amsgrad_step, adam_step, rmsprop_centered_step, rmsprop_step, sgd_step,
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
    adam(false, false);
    adam(false, true);
}

#[test]
fn adamw_is_pytorchs() {
    adam(true, false);
    adam(true, true);
}

fn adam(decoupled_weight_decay: bool, amsgrad: bool) {
    let o = AdamOptions {
        lr: 0.1,
        weight_decay: 0.05,
        eps: 1e-2,
        decoupled_weight_decay,
        amsgrad,
        // so fast that the second moment falls: else it is its own maximum
        beta2: if amsgrad { 0.5 } else { 0.999 },
        ..AdamOptions::default()
    };
    let (p, gradients) = start();
    let mut got = tensor(&p, &[N], &Device::Cpu);
    let [mut m, mut v, mut u] = [(); 3].map(|()| Tensor::zeros(&[N], &Device::Cpu).unwrap());
    let mut p: Vec<f64> = p.into_iter().map(f64::from).collect();
    let (mut mean, mut square, mut max) = (vec![0.0; N], vec![0.0; N], vec![0.0_f64; N]);
    let mut lower = 0;
    for (t, grad) in gradients.iter().enumerate() {
        let g = tensor(grad, &[N], &Device::Cpu);
        let step = t as u64 + 1;
        match amsgrad {
            false => adam_step(&mut got, &g, &mut m, &mut v, &o, step).unwrap(),
            true => adam_amsgrad_step(&mut got, &g, &mut m, &mut v, &mut u, &o, step).unwrap(),
        }
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
            max[i] = max[i].max(square[i]);
            lower += usize::from(square[i] < max[i]);
            let second = if amsgrad { max[i] } else { square[i] };
            let v_hat = second / (1.0 - o.beta2.powi(t));
            p[i] -= o.lr * m_hat / (v_hat.sqrt() + o.eps);
        }
    }
    assert!(!amsgrad || lower > N, "the maximum says something");
    check("adam", &got, &p);
}

/// `torch.maximum`, not `fmax`.
#[test]
fn amsgrads_maximum_keeps_a_nan() {
    let one = |value: f32| Tensor::full(&[1], value, &Device::Cpu).unwrap();
    let options = AdamOptions {
        amsgrad: true,
        ..AdamOptions::default()
    };
    let (mut p, mut m, mut v, mut max) = (one(1.0), one(0.0), one(0.0), one(0.0));
    for (step, grad) in [(1, f32::NAN), (2, 1.0)] {
        adam_amsgrad_step(&mut p, &one(grad), &mut m, &mut v, &mut max, &options, step).unwrap();
        assert!(max.item().unwrap().is_nan());
    }
    // the maximum alone has one
    let (mut m, mut v) = (one(0.0), one(0.0));
    adam_amsgrad_step(&mut p, &one(1.0), &mut m, &mut v, &mut max, &options, 3).unwrap();
    assert!(max.item().unwrap().is_nan());
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
            centered: false,
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
fn centered_rmsprop_is_pytorchs() {
    for momentum in [0.0, 0.8] {
        let o = RmsPropOptions {
            lr: 0.05,
            alpha: 0.9,
            weight_decay: 0.05,
            eps: 1e-2,
            momentum,
            centered: true,
        };
        let mut velocity = Tensor::zeros(&[N], &Device::Cpu).unwrap();
        let velocity = std::cell::RefCell::new(&mut velocity);
        let mut buffer = vec![0.0; N];
        let mut at = 0;
        let formula = std::cell::RefCell::new((&mut buffer, &mut at));
        stepped(
            "rmsprop, centered",
            |p, g, [v, m], _| {
                rmsprop_centered_step(p, g, v, m, Some(*velocity.borrow_mut()), &o).unwrap();
            },
            |p, g, [v, m], _| {
                let (buffer, at) = &mut *formula.borrow_mut();
                let g = g + o.weight_decay * p;
                *v = *v * o.alpha + g * g * (1.0 - o.alpha);
                *m += (1.0 - o.alpha) * (g - *m);
                let avg = (*v - *m * *m).sqrt() + o.eps;
                // one element after the other, in every step
                let b = &mut buffer[**at % N];
                **at += 1;
                *b = *b * momentum + g / avg;
                p - o.lr * *b
            },
        );
    }
}

/// The variance of what does not change is 0, and rounding must not make it less.
#[test]
fn centered_rmsprop_of_constant_gradients_stays_a_number() {
    const MANY: usize = 1000;
    let options = RmsPropOptions {
        alpha: 0.5,
        centered: true,
        ..RmsPropOptions::default()
    };
    let g = tensor(&uniform::<f32>(MANY, 4), &[MANY], &Device::Cpu);
    let [mut p, mut v, mut m] = [(); 3].map(|()| Tensor::zeros(&[MANY], &Device::Cpu).unwrap());
    for _ in 0..100 {
        rmsprop_centered_step(&mut p, &g, &mut v, &mut m, None, &options).unwrap();
    }
    let (v, m) = (v.to_vec().unwrap(), m.to_vec().unwrap());
    let below = v
        .iter()
        .zip(&m)
        .filter(|(v, m)| (-**m).mul_add(**m, **v) < 0.0);
    assert!(
        below.count() > 0,
        "none is rounded below 0: the test shows nothing"
    );
    assert!(p.to_vec().unwrap().iter().all(|p| p.is_finite()));
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
