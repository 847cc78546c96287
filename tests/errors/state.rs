//! What is saved comes back, and nothing else does.

use std::fs;
use std::path::{Path, PathBuf};

use warpsmith::nn::{
    BatchNorm2d, Conv2d, Linear, LoadOptions, Module, Sequential, load, load_state_dict,
    load_state_dict_with, load_with, save, state_dict,
};
use warpsmith::ops::Conv2dOptions;
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;

const CPU: Device = Device::Cpu;

pub fn model(seed: u64) -> Sequential {
    let mut generator = Generator::manual_seed(seed);
    let options = Conv2dOptions::default();
    let conv = Conv2d::new(2, 3, [3, 3], options, &mut generator, &CPU).unwrap();
    Sequential::new()
        .push_named("conv1", conv)
        .push_named("fc", Linear::new(4, 2, &mut generator, &CPU).unwrap())
}

pub fn values(model: &mut Sequential) -> Vec<Vec<f32>> {
    model
        .parameters()
        .iter()
        .map(|p| p.value.to_vec().unwrap())
        .collect()
}

/// A folder of this test's own, gone when it is done.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("warpsmith-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn what_is_saved_comes_back() {
    let folder = Folder::new("round");
    let path = folder.file("model.safetensors");
    // over a file that is there already, and nothing left beside it
    fs::write(&path, "something else").unwrap();
    save(&mut model(1), &path).unwrap();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    let mut other = model(2);
    assert_ne!(values(&mut other), values(&mut model(1)));
    load(&mut other, &path).unwrap();
    assert_eq!(values(&mut other), values(&mut model(1)));
}

/// The format as its specification has it: the header's length, the header, the data.
pub fn written(path: &Path, header: &str, data: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

#[test]
fn halves_of_another_program_are_read() {
    let folder = Folder::new("halves");
    let path = folder.file("model.safetensors");
    // 1, -2 as f16, then 0.5 as bf16
    let header = r#"{"weight":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"bias":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}"#;
    written(&path, header, &[0x00, 0x3c, 0x00, 0xc0, 0x00, 0x3f]);
    let mut layer = Linear::new(2, 1, &mut Generator::manual_seed(1), &CPU).unwrap();
    load(&mut layer, &path).unwrap();
    let values: Vec<f32> = layer
        .parameters()
        .iter()
        .flat_map(|p| p.value.to_vec().unwrap())
        .collect();
    assert_eq!(values, [1.0, -2.0, 0.5]);
    written(&path, &header.replace("BF16", "I16"), &[0; 6]);
    assert_says(
        load(&mut layer, &path),
        &["bias", "f32, f16, bf16 or f64", "I16"],
    );
}

fn linear() -> Linear {
    Linear::new(2, 1, &mut Generator::manual_seed(1), &CPU).unwrap()
}

fn both(layer: &mut Linear) -> Vec<f32> {
    let parameters = layer.parameters().into_iter();
    parameters.flat_map(|p| p.value.to_vec().unwrap()).collect()
}

/// Running statistics are saved and loaded with the parameters; PyTorch counts batches in i64.
#[test]
fn buffers_come_back() {
    let folder = Folder::new("buffers");
    let path = folder.file("model.safetensors");
    let model = |seed| {
        let norm = BatchNorm2d::new(3, &CPU).unwrap();
        model(seed).push_named("bn1", norm)
    };
    let buffers = |model: &mut Sequential| -> Vec<(String, Vec<f32>)> {
        let buffers = model.named_buffers().into_iter();
        buffers.map(|(key, b)| (key, b.to_vec().unwrap())).collect()
    };
    let mut trained = model(1);
    for (i, (_, buffer)) in trained.named_buffers().into_iter().enumerate() {
        buffer.fill_(i as f32 + 0.5).unwrap();
    }
    save(&mut trained, &path).unwrap();
    let mut other = model(2);
    load(&mut other, &path).unwrap();
    assert_eq!(values(&mut other), values(&mut trained));
    let want = [
        ("bn1.running_mean", vec![0.5; 3]),
        ("bn1.running_var", vec![1.5; 3]),
        ("bn1.num_batches_tracked", vec![2.5]),
    ];
    let want = want.map(|(key, values)| (key.to_string(), values));
    assert_eq!(buffers(&mut other), want);
    let keys: Vec<String> = state_dict(&mut other).unwrap().into_keys().collect();
    assert_eq!(keys.len(), 4 + 2 + 3, "{keys:?}");
    // one that is missing, and one of another shape
    let mut state = state_dict(&mut other).unwrap();
    let mean = state.remove("bn1.running_mean").unwrap();
    assert_says(
        load_state_dict(&mut other, &state),
        &["none for", "bn1.running_mean"],
    );
    state.insert("bn1.running_mean".into(), mean.reshape(&[1, 3]).unwrap());
    assert_says(
        load_state_dict(&mut other, &state),
        &["bn1.running_mean", "[3]", "[1, 3]"],
    );

    let header = r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"running_mean":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"running_var":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[16,24]}}"#;
    let numbers = [2.0_f32, 3.0, 4.0, 5.0].map(f32::to_le_bytes).concat();
    let data = [numbers, 10_009_i64.to_le_bytes().to_vec()].concat();
    written(&path, header, &data);
    let mut layer = BatchNorm2d::new(1, &CPU).unwrap();
    load(&mut layer, &path).unwrap();
    let read: Vec<f32> = layer
        .named_buffers()
        .iter()
        .map(|(_, b)| b.item().unwrap())
        .collect();
    assert_eq!(read, [4.0, 5.0, 10_009.0]);
    // no count of several numbers, and no statistic that is an integer
    written(&path, &header.replace("[]", "[1]"), &data);
    assert_says(
        load(&mut layer, &path),
        &["num_batches_tracked", "f32, f16"],
    );
    let ints = header.replace(
        r#""running_var":{"dtype":"F32""#,
        r#""running_var":{"dtype":"I32""#,
    );
    written(&path, &ints, &data);
    assert_says(load(&mut layer, &path), &["running_var", "I32"]);
}

