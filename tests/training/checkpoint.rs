//! A run that is saved and gone on with is the run that was not interrupted, bit for bit.

use warpsmith::nn::{self, CrossEntropyLoss, Module};
use warpsmith::{Device, Generator, Result, data};

use crate::{Make, OPTIMIZERS, common, model};

/// Steps of training; losses and parameters go into `seen`.
fn train(
    model: &mut dyn Module,
    optimizer: &mut dyn nn::optim::Optimizer,
    steps: usize,
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let (x, labels) = data::spiral(3, 20, &mut Generator::manual_seed(3), device)?;
    let mut criterion = CrossEntropyLoss::new();
    let mut seen = Vec::new();
    for _ in 0..steps {
        let logits = model.forward(&x)?;
        seen.push(criterion.forward(&logits, &labels)?.to_vec()?);
        model.backward_parameters(&criterion.backward()?)?;
        optimizer.step(model)?;
        for parameter in model.parameters() {
            seen.push(parameter.value.to_vec()?);
        }
    }
    Ok(seen)
}

/// The model with masks, the next of which a run that goes on takes.
fn dropping(device: &Device) -> Result<nn::Sequential> {
    Ok(model(device)?.push(nn::Dropout::new(0.2, 4)?))
}

fn goes_on(name: &str, make: Make, device: &Device) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let (mut whole, mut optimizer) = (dropping(device)?, make());
    let want = train(&mut whole, &mut *optimizer, 4, device)?;
    let (mut first, mut optimizer) = (dropping(device)?, make());
    let mut got = train(&mut first, &mut *optimizer, 2, device)?;
    nn::save_checkpoint(&mut first, &*optimizer, &path)?;
    // saving changes nothing for those who go on, nor do they change what was saved
    assert_eq!(
        train(&mut first, &mut *optimizer, 2, device)?,
        want[want.len() / 2..]
    );
    let (mut second, mut optimizer) = (dropping(device)?, make());
    // an optimizer that has gone another way forgets it
    train(&mut second, &mut *optimizer, 1, device)?;
    nn::load_checkpoint(&mut second, &mut *optimizer, &path)?;
    assert_eq!(optimizer.steps().unwrap(), 2, "{name}");
    got.extend(train(&mut second, &mut *optimizer, 2, device)?);
    assert_eq!(optimizer.steps().unwrap(), 4, "{name}");
    assert!(got == want, "{name} on {device} goes another way");
    Ok(())
}

#[test]
fn a_run_goes_on_on_the_cpu() {
    for (name, make) in OPTIMIZERS {
        goes_on(name, make, &Device::Cpu).unwrap();
    }
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn a_run_goes_on_on_every_device() {
    for device in common::devices::cuda_devices() {
        for (name, make) in OPTIMIZERS {
            goes_on(name, make, &device).unwrap();
        }
    }
}

/// What is saved before the first step is nothing, and what is loaded then begins anew.
#[test]
fn a_run_that_has_not_begun() {
    let device = Device::Cpu;
    for (name, make) in OPTIMIZERS {
        let mut model = model(&device).unwrap();
        let fresh = make().state_dict(&mut model).unwrap();
        assert!(fresh.step == 0 && fresh.tensors.is_empty(), "{name}");
        let mut optimizer = make();
        let want = train(&mut model, &mut *optimizer, 3, &device).unwrap();
        let mut model = crate::model(&device).unwrap();
        optimizer.load_state_dict(&mut model, &fresh).unwrap();
        assert!(
            train(&mut model, &mut *optimizer, 3, &device).unwrap() == want,
            "{name}"
        );
    }
}
