//! A training run in a file: the parameters, and what the optimizer remembers of them.

use std::path::Path;

use super::Module;
use super::grad_scaler::{GradScaler, GradScalerState};
use super::optim::{Optimizer, OptimizerState};
use super::state::{apply, fitting, state_dict};
use crate::data::{RawTensor, SafetensorsFile};
use crate::device::Device;
use crate::error::{Error, Result};

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";
const STEP: &str = "optimizer.step";
const SCALE: &str = "grad_scaler.scale";
const GROWTH_TRACKER: &str = "grad_scaler.growth_tracker";
const SKIPPED: &str = "grad_scaler.skipped";

/// Writes a model and its optimizer's state into a `safetensors` file, from which [`load_checkpoint`] goes on as if
/// nothing had been between. PyTorch's `torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()})`,
/// without the optimizer's options: those are the program's.
///
/// The keys are `model.<parameter>`, `optimizer.<parameter>.<state>` with PyTorch's names for states,
/// `optimizer.step`, and `model.<layer>.masks` for how many masks a [`Dropout`](super::Dropout) has taken. A file of this name is replaced whole or not at all.
///
/// # Errors
/// Two parameters of one key, another model than the optimizer's, or whatever the device or the file system answers.
pub fn save_checkpoint(
    model: &mut dyn Module,
    optimizer: &dyn Optimizer,
    path: impl AsRef<Path>,
) -> Result<()> {
    contents(model, optimizer)?.write(path)
}

/// [`save_checkpoint`] with the state of a scaler that is enabled, under `grad_scaler.scale` (the bits of the f32),
/// `grad_scaler.growth_tracker` and `grad_scaler.skipped`.
///
/// # Errors
/// Those of [`save_checkpoint`].
pub fn save_checkpoint_scaled(
    model: &mut dyn Module,
    optimizer: &dyn Optimizer,
    scaler: &GradScaler,
    path: impl AsRef<Path>,
) -> Result<()> {
    let mut contents = contents(model, optimizer)?;
    if !scaler.is_enabled() {
        return contents.write(path);
    }
    let state = scaler.state_dict()?;
    let numbers = [
        (SCALE, u64::from(state.scale.to_bits())),
        (GROWTH_TRACKER, state.growth_tracker),
        (SKIPPED, state.skipped),
    ];
    for (key, number) in numbers {
        contents
            .others
            .insert(key.into(), RawTensor::number(number));
    }
    contents.write(path)
}

fn contents(model: &mut dyn Module, optimizer: &dyn Optimizer) -> Result<SafetensorsFile> {
    let mut contents = SafetensorsFile::default();
    for (key, value) in state_dict(model)? {
        contents.tensors.insert(format!("{MODEL}{key}"), value);
    }
    let state = optimizer.state_dict(model)?;
    for (key, value) in state.tensors {
        contents.tensors.insert(format!("{OPTIMIZER}{key}"), value);
    }
    let step = RawTensor::number(state.step);
    contents.others.insert(STEP.into(), step);
    for (key, count) in model.named_counts() {
        let count = RawTensor::number(count.get());
        contents.others.insert(format!("{MODEL}{key}"), count);
    }
    Ok(contents)
}

/// Reads what [`save_checkpoint`] wrote. On an error model and optimizer are as they were.
///
/// # Errors
/// A file that cannot be read or is no checkpoint; keys that are missing, or that model and optimizer do not have; another
/// shape.
pub fn load_checkpoint(
    model: &mut dyn Module,
    optimizer: &mut dyn Optimizer,
    path: impl AsRef<Path>,
) -> Result<()> {
    let path = path.as_ref();
    let contents = SafetensorsFile::read(path, &Device::Cpu)?;
    apply_contents(model, optimizer, path, contents)
}

/// Reads what [`save_checkpoint_scaled`] wrote. On an error model, optimizer and scaler are as they were.
///
/// # Errors
/// Those of [`load_checkpoint`], or a file without a scaler's state for one that is enabled.
pub fn load_checkpoint_scaled(
    model: &mut dyn Module,
    optimizer: &mut dyn Optimizer,
    scaler: &mut GradScaler,
    path: impl AsRef<Path>,
) -> Result<()> {
    if !scaler.is_enabled() {
        return load_checkpoint(model, optimizer, path);
    }
    let path = path.as_ref();
    let contents = SafetensorsFile::read(path, &Device::Cpu)?;
    let scale = number(path, &contents, SCALE)?;
    let too_long = |_| Error::file(path, format!("{SCALE} as the bits of an f32"), scale);
    let state = GradScalerState {
        scale: f32::from_bits(u32::try_from(scale).map_err(too_long)?),
        growth_tracker: number(path, &contents, GROWTH_TRACKER)?,
        skipped: number(path, &contents, SKIPPED)?,
    };
    state.check()?;
    apply_contents(model, optimizer, path, contents)?;
    scaler.load_state_dict(&state)
}

/// A number of at least 0.
fn number(path: &Path, contents: &SafetensorsFile, key: &str) -> Result<u64> {
    let Some(raw) = contents.others.get(key) else {
        let expected = format!("{key}, as a checkpoint has");
        return Err(Error::file(path, expected, "a file without it"));
    };
    let Some(number) = raw.as_number() else {
        let got = format!("{} of shape {:?}", raw.dtype(), raw.shape());
        return Err(Error::file(path, format!("{key} as one I64"), got));
    };
    let negative = |_| Error::file(path, format!("{key} of at least 0"), number);
    u64::try_from(number).map_err(negative)
}

fn apply_contents(
    model: &mut dyn Module,
    optimizer: &mut dyn Optimizer,
    path: &Path,
    contents: SafetensorsFile,
) -> Result<()> {
    let step = number(path, &contents, STEP)?;
    let mut state = OptimizerState {
        step,
        ..OptimizerState::default()
    };
    let mut parameters = std::collections::BTreeMap::new();
    for (key, tensor) in &contents.tensors {
        if let Some(key) = key.strip_prefix(MODEL) {
            parameters.insert(key.to_string(), tensor.clone());
        } else if let Some(key) = key.strip_prefix(OPTIMIZER) {
            state.tensors.insert(key.to_string(), tensor.clone());
        } else {
            let expected = format!("keys that begin with {MODEL:?} or {OPTIMIZER:?}");
            return Err(Error::file(path, expected, key));
        }
    }
    let mut counts = Vec::new();
    for (key, count) in model.named_counts() {
        let key = format!("{MODEL}{key}");
        // files from before they were kept have none
        let kept = contents.others.contains_key(&key);
        let kept = kept.then(|| number(path, &contents, &key)).transpose()?;
        counts.push(kept.unwrap_or_else(|| count.get()));
    }
    let own = state_dict(model)?;
    let new = fitting("load_checkpoint", "the keys of the model", own, &parameters)?;
    optimizer.load_state_dict(model, &state)?;
    apply(model, new)?;
    let named = model.named_counts().into_iter().zip(counts);
    named.for_each(|((_, count), kept)| count.set(kept));
    Ok(())
}
