//! Scaled gradients: looked at and divided, and steps that only the device counts.

use warpsmith::nn::optim::{
    Adadelta, Adagrad, Adam, AdamW, Optimizer, RmsProp, Scaling, Sgd, Target,
};
use warpsmith::ops::{Growth, amp_non_finite_check, amp_unscale_, amp_update_scale_};
use warpsmith::{Device, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{tensor, uniform};

/// Three launches, with a length of none, of several blocks, and of no whole pack.
const LENGTHS: [usize; 8] = [1, 0, 5003, 4, 31, 256, 1025, 7];
const GRADIENTS: usize = 150;
const SCALE: f32 = 1024.0;

fn number(value: f32, device: &Device) -> Tensor<f32> {
    Tensor::full(&[], value, device).unwrap()
}

/// Gradients, of which one holds `bad` at a place.
fn gradients(bad: Option<(usize, usize, f32)>, device: &Device) -> Vec<Tensor<f32>> {
    let gradient = |i: usize| {
        let n = LENGTHS[i % LENGTHS.len()];
        let mut values = uniform::<f32>(n, i as u64);
        if let Some((_, at, value)) = bad.filter(|(of, ..)| *of == i) {
            values[at] = value;
        }
        tensor(&values, &[n], device)
    };
    (0..GRADIENTS).map(gradient).collect()
}

fn values(tensors: &[Tensor<f32>]) -> Vec<Vec<f32>> {
    tensors.iter().map(|t| t.to_vec().unwrap()).collect()
}

/// Every place where one value may hide: in packs and behind them, of the first launch and the last.
pub fn unscaled(device: &Device) {
    let places = [(0, 0), (2, 0), (2, 4999), (2, 5002), (143, 6), (146, 2500)];
    let bad = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let mut cases: Vec<_> = places
        .iter()
        .map(|&(i, at)| Some((i, at, bad[at % 3])))
        .collect();
    cases.push(None);
    for case in cases {
        let of = |device: &Device| {
            let mut gradients = gradients(case, device);
            let before = values(&gradients);
            let scale = number(SCALE, device);
            let [mut looked, mut found] = [0.0; 2].map(|zero| number(zero, device));
            let all: Vec<_> = gradients.iter().collect();
            amp_non_finite_check(&all, &scale, &mut looked).unwrap();
            // nothing but a NaN is other than itself
            let same = |a: &f32, b: &f32| a.to_bits() == b.to_bits();
            let (after, before) = (values(&gradients).concat(), before.concat());
            assert!(after.iter().zip(&before).all(|(a, b)| same(a, b)));
            let mut all: Vec<_> = gradients.iter_mut().collect();
            amp_unscale_(&mut all, &scale, &mut found).unwrap();
            let divided = values(&gradients).concat();
            let want = before.iter().map(|g| g / SCALE);
            assert!(
                divided
                    .iter()
                    .zip(want)
                    .all(|(a, b)| same(a, &b) || b.is_nan())
            );
            [looked, found].map(|x| x.item().unwrap())
        };
        let want = f32::from(u8::from(case.is_some()));
        assert_eq!(of(&Device::Cpu), [want; 2], "{case:?}");
        assert_eq!(of(device), [want; 2], "{case:?} on {device}");
    }
    // what a scale below 1 makes infinite counts as well, and what was found before stays
    for device in [&Device::Cpu, device] {
        let large = Tensor::full(&[5], 3e38, device).unwrap();
        let mut found = number(0.0, device);
        amp_non_finite_check(&[&large], &number(0.5, device), &mut found).unwrap();
        amp_non_finite_check(&[&large], &number(2.0, device), &mut found).unwrap();
        assert_eq!(found.item().unwrap(), 1.0, "{device}");
    }
}

/// The scale after each of some steps, and the counts.
pub fn updated(device: &Device) {
    let run = |device: &Device| {
        let (mut scale, mut found) = (number(2_f32.powi(126), device), number(0.0, device));
        let mut counts = Tensor::<i64>::zeros(&[2], device).unwrap();
        let growth = Growth {
            growth_factor: 4.0,
            backoff_factor: 0.5,
            growth_interval: 2,
        };
        let mut seen = Vec::new();
        for bad in [
            false, true, false, true, true, false, false, false, false, false, false,
        ] {
            if bad {
                found.fill_(1.0).unwrap();
            }
            amp_update_scale_(&mut scale, &mut found, &mut counts, &growth).unwrap();
            assert_eq!(found.item().unwrap(), 0.0);
            seen.push((scale.item().unwrap().log2(), counts.to_vec().unwrap()));
        }
        seen
    };
    let want = [
        (126.0, [1, 0]),
        (125.0, [0, 1]),
        (125.0, [1, 1]),
        (124.0, [0, 2]),
        (123.0, [0, 3]),
        (123.0, [1, 3]),
        (125.0, [0, 3]),
        (125.0, [1, 3]),
        (127.0, [0, 3]),
        // four times as much is no number
        (127.0, [1, 3]),
        (127.0, [0, 3]),
    ];
    let want = want.map(|(scale, counts)| (scale, counts.to_vec()));
    assert_eq!(run(&Device::Cpu), want);
    assert_eq!(run(device), want);
}

type Make = fn() -> Box<dyn Optimizer>;

const OPTIMIZERS: [Make; 11] = [
    || Box::new(Sgd::new(0.1).weight_decay(0.01)),
    || Box::new(Sgd::new(0.1).momentum(0.9).dampening(0.5)),
    || Box::new(Adagrad::new(0.1).lr_decay(0.1)),
    || Box::new(Adadelta::new(1.0)),
    || Box::new(RmsProp::new(0.01)),
    || Box::new(RmsProp::new(0.01).momentum(0.5)),
    || Box::new(RmsProp::new(0.01).centered()),
    || Box::new(RmsProp::new(0.01).momentum(0.5).centered()),
    || Box::new(Adam::new(0.01)),
    || Box::new(Adam::new(0.01).amsgrad()),
    || Box::new(AdamW::new(0.01).weight_decay(0.1)),
];

/// Steps of two parameters, and what stands there after each with what the optimizer remembers. Where a step is `scaled` its
/// gradients are, and those of a step that is `bad` hold an infinity.
fn stepped(
    optimizer: &mut dyn Optimizer,
    device: &Device,
    scaled: bool,
    bad: &[bool],
) -> Result<Vec<Vec<f32>>> {
    let mut params = [3, 1030].map(|n| tensor(&uniform::<f32>(n, 90), &[n], device));
    let mut seen = Vec::new();
    let mut made = 0;
    for (i, &bad) in bad.iter().enumerate() {
        if bad && !scaled {
            continue;
        }
        let factor = if scaled { SCALE } else { 1.0 };
        let mut grads = Vec::new();
        for p in &params {
            let mut values = uniform::<f32>(p.numel(), i as u64);
            values.iter_mut().for_each(|g| *g *= factor);
            if bad {
                values[p.numel() - 1] = f32::INFINITY;
            }
            grads.push(tensor(&values, p.shape(), device));
        }
        let (scale, found_inf) = (
            number(SCALE, device),
            number(f32::from(u8::from(bad)), device),
        );
        let scaling = scaled.then_some(Scaling {
            scale: Some(&scale),
            found_inf: &found_inf,
        });
        let targets = params.iter_mut().zip(&grads);
        let target = |(param, grad)| Target {
            param,
            grad,
            copy: None,
        };
        optimizer.step_targets(&mut targets.map(target).collect::<Vec<_>>(), scaling)?;
        made += u64::from(!bad);
        assert_eq!(optimizer.steps()?, made);
        let named: Vec<_> = ["a", "b"].into_iter().zip(&params).collect();
        let state = optimizer.state_dict_of(&named)?;
        assert_eq!(state.step, made);
        let mut all = values(&params).concat();
        for tensor in state.tensors.values() {
            all.extend(tensor.to_vec()?);
        }
        seen.push(all);
    }
    Ok(seen)
}

/// What the device counts and scales by itself is to the bit what the host would have; and a step that is skipped, the first
/// too, is one that never was.
pub fn steps(device: &Device) {
    let bad = [true, false, true, true, false, false];
    for (i, make) in OPTIMIZERS.iter().enumerate() {
        let what = format!("optimizer {i} on {device}");
        let run = |device, scaled| stepped(&mut *make(), device, scaled, &bad).unwrap();
        let (plain, scaled) = (run(device, false), run(device, true));
        let mut kept = scaled.iter().zip(&bad).filter(|(_, bad)| !**bad);
        assert!(kept.all(|(step, _)| plain.contains(step)), "{what}");
        assert_eq!(scaled.last(), plain.last(), "{what}");
        for (at, pair) in scaled.windows(2).enumerate() {
            assert_eq!(pair[0] == pair[1], bad[at + 1], "{what}: step {at}");
        }
        let want = run(&Device::Cpu, true);
        for (got, want) in scaled.iter().zip(&want) {
            assert_close(&what, got, want, Tolerance::of::<f32>(16, 1.0));
        }
    }
}
