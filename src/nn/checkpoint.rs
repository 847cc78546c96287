//! A training run in a file: the parameters, and what the optimizer remembers of them.

use std::path::Path;

use super::Module;
use super::optim::{Optimizer, OptimizerState};
use super::state::{apply, fitting, state_dict};
use crate::data::{RawTensor, SafetensorsFile};
use crate::device::Device;
use crate::error::{Error, Result};

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";
const STEP: &str = "optimizer.step";

/// Writes a model and its optimizer's state into a `safetensors` file, from which [`load_checkpoint`] goes on as if
/// nothing had been between. PyTorch's `torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()})`,
/// without the optimizer's options: those are the program's.
///
/// The keys are `model.<parameter>`, `optimizer.<parameter>.<state>` with PyTorch's names for states, and
/// `optimizer.step`. A file of this name is replaced whole or not at all.
///
/// # Errors
/// Two parameters of one key, another model than the optimizer's, or whatever the device or the file system answers.
pub fn save_checkpoint(
    model: &mut dyn Module,
    optimizer: &dyn Optimizer,
    path: impl AsRef<Path>,
) -> Result<()> {
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
    contents.write(path)
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
    let Some(raw) = contents.others.get(STEP) else {
        let expected = format!("{STEP}, as a checkpoint has");
        return Err(Error::file(path, expected, "a file without it"));
    };
    let Some(step) = raw.as_number() else {
        let got = format!("{} of shape {:?}", raw.dtype(), raw.shape());
        return Err(Error::file(path, format!("{STEP} as one I64"), got));
    };
    let negative = |_| Error::file(path, format!("{STEP} of at least 0"), step);
    let step = u64::try_from(step).map_err(negative)?;
    let mut state = OptimizerState {
        step,
        ..OptimizerState::default()
    };
    let mut parameters = std::collections::BTreeMap::new();
    for (key, tensor) in contents.tensors {
        if let Some(key) = key.strip_prefix(MODEL) {
            parameters.insert(key.to_string(), tensor);
        } else if let Some(key) = key.strip_prefix(OPTIMIZER) {
            state.tensors.insert(key.to_string(), tensor);
        } else {
            let expected = format!("keys that begin with {MODEL:?} or {OPTIMIZER:?}");
            return Err(Error::file(path, expected, key));
        }
    }
    let own = state_dict(model)?;
    let new = fitting("load_checkpoint", "the keys of the model", own, &parameters)?;
    optimizer.load_state_dict(model, &state)?;
    apply(model, new)
}
