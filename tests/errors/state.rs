//! What is saved comes back, and nothing else does.

use std::fs;
use std::path::{Path, PathBuf};

use warpsmith::nn::{Conv2d, Linear, Module, Sequential, load, load_state_dict, save, state_dict};
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
        &["bias", "f32, f16 or bf16", "I16"],
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
