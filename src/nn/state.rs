//! A model's parameters by key, and the file that holds them: `safetensors`, with PyTorch's keys, so that either side
//! reads what the other wrote.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::Module;
use crate::checks::expect_shape;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Every parameter's value by its key (PyTorch's `state_dict`); nothing is copied until one side changes.
///
/// # Errors
/// Two parameters of one key.
pub fn state_dict(model: &mut dyn Module) -> Result<BTreeMap<String, Tensor<f32>>> {
    let mut state = BTreeMap::new();
    for (key, parameter) in model.named_parameters() {
        if state.insert(key.clone(), parameter.value.clone()).is_some() {
            let expected = "layers of different names";
            return Err(Error::argument(
                "state_dict",
                expected,
                format!("two {key:?}"),
            ));
        }
    }
    Ok(state)
}

/// Gives every parameter the value of its key, wherever that is (PyTorch's `load_state_dict`, strict). On an error the
/// model is as it was.
///
/// # Errors
/// A key that only one side has, or another shape.
pub fn load_state_dict(
    model: &mut dyn Module,
    state: &BTreeMap<String, Tensor<f32>>,
) -> Result<()> {
    const OP: &str = "load_state_dict";
    let mut own = state_dict(model)?;
    let missing: Vec<&String> = own.keys().filter(|key| !state.contains_key(*key)).collect();
    let extra: Vec<&String> = state.keys().filter(|key| !own.contains_key(*key)).collect();
    if !missing.is_empty() || !extra.is_empty() {
        let got = format!("none for {missing:?}, and besides {extra:?}");
        return Err(Error::argument(OP, "the keys of the model", got));
    }
    for (key, value) in &mut own {
        let new = &state[key];
        if expect_shape(OP, value.shape(), new).is_err() {
            let expected = format!("{key} of shape {:?}", value.shape());
            return Err(Error::shape(OP, expected, format!("{:?}", new.shape())));
        }
        *value = new.to(value.device())?;
    }
    for (key, parameter) in model.named_parameters() {
        if let Some(value) = own.remove(&key) {
            parameter.value = value;
        }
    }
    Ok(())
}

/// Writes the parameters into a `safetensors` file, as f32. A file of this name is replaced whole or not at all: the new
/// one is written beside it and renamed.
///
/// # Errors
/// Two parameters of one key, or whatever the device or the file system answers.
pub fn save(model: &mut dyn Module, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let mut tensors = Vec::new();
    for (key, value) in state_dict(model)? {
        let bytes: Vec<u8> = value
            .to_vec()?
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        tensors.push((key, value.shape().to_vec(), bytes));
    }
    let unwritten = |error: &dyn std::fmt::Display| Error::file(path, "a file to write", error);
    let views = tensors.iter().map(|(key, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        view.map(|view| (key, view)).map_err(|e| unwritten(&e))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|e| unwritten(&e))?;
    let beside = beside(path);
    let written = write(&beside, &bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|e| {
        // what is left of it is of no use to anybody; that it stays would be the lesser error
        let _ = fs::remove_file(&beside);
        unwritten(&e)
    })
}

/// A name in the same folder, this process's own.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Writes a file and waits until it is on disk: renamed before that, it might be found empty after a power cut.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads the parameters from a `safetensors` file of f32, f16 or bf16. On an error the model is as it was.
///
/// # Errors
/// A file that cannot be read or is not whole, other element types, and the errors of [`load_state_dict`].
pub fn load(model: &mut dyn Module, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| Error::file(path, "a file to read", e))?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|e| Error::file(path, "a safetensors file", e))?;
    let mut state = BTreeMap::new();
    for (key, view) in file.iter() {
        let data = view.data();
        let halves = data
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]));
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => {
                let words = data.chunks_exact(4);
                words
                    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                    .collect()
            }
            Dtype::F16 => halves.map(|b| f16::from_bits(b).to_f32()).collect(),
            Dtype::BF16 => halves.map(|b| bf16::from_bits(b).to_f32()).collect(),
            other => {
                let expected = format!("{key} in f32, f16 or bf16");
                return Err(Error::file(path, expected, format!("{other:?}")));
            }
        };
        let tensor = Tensor::from_vec(values, view.shape(), &Device::Cpu)?;
        state.insert(key.to_string(), tensor);
    }
    load_state_dict(model, &state)
}
