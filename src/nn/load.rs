//! Parameters out of files that other programs wrote: with other keys, more of them or fewer, and of other types.

use std::collections::BTreeMap;
use std::path::Path;

use super::Module;
use super::state::{apply, fitting, state_dict};
use crate::data::SafetensorsFile;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How a state's keys and a model's may differ. The default is PyTorch's `strict=True`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    ignore_missing: bool,
    ignore_unexpected: bool,
    renames: Vec<[String; 2]>,
}

impl LoadOptions {
    /// Every key on both sides, by the same name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves parameters as they are for which the state has no tensor.
    #[must_use]
    pub fn ignore_missing(mut self) -> Self {
        self.ignore_missing = true;
        self
    }

    /// Passes tensors over that the model has no parameter for.
    #[must_use]
    pub fn ignore_unexpected(mut self) -> Self {
        self.ignore_unexpected = true;
        self
    }

    /// Takes keys of the state that begin with `from` for ones that begin with `to`: `("module.", "")`, say, for a model
    /// that PyTorch trained on several GPUs. Of several renames the first that fits is the one.
    #[must_use]
    pub fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push([from.into(), to.into()]);
        self
    }

    fn renamed(&self, key: &str) -> String {
        let rename = |[from, to]: &[String; 2]| Some(format!("{to}{}", key.strip_prefix(&**from)?));
        let renamed = self.renames.iter().find_map(rename);
        renamed.unwrap_or_else(|| key.into())
    }

    /// The values under their new keys, each of its own.
    fn rename_all<T>(&self, values: BTreeMap<String, T>) -> Result<BTreeMap<String, T>> {
        let mut renamed = BTreeMap::new();
        for (key, value) in values {
            let new = self.renamed(&key);
            if renamed.insert(new.clone(), value).is_some() {
                let expected = "renames that keep keys apart";
                return Err(Error::argument(OP, expected, format!("two {new:?}")));
            }
        }
        Ok(renamed)
    }
}

/// What a load did not take, by the keys after renaming, and what else the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Parameters that stayed as they were.
    pub missing_keys: Vec<String>,
    /// Tensors that no parameter wanted.
    pub unexpected_keys: Vec<String>,
    /// Tensors that no parameter wanted, and whose type (behind the key) none can have: counters of batches, say. They are
    /// no error of a strict load either.
    pub other_types: BTreeMap<String, String>,
    /// The file's metadata.
    pub metadata: BTreeMap<String, String>,
}

const OP: &str = "load_state_dict";

/// Reads parameters and buffers from a `safetensors` file of f32, f16, bf16 or f64, which is rounded, and counts of i64. Tensors
/// of other types may stand beside them. On an error the model is as it was.
///
/// # Errors
/// Those of [`SafetensorsFile::read`] and of [`load_state_dict`](super::load_state_dict), and a parameter of another type.
pub fn load(model: &mut dyn Module, path: impl AsRef<Path>) -> Result<()> {
    load_with(model, path, &LoadOptions::default()).map(drop)
}

/// [`load`] where the file's keys and the model's may differ; says how they did.
///
/// # Errors
/// Those of [`load`], but for the differences that the options allow.
pub fn load_with(
    model: &mut dyn Module,
    path: impl AsRef<Path>,
    options: &LoadOptions,
) -> Result<Loaded> {
    let path = path.as_ref();
    let file = SafetensorsFile::read(path, &Device::Cpu)?;
    let mut tensors = options.rename_all(file.tensors)?;
    let mut loaded = Loaded {
        metadata: file.metadata,
        ..Loaded::default()
    };
    let own = state_dict(model)?;
    for (key, raw) in options.rename_all(file.others)? {
        let Some(own) = own.get(&key) else {
            loaded.other_types.insert(key, raw.dtype());
            continue;
        };
        let Some(rounded) = (match own.shape() {
            // PyTorch counts batches in i64
            [] => raw.as_scalar().or_else(|| raw.rounded()),
            _ => raw.rounded(),
        }) else {
            let expected = format!("{key} in f32, f16, bf16 or f64");
            return Err(Error::file(path, expected, raw.dtype()));
        };
        if tensors.insert(key.clone(), rounded?).is_some() {
            let expected = "renames that keep keys apart";
            return Err(Error::argument(OP, expected, format!("two {key:?}")));
        }
    }
    take(model, own, tensors, options, &mut loaded)?;
    Ok(loaded)
}

/// [`load_state_dict`](super::load_state_dict) where the state's keys and the model's may differ; says how they did.
///
/// # Errors
/// Keys that only one side has, where the options do not allow that, or another shape.
pub fn load_state_dict_with(
    model: &mut dyn Module,
    state: &BTreeMap<String, Tensor<f32>>,
    options: &LoadOptions,
) -> Result<Loaded> {
    let own = state_dict(model)?;
    let state = options.rename_all(state.clone())?;
    let mut loaded = Loaded::default();
    take(model, own, state, options, &mut loaded)?;
    Ok(loaded)
}

/// Gives the model what fits, and notes what does not where that is allowed.
fn take(
    model: &mut dyn Module,
    mut own: BTreeMap<String, Tensor<f32>>,
    mut state: BTreeMap<String, Tensor<f32>>,
    options: &LoadOptions,
    loaded: &mut Loaded,
) -> Result<()> {
    if options.ignore_missing {
        loaded.missing_keys = without(&mut own, &state);
    }
    if options.ignore_unexpected {
        loaded.unexpected_keys = without(&mut state, &own);
    }
    let new = fitting(OP, "the keys of the model", own, &state)?;
    apply(model, new)
}

/// Takes out of `of` what has no counterpart in `other`: its keys.
fn without<T, U>(of: &mut BTreeMap<String, T>, other: &BTreeMap<String, U>) -> Vec<String> {
    let keys = of.keys().filter(|key| !other.contains_key(*key));
    let keys: Vec<String> = keys.cloned().collect();
    of.retain(|key, _| other.contains_key(key));
    keys
}
