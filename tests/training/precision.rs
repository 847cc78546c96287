//! A training step in every precision, on the CPU and on every CUDA device.

use warpsmith::nn::optim::Sgd;
use warpsmith::nn::{CrossEntropyLoss, GradScaler, Module, Precision};
use warpsmith::{Device, Generator, Result, data};

use crate::common;
use crate::common::compare::{Tolerance, assert_close};
use crate::networks::{Make, NETWORKS};

const BATCH: usize = 16;

/// How far 1 is from the next number of a precision, and how many of these a gradient may be off. Where tensors are f32 it is
/// the sums, whose order is the device's own, that are all of it: more units of theirs, and fewer in halves, whose rounding
/// hides most of them.
const PRECISIONS: [(Precision, f64, f64); 4] = [
    (Precision::F32, 1.2e-7, 32.0),
    (Precision::Tf32, 9.8e-4, 8.0),
    (Precision::Bf16, 7.8e-3, 8.0),
    (Precision::F16, 9.8e-4, 8.0),
];

/// The loss before and after a step, and the gradients of every parameter.
fn step(make: Make, precision: Precision, device: &Device) -> Result<([f32; 2], Vec<Vec<f32>>)> {
    let images = data::glyphs(BATCH, &mut Generator::manual_seed(3))?;
    let loader = data::DataLoader::new(images.into(), BATCH)?;
    let mut model = make(&mut Generator::manual_seed(5), device)?.precision(precision);
    let (mut optimizer, mut criterion) = (Sgd::new(0.05), CrossEntropyLoss::new());
    // sigmoids leave the first layers gradients that f16 has no digits for
    let f16 = precision == Precision::F16;
    let mut scaler = GradScaler::new().init_scale(1024.0).enabled(f16);
    let mut losses = [0.0; 2];
    let mut gradients = Vec::new();
    for batch in loader.epoch(0, device)? {
        let (x, labels) = batch?;
        let logits = model.forward(&x)?;
        losses[0] = criterion.forward(&logits, &labels)?.item()?;
        model.backward_parameters(&scaler.backward(&criterion)?)?;
        scaler.unscale_(&mut model)?;
        let parameters = model.parameters();
        gradients = parameters
            .iter()
            .map(|p| p.grad.to_vec())
            .collect::<Result<_>>()?;
        scaler.step(&mut optimizer, &mut model)?;
        scaler.update()?;
        assert_eq!(scaler.state_dict()?.skipped, 0);
        let logits = model.forward(&x)?;
        losses[1] = criterion.forward(&logits, &labels)?.item()?;
    }
    Ok((losses, gradients))
}

fn norm(x: impl Iterator<Item = f32>) -> f64 {
    x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// How far a gradient is from another, as a share of that.
fn apart(got: &[f32], want: &[f32]) -> f64 {
    let difference = got.iter().zip(want).map(|(a, b)| a - b);
    norm(difference) / norm(want.iter().copied())
}

/// Sums in another order round to another neighbour here and there, and of two places a pool then takes the other: so it
/// is a gradient as a whole that is near, not each of its elements. The CPU knows no tf32; factors of f16 have as many
/// digits, so they say how far those move a gradient.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_device_makes_the_same_step() {
    for (name, make) in NETWORKS {
        let on_cpu = |precision| step(make, precision, &Device::Cpu).unwrap();
        let [exact, half] = [Precision::F32, Precision::F16].map(on_cpu);
        for (precision, unit, units) in PRECISIONS {
            let (want_losses, want) = on_cpu(precision);
            for device in common::devices::cuda_devices() {
                let what = format!("{name} in {precision} on {device}");
                let (losses, got) = step(make, precision, &device).unwrap();
                let tolerance = Tolerance {
                    abs: 1e-6,
                    rel: unit,
                };
                assert_close(&what, &losses, &want_losses, tolerance);
                for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                    let rounding = match precision {
                        Precision::Tf32 => 2.0 * apart(&half.1[i], &exact.1[i]),
                        _ => 0.0,
                    };
                    let (share, allowed) = (apart(got, want), units * unit + rounding);
                    assert!(
                        share < allowed,
                        "{what}: gradient {i}: {share} of {allowed}"
                    );
                }
            }
            // and near what it is without rounding
            let tolerance = Tolerance {
                abs: 0.0,
                rel: 2.0 * unit,
            };
            assert_close(name, &want_losses, &exact.0, tolerance);
        }
    }
}
