//! Tensors by name in `safetensors` files, read with errors that name the key.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::replace::replace;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The header's key for strings, which no tensor can have.
const METADATA: &str = "__metadata__";

/// What a `safetensors` file holds.
#[derive(Clone, Debug, Default)]
pub struct SafetensorsFile {
    /// The tensors of f32, f16 and bf16, as f32.
    pub tensors: BTreeMap<String, Tensor<f32>>,
    /// The tensors of other types.
    pub others: BTreeMap<String, RawTensor>,
    /// What is written about them: `format`, say, as many programs have it.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor of a type that no op has, as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl RawTensor {
    /// The type by the name that the format has for it, such as `I64`.
    pub fn dtype(&self) -> String {
        self.dtype.to_string()
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, little-endian and in row-major order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One I64.
    pub(crate) fn number(number: u64) -> Self {
        Self {
            dtype: Dtype::I64,
            shape: Vec::new(),
            bytes: number.to_le_bytes().to_vec(),
        }
    }

    /// What [`RawTensor::number`] made, if it is that.
    pub(crate) fn as_number(&self) -> Option<i64> {
        let one = self.dtype == Dtype::I64 && self.shape.is_empty();
        let bytes = self.bytes.as_slice().try_into();
        bytes.ok().filter(|_| one).map(i64::from_le_bytes)
    }

    /// One I64, rounded to f32.
    pub(crate) fn as_scalar(&self) -> Option<Result<Tensor<f32>>> {
        let number = self.as_number()?;
        Some(Tensor::from_vec(vec![number as f32], &[], &Device::Cpu))
    }

    /// Rounded to f32, where it is f64.
    pub(crate) fn rounded(&self) -> Option<Result<Tensor<f32>>> {
        let (numbers, _) = self.bytes.as_chunks::<8>();
        let numbers = numbers.iter().map(|&b| f64::from_le_bytes(b) as f32);
        let tensor = || Tensor::from_vec(numbers.collect(), &self.shape, &Device::Cpu);
        (self.dtype == Dtype::F64).then(tensor)
    }
}

impl SafetensorsFile {
    /// Reads a file, its tensors of f32, f16 and bf16 onto a device.
    ///
    /// # Errors
    /// A file that cannot be read or is not whole, or whatever the device answers.
    pub fn read(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| Error::file(path, "a file to read", e))?;
        let unread = |e| Error::file(path, "a safetensors file", e);
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(unread)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let mut contents = Self {
            metadata: metadata.into_iter().collect(),
            ..Self::default()
        };
        let file = SafeTensors::deserialize(&bytes).map_err(unread)?;
        for (key, view) in file.iter() {
            let key = key.to_string();
            match floats(view.dtype(), view.data()) {
                Some(values) => {
                    let tensor = Tensor::from_vec(values, view.shape(), device)?;
                    contents.tensors.insert(key, tensor);
                }
                None => {
                    let raw = RawTensor {
                        dtype: view.dtype(),
                        shape: view.shape().to_vec(),
                        bytes: view.data().to_vec(),
                    };
                    contents.others.insert(key, raw);
                }
            }
        }
        Ok(contents)
    }

    /// Writes a file: tensors as f32, others and metadata as they are. A file of this name is replaced whole or not at all,
    /// and when this returns the new one is on the disk: it is written beside the old one, as
    /// `<name>.<process>-<number>.part`, and renamed. A symbolic link stays one, and a file keeps its mode.
    ///
    /// # Errors
    /// A key that two tensors have or that the format keeps for itself, or whatever the device or the file system answers.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut all = BTreeMap::new();
        for (key, value) in &self.tensors {
            let values = value.to_vec()?;
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            all.insert(key, (Dtype::F32, value.shape(), bytes));
        }
        for (key, raw) in &self.others {
            let entry = (raw.dtype, raw.shape.as_slice(), raw.bytes.clone());
            if all.insert(key, entry).is_some() {
                let got = format!("two {key:?}");
                return Err(Error::file(path, "a key for each tensor", got));
            }
        }
        if all.keys().any(|key| *key == METADATA) {
            let expected = format!("keys other than {METADATA}, which the format has for itself");
            return Err(Error::file(path, expected, "a tensor of that key"));
        }
        let unwritten = |error: &dyn std::fmt::Display| Error::file(path, "a file to write", error);
        let views = all.iter().map(|(key, (dtype, shape, bytes))| {
            let view = TensorView::new(*dtype, shape.to_vec(), bytes);
            view.map(|view| (*key, view)).map_err(|e| unwritten(&e))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        // in whichever map the crate has, by its features
        let metadata = || self.metadata.clone().into_iter().collect();
        let metadata = (!self.metadata.is_empty()).then(metadata);
        let bytes = safetensors::serialize(views, metadata).map_err(|e| unwritten(&e))?;
        replace(path, &bytes).map_err(|e| unwritten(&e))
    }
}

/// Elements as f32, where that holds them.
fn floats(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let (words, _) = data.as_chunks::<4>();
    let (halves, _) = data.as_chunks::<2>();
    let halves = halves.iter().map(|&b| u16::from_le_bytes(b));
    match dtype {
        Dtype::F32 => Some(words.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        Dtype::F16 => Some(halves.map(|b| f16::from_bits(b).to_f32()).collect()),
        Dtype::BF16 => Some(halves.map(|b| bf16::from_bits(b).to_f32()).collect()),
        _ => None,
    }
}

/// The tensors of f32, f16 and bf16 in a `safetensors` file, as f32. Tensors of other types are left out;
/// [`SafetensorsFile::read`] has them, and the metadata.
///
/// # Errors
/// Those of [`SafetensorsFile::read`].
pub fn read_safetensors(
    path: impl AsRef<Path>,
    device: &Device,
) -> Result<BTreeMap<String, Tensor<f32>>> {
    Ok(SafetensorsFile::read(path, device)?.tensors)
}

/// Writes tensors into a `safetensors` file, as f32, and as [`SafetensorsFile::write`] does.
///
/// # Errors
/// Those of [`SafetensorsFile::write`].
pub fn write_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, Tensor<f32>>,
) -> Result<()> {
    let file = SafetensorsFile {
        // they share their storage until one side changes
        tensors: tensors.clone(),
        ..SafetensorsFile::default()
    };
    file.write(path)
}
