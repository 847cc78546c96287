//! A training step of networks whose layers run as one where they can, and of the same with each layer on its own.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::{
    Conv2d, CrossEntropyLoss, Flatten, GradScaler, Linear, Module, Precision, Sequential, Sigmoid,
    Tanh, state_dict,
};
use warpsmith::ops::Conv2dOptions;
use warpsmith::{Device, Generator, Result, Tensor, data};

use crate::common;
use crate::common::compare::{Tolerance, assert_close};
use crate::networks::{Make, NETWORKS};

const BATCH: usize = 8;

const PRECISIONS: [Precision; 4] = [
    Precision::F32,
    Precision::Tf32,
    Precision::Bf16,
    Precision::F16,
];

/// Each activation behind each layer, one behind a convolution without a bias, and one that nothing can take over.
const MORE: [(&str, Make); 2] = [
    ("LeNet-5 with tanh", |generator, device| {
        lenet5(10, LeNetActivation::Tanh, generator, device)
    }),
    ("without a bias", |generator, device| {
        let weight = Tensor::uniform(&[6, 1, 5, 5], -0.2, 0.2, generator, device)?;
        let stride = Conv2dOptions::default().stride([3; 2]);
        Ok(Sequential::new()
            .push(Conv2d::from_parts(weight, None, stride)?)
            .push(Tanh::new())
            .push(Sigmoid::new())
            .push(Flatten::new())
            .push(Linear::new(6 * 8 * 8, 10, generator, device)?))
    }),
];

/// Logits, the gradient of the images, and those of the parameters; then the keys.
fn step(
    make: Make,
    fuse: bool,
    precision: Precision,
    device: &Device,
) -> Result<(Vec<Vec<f32>>, Vec<String>)> {
    let images = data::glyphs(BATCH, &mut Generator::manual_seed(3))?;
    let loader = data::DataLoader::new(images.into(), BATCH)?;
    let model = make(&mut Generator::manual_seed(5), device)?;
    let mut model = model.precision(precision).fuse(fuse);
    let mut criterion = CrossEntropyLoss::new();
    let (x, labels) = loader.epoch(0, device)?.next().expect("a batch")?;
    let logits = model.forward(&x)?;
    criterion.forward(&logits, &labels)?;
    // sigmoids leave the first layers gradients that f16 has no digits for
    let f16 = precision == Precision::F16;
    let mut scaler = GradScaler::new().init_scale(1024.0).enabled(f16);
    let dx = model.backward(&scaler.backward(&criterion)?)?;
    let mut all = vec![logits.to_vec()?, dx.to_vec()?];
    for parameter in model.parameters() {
        all.push(parameter.grad.to_vec()?);
    }
    let keys = state_dict(&mut model)?.into_keys().collect();
    Ok((all, keys))
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn fused_layers_compute_what_they_do_apart() {
    let devices = [Device::Cpu].into_iter();
    for device in devices.chain(common::devices::cuda_devices()) {
        for (name, make) in NETWORKS.iter().chain(&MORE) {
            for precision in PRECISIONS {
                let what = format!("{name} in {precision} on {device}");
                let (fused, keys) = step(*make, true, precision, &device).unwrap();
                let (apart, keys_apart) = step(*make, false, precision, &device).unwrap();
                assert_eq!(keys, keys_apart);
                // in halves only a ReLU makes the same of a sum and of the sum rounded
                let halves = matches!(precision, Precision::Bf16 | Precision::F16);
                let curved = !name.contains("ReLU") && !name.contains("AlexNet");
                for (i, (fused, apart)) in fused.iter().zip(&apart).enumerate() {
                    if halves && curved {
                        let unit = if precision == Precision::F16 {
                            9.8e-4
                        } else {
                            7.8e-3
                        };
                        let largest = apart.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                        let tolerance = Tolerance {
                            abs: 8.0 * unit * f64::from(largest),
                            rel: 0.0,
                        };
                        assert_close(&format!("{what}: {i}"), fused, apart, tolerance);
                    } else {
                        assert_eq!(fused, apart, "{what}: {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_network_shows_what_runs_as_one() {
    let mut generator = Generator::manual_seed(1);
    let lenet = lenet5(10, LeNetActivation::Tanh, &mut generator, &Device::Cpu).unwrap();
    let lenet = Sequential::new()
        .push_named("lenet", lenet)
        .precision(Precision::Bf16);
    let shown = format!("{lenet:?}");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "Sequential(",
            "  precision: bf16",
            "  (lenet): Sequential(",
            "    precision: bf16",
            "    (conv1): Conv2d + (act1): Tanh",
        ]
    );
    assert_eq!(lines[lines.len() - 3..], ["    (fc5): Linear", "  )", ")"]);
}