/// What PyTorch's BatchNorm, a quantised layer or a buffer of positions puts beside the weights; and a weight in f64.
#[test]
fn other_types_may_stand_beside_the_parameters() {
    let folder = Folder::new("beside");
    let path = folder.file("model.safetensors");
    let header = r#"{"__metadata__":{"format":"pt"},"weight":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[20,28]},"scale":{"dtype":"F64","shape":[1],"data_offsets":[28,36]},"zero_point":{"dtype":"U8","shape":[2],"data_offsets":[36,38]},"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[38,40]}}"#;
    let mut data = Vec::new();
    data.extend(1.5_f64.to_le_bytes());
    data.extend(0.1_f64.to_le_bytes());
    data.extend((-2.0_f32).to_le_bytes());
    data.resize(40, 1);
    written(&path, header, &data);
    let mut layer = linear();
    let loaded = load_with(&mut layer, &path, &LoadOptions::new()).unwrap();
    assert_eq!(both(&mut layer), [1.5, 0.1, -2.0]);
    let types: Vec<(&str, &str)> = loaded
        .other_types
        .iter()
        .map(|(key, dtype)| (&**key, &**dtype))
        .collect();
    assert_eq!(
        types,
        [
            ("bn.num_batches_tracked", "I64"),
            ("mask", "BOOL"),
            ("scale", "F64"),
            ("zero_point", "U8")
        ]
    );
    assert_eq!(loaded.metadata["format"], "pt");
    assert!(loaded.missing_keys.is_empty() && loaded.unexpected_keys.is_empty());
    load(&mut linear(), &path).unwrap();
    // but none of them is a parameter
    written(
        &path,
        &header
            .replace("\"mask\"", "\"bias.\"")
            .replace("\"bias\"", "\"x\"")
            .replace("\"bias.\"", "\"bias\""),
        &data,
    );
    assert_says(load(&mut linear(), &path), &["bias in f32", "BOOL"]);
}

