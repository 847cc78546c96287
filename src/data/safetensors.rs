//! Tensors by name in a `safetensors` file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The tensors of a `safetensors` file, as f32; it may hold f32, f16 or bf16.
///
/// # Errors
/// A file that cannot be read or is not whole, other element types, or whatever the device answers.
pub fn read_safetensors(
    path: impl AsRef<Path>,
    device: &Device,
) -> Result<BTreeMap<String, Tensor<f32>>> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| Error::file(path, "a file to read", e))?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|e| Error::file(path, "a safetensors file", e))?;
    let mut tensors = BTreeMap::new();
    for (key, view) in file.iter() {
        let values = values(&view).ok_or_else(|| {
            let expected = format!("{key} in f32, f16 or bf16");
            Error::file(path, expected, format!("{:?}", view.dtype()))
        })?;
        tensors.insert(
            key.to_string(),
            Tensor::from_vec(values, view.shape(), device)?,
        );
    }
    Ok(tensors)
}

fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    let (halves, _) = data.as_chunks::<2>();
    let halves = halves.iter().map(|b| u16::from_le_bytes(*b));
    let (words, _) = data.as_chunks::<4>();
    Some(match view.dtype() {
        Dtype::F32 => words.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => halves.map(|b| f16::from_bits(b).to_f32()).collect(),
        Dtype::BF16 => halves.map(|b| bf16::from_bits(b).to_f32()).collect(),
        _ => return None,
    })
}

/// Writes tensors into a `safetensors` file. A file of this name is replaced whole or not at all: the new one is written
/// beside it and renamed.
///
/// # Errors
/// Whatever the device or the file system answers.
pub fn write_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, Tensor<f32>>,
) -> Result<()> {
    let path = path.as_ref();
    let mut data = Vec::new();
    for (key, value) in tensors {
        let values = value.to_vec()?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        data.push((key, value.shape().to_vec(), bytes));
    }
    let unwritten = |error: &dyn std::fmt::Display| Error::file(path, "a file to write", error);
    let views = data.iter().map(|(key, shape, bytes)| {
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
