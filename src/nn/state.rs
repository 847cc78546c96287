//! A model's parameters and buffers by key, and the file that holds them: `safetensors`, with PyTorch's keys, so that either side
//! reads what the other wrote.

use std::collections::BTreeMap;
use std::path::Path;

use super::Module;
use crate::checks::expect_shape;
use crate::data::write_safetensors;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Every parameter's value and every buffer by its key (PyTorch's `state_dict`); nothing is copied until one side changes.
/// Counts of batches are f32 too, which PyTorch takes for them.
///
/// # Errors
/// Two of one key.
pub fn state_dict(model: &mut dyn Module) -> Result<BTreeMap<String, Tensor<f32>>> {
    let mut state = BTreeMap::new();
    let mut add = |key: String, value: &Tensor<f32>| {
        let got = || format!("two {key:?}");
        match state.insert(key.clone(), value.clone()) {
            None => Ok(()),
            Some(_) => Err(Error::argument(
                "state_dict",
                "layers of different names",
                got(),
            )),
        }
    };
    for (key, parameter) in model.named_parameters() {
        add(key, &parameter.value)?;
    }
    for (key, buffer) in model.named_buffers() {
        add(key, buffer)?;
    }
    Ok(state)
}

/// Gives every parameter and buffer the value of its key, wherever that is (PyTorch's `load_state_dict`, strict). On an error the
/// model is as it was.
///
/// # Errors
/// A key that only one side has, or another shape.
pub fn load_state_dict(
    model: &mut dyn Module,
    state: &BTreeMap<String, Tensor<f32>>,
) -> Result<()> {
    let own = state_dict(model)?;
    let new = fitting("load_state_dict", "the keys of the model", own, state)?;
    apply(model, new)
}

/// The tensors of `state` on the devices of those they replace, where keys and shapes are the same.
pub(super) fn fitting(
    op: &'static str,
    whose: &str,
    mut own: BTreeMap<String, Tensor<f32>>,
    state: &BTreeMap<String, Tensor<f32>>,
) -> Result<BTreeMap<String, Tensor<f32>>> {
    let missing: Vec<&String> = own.keys().filter(|key| !state.contains_key(*key)).collect();
    let extra: Vec<&String> = state.keys().filter(|key| !own.contains_key(*key)).collect();
    if !missing.is_empty() || !extra.is_empty() {
        let got = format!("none for {missing:?}, and besides {extra:?}");
        return Err(Error::argument(op, whose, got));
    }
    for (key, value) in &mut own {
        let new = &state[key];
        if expect_shape(op, value.shape(), new.shape()).is_err() {
            let expected = format!("{key} of shape {:?}", value.shape());
            return Err(Error::shape(op, expected, format!("{:?}", new.shape())));
        }
        *value = new.to(value.device())?;
    }
    Ok(own)
}

/// Puts what [`fitting`] answered in its place; nothing but a device that fails makes that an error.
pub(super) fn apply(model: &mut dyn Module, mut new: BTreeMap<String, Tensor<f32>>) -> Result<()> {
    for (key, parameter) in model.named_parameters() {
        if let Some(value) = new.remove(&key) {
            parameter.value.replace(value)?;
        }
    }
    for (key, buffer) in model.named_buffers() {
        if let Some(value) = new.remove(&key) {
            buffer.replace(value)?;
        }
    }
    Ok(())
}

/// Writes parameters and buffers into a `safetensors` file, as f32 ([`write_safetensors`]).
///
/// # Errors
/// Two parameters of one key, or whatever the device or the file system answers.
pub fn save(model: &mut dyn Module, path: impl AsRef<Path>) -> Result<()> {
    write_safetensors(path, &state_dict(model)?)
}