#[test]
fn keys_that_may_differ() {
    let tensor = |value: f32, shape: &[usize]| Tensor::full(shape, value, &CPU).unwrap();
    let mut state = std::collections::BTreeMap::from([
        ("module.weight".to_string(), tensor(3.0, &[1, 2])),
        ("module.head".to_string(), tensor(4.0, &[7])),
    ]);
    let mut layer = linear();
    let before = both(&mut layer);
    let (strict, rename) = (LoadOptions::new(), LoadOptions::new().rename("module.", ""));
    for (options, words) in [
        (strict, vec!["\"bias\", \"weight\"", "\"module.weight\""]),
        (rename.clone(), vec!["\"bias\"", "\"head\""]),
        (
            rename.clone().ignore_missing(),
            vec!["none for []", "\"head\""],
        ),
        (
            rename.clone().ignore_unexpected(),
            vec!["\"bias\"", "besides []"],
        ),
    ] {
        assert_says(load_state_dict_with(&mut layer, &state, &options), &words);
        assert_eq!(both(&mut layer), before, "an error changes nothing");
    }
    let lenient = rename.clone().ignore_missing().ignore_unexpected();
    let loaded = load_state_dict_with(&mut layer, &state, &lenient).unwrap();
    assert_eq!(loaded.missing_keys, ["bias"]);
    assert_eq!(loaded.unexpected_keys, ["head"]);
    assert_eq!(both(&mut layer), [3.0, 3.0, before[2]]);
    // a shape that is another's is an error all the same
    state.insert("module.bias".into(), tensor(5.0, &[2]));
    assert_says(
        load_state_dict_with(&mut layer, &state, &lenient),
        &["bias of shape [1]", "[2]"],
    );
    // the first that fits is the one; none may meet another
    state.insert("module.bias".into(), tensor(5.0, &[1]));
    let first = LoadOptions::new()
        .rename("module.head", "other.head")
        .rename("module.", "")
        .ignore_unexpected();
    let loaded = load_state_dict_with(&mut layer, &state, &first).unwrap();
    assert_eq!(loaded.unexpected_keys, ["other.head"]);
    state.insert("bias".into(), tensor(5.0, &[1]));
    assert_says(
        load_state_dict_with(&mut layer, &state, &rename),
        &["keys apart", "two \"bias\""],
    );
}

#[test]
fn keys_and_shapes_that_differ() {
    let mut state = state_dict(&mut model(1)).unwrap();
    let before = values(&mut model(2));
    let mut other = model(2);
    let moved = state.remove("fc.bias").unwrap();
    assert_says(
        load_state_dict(&mut other, &state),
        &["keys of the model", "\"fc.bias\""],
    );
    state.insert("fc.bias".into(), moved);
    state.insert("fc2.bias".into(), Tensor::zeros(&[1], &CPU).unwrap());
    assert_says(
        load_state_dict(&mut other, &state),
        &["besides", "\"fc2.bias\""],
    );
    state.remove("fc2.bias");
    state.insert("fc.weight".into(), Tensor::zeros(&[4, 2], &CPU).unwrap());
    assert_says(
        load_state_dict(&mut other, &state),
        &["fc.weight", "[2, 4]", "[4, 2]"],
    );
    assert_eq!(values(&mut other), before, "an error changes nothing");
}

#[test]
fn names_that_are_not_different() {
    let layer = || Linear::new(1, 1, &mut Generator::manual_seed(1), &CPU).unwrap();
    let mut twice = Sequential::new()
        .push_named("a", layer())
        .push_named("a", layer());
    let folder = Folder::new("twice");
    assert_says(
        save(&mut twice, folder.file("x")),
        &["different names", "a.weight"],
    );
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new("none");
    let path = folder.file("no such folder/model.safetensors");
    assert_says(load(&mut model(1), &path), &["no such folder"]);
    assert_says(save(&mut model(1), &path), &["no such folder"]);
    // a folder in the file's place
    assert_says(save(&mut model(1), &folder.0), &["warpsmith-"]);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn files_cut_short() {
    let folder = Folder::new("cut");
    let path = folder.file("model.safetensors");
    save(&mut model(1), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut other = model(2);
    let before = values(&mut other);
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_says(load(&mut other, &path), &["model.safetensors"]);
    }
    let longer = [whole.as_slice(), &[0]].concat();
    fs::write(&path, longer).unwrap();
    assert_says(load(&mut other, &path), &["model.safetensors"]);
    assert_eq!(values(&mut other), before);
}

/// Any byte of the header may be any other: an error, or a model of the right shapes; never a panic.
#[test]
fn files_that_are_damaged() {
    let folder = Folder::new("damaged");
    let path = folder.file("model.safetensors");
    save(&mut model(1), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut refused = 0;
    for at in 0..8 + length {
        for with in [0x00, 0xff, 0x01, 0x20] {
            let mut damaged = whole.clone();
            damaged[at] ^= with;
            fs::write(&path, damaged).unwrap();
            let mut other = model(2);
            let before = values(&mut other);
            if load(&mut other, &path).is_err() {
                refused += 1;
                assert_eq!(values(&mut other), before);
            }
        }
    }
    assert!(
        refused > 2 * length,
        "{refused} of {} refused",
        4 * (8 + length)
    );
}
