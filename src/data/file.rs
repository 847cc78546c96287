//! Tensors by name in `safetensors` files, which are written whole or not at all, and read with errors that name the key.

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

/// What a file holds: tensors, and whole numbers that no float may round.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) tensors: BTreeMap<String, Tensor<f32>>,
    pub(crate) numbers: BTreeMap<String, u64>,
}

/// The tensors of a `safetensors` file, as f32; it may hold f32, f16 or bf16.
///
/// # Errors
/// A file that cannot be read or is not whole, other element types, or whatever the device answers.
pub fn read_safetensors(
    path: impl AsRef<Path>,
    device: &Device,
) -> Result<BTreeMap<String, Tensor<f32>>> {
    let path = path.as_ref();
    let contents = read(path)?;
    if let Some(key) = contents.numbers.keys().next() {
        return Err(other_type(path, key, Dtype::I64));
    }
    let tensors = contents.tensors.into_iter();
    tensors
        .map(|(key, tensor)| Ok((key, tensor.to(device)?)))
        .collect()
}

/// Writes tensors into a `safetensors` file, as f32. A file of this name is replaced whole or not at all: the new one is
/// written beside it and renamed.
///
/// # Errors
/// Whatever the device or the file system answers.
pub fn write_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, Tensor<f32>>,
) -> Result<()> {
    let contents = Contents {
        // they share their storage until one side changes
        tensors: tensors.clone(),
        ..Contents::default()
    };
    write(path.as_ref(), &contents)
}

/// Writes tensors as f32 and numbers as I64 without dimensions. A file of this name is replaced whole or not at all: the
/// new one is written beside it and renamed.
pub(crate) fn write(path: &Path, contents: &Contents) -> Result<()> {
    let mut all = Vec::new();
    for (key, value) in &contents.tensors {
        let values = value.to_vec()?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        all.push((key, Dtype::F32, value.shape().to_vec(), bytes));
    }
    for (key, number) in &contents.numbers {
        all.push((key, Dtype::I64, Vec::new(), number.to_le_bytes().to_vec()));
    }
    let unwritten = |error: &dyn std::fmt::Display| Error::file(path, "a file to write", error);
    let views = all.iter().map(|(key, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        view.map(|view| (*key, view)).map_err(|e| unwritten(&e))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|e| unwritten(&e))?;
    let beside = beside(path);
    let written = write_through(&beside, &bytes).and_then(|()| fs::rename(&beside, path));
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
fn write_through(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file of f32, f16 or bf16, and of I64 without dimensions.
pub(crate) fn read(path: &Path) -> Result<Contents> {
    let bytes = fs::read(path).map_err(|e| Error::file(path, "a file to read", e))?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|e| Error::file(path, "a safetensors file", e))?;
    let mut contents = Contents::default();
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
            Dtype::I64 if view.shape().is_empty() => {
                let number = data.try_into().map(i64::from_le_bytes).unwrap_or(-1);
                let number = u64::try_from(number).map_err(|_| {
                    Error::file(path, format!("{key} of at least 0"), number.to_string())
                })?;
                contents.numbers.insert(key.to_string(), number);
                continue;
            }
            other => return Err(other_type(path, key, other)),
        };
        let tensor = Tensor::from_vec(values, view.shape(), &Device::Cpu)?;
        contents.tensors.insert(key.to_string(), tensor);
    }
    Ok(contents)
}

fn other_type(path: &Path, key: &str, got: Dtype) -> Error {
    let expected = format!("{key} in f32, f16 or bf16");
    Error::file(path, expected, format!("{got:?}"))
}
