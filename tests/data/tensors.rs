//! Files of tensors: what stands in them comes back, and writing loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::tempdir;
use warpsmith::data::{SafetensorsFile, read_safetensors, write_safetensors};
use warpsmith::{Device, Tensor};

fn tensors(value: f32, len: usize) -> BTreeMap<String, Tensor<f32>> {
    let tensor = Tensor::full(&[len], value, &Device::Cpu).unwrap();
    BTreeMap::from([("w".into(), tensor)])
}

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The format as its specification has it: the header's length, the header, the data.
fn written(path: &Path, header: &str, data: &[u8]) {
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length, header.as_bytes(), data].concat()).unwrap();
}

#[test]
fn metadata_and_other_types_are_kept() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let header = r#"{"__metadata__":{"format":"pt","by":"hand"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"n":{"dtype":"I64","shape":[],"data_offsets":[4,12]},"d":{"dtype":"F64","shape":[1,1],"data_offsets":[12,20]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[20,22]},"u":{"dtype":"U8","shape":[1],"data_offsets":[22,23]}}"#;
    let data: Vec<u8> = (0..23).collect();
    written(&path, header, &data);
    let file = SafetensorsFile::read(&path, &Device::Cpu).unwrap();
    let types: Vec<String> = file.others.values().map(|raw| raw.dtype()).collect();
    assert_eq!(types, ["BOOL", "F64", "I64", "U8"]);
    let metadata: Vec<(&str, &str)> = file
        .metadata
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(metadata, [("by", "hand"), ("format", "pt")]);
    let d = &file.others["d"];
    assert_eq!((d.shape(), d.bytes()), (&[1, 1][..], &data[12..20]));
    let second = dir.path().join("b.safetensors");
    file.write(&second).unwrap();
    let again = SafetensorsFile::read(&second, &Device::Cpu).unwrap();
    assert_eq!(again.others, file.others);
    assert_eq!(again.metadata, file.metadata);
    let bits = |file: &SafetensorsFile| file.tensors["w"].to_vec().unwrap()[0].to_bits();
    assert_eq!(bits(&again), bits(&file));
    assert_eq!(read_safetensors(&path, &Device::Cpu).unwrap().len(), 1);
}

#[test]
fn keys_that_the_format_has_for_itself() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let mut tensors = tensors(1.0, 1);
    write_safetensors(&path, &tensors).unwrap();
    let other = tensors["w"].clone();
    tensors.insert("__metadata__".into(), other);
    let error = write_safetensors(&path, &tensors).unwrap_err().to_string();
    assert!(error.contains("keys other than __metadata__"), "{error}");
    // nothing was lost
    assert_eq!(read_safetensors(&path, &Device::Cpu).unwrap().len(), 1);
    assert_eq!(entries(dir.path()), ["a.safetensors"]);
}

#[test]
fn two_tensors_of_one_key() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    written(
        &path,
        r#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        &[1],
    );
    let mut file = SafetensorsFile::read(&path, &Device::Cpu).unwrap();
    file.tensors = tensors(1.0, 1);
    let error = file.write(&path).unwrap_err().to_string();
    assert!(error.contains("two \"w\""), "{error}");
}

/// Each write is whole, and whoever reads meanwhile finds one of them.
#[test]
fn threads_that_write_one_file() {
    const THREADS: usize = 4;
    const WRITES: usize = 25;
    const LEN: usize = 3000;
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    write_safetensors(&path, &tensors(0.0, LEN)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = |thread: usize| {
            let path = &path;
            move || {
                for i in 0..WRITES {
                    let value = (thread * WRITES + i) as f32;
                    write_safetensors(path, &tensors(value, LEN)).unwrap();
                }
            }
        };
        let writers: Vec<_> = (0..THREADS).map(|t| scope.spawn(writer(t))).collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let read = read_safetensors(&path, &Device::Cpu).unwrap();
                let values = read["w"].to_vec().unwrap();
                assert_eq!(values, vec![values[0]; LEN]);
            }
        });
        let ended = writers.into_iter().all(|writer| writer.join().is_ok());
        done.store(true, Ordering::Relaxed);
        assert!(ended, "a write failed");
    });
    assert_eq!(entries(dir.path()), ["a.safetensors"]);
}

/// What a process left behind goes when nobody has written to it for an hour; what another still writes stays.
#[test]
fn parts_of_processes_that_are_no_more() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let old = std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    let aged = [
        "a.safetensors.12-0.part",
        "b.safetensors.12-0.part",
        "a.safetensors.mine.part",
        "a.safetensors.1-.part",
        "a.safetensors.12-0",
    ];
    for name in aged {
        let file = fs::File::create(dir.path().join(name)).unwrap();
        file.set_modified(old).unwrap();
    }
    fs::write(dir.path().join("a.safetensors.13-0.part"), "half").unwrap();
    write_safetensors(&path, &tensors(1.0, 1)).unwrap();
    let mut want: Vec<&str> = aged[1..].to_vec();
    want.extend(["a.safetensors", "a.safetensors.13-0.part"]);
    want.sort();
    assert_eq!(entries(dir.path()), want);
}

/// A part of this very name, of a process that had the same number.
#[test]
fn a_part_in_the_way() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let parts: Vec<String> = (0..1000)
        .map(|i| format!("a.safetensors.{}-{i}.part", std::process::id()))
        .collect();
    for part in &parts {
        fs::write(dir.path().join(part), "another's").unwrap();
    }
    write_safetensors(&path, &tensors(1.0, 1)).unwrap();
    for part in &parts {
        let there = fs::read_to_string(dir.path().join(part)).unwrap();
        assert_eq!(there, "another's");
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_keeps_its_mode() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.safetensors");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        write_safetensors(&path, &tensors(0.0, 1)).unwrap();
        for kept in [0o600, 0o640, 0o666, 0o444] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            write_safetensors(&path, &tensors(1.0, 1)).unwrap();
            assert_eq!(mode(), kept);
        }
    }

    #[test]
    fn a_symbolic_link_stays_one() {
        let dir = tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let link = dir.path().join("latest.safetensors");
        let second = dir.path().join("second.safetensors");
        // relative to its own folder, and before there is a file
        symlink("elsewhere/a.safetensors", &link).unwrap();
        symlink(&link, &second).unwrap();
        for (path, value) in [(&link, 1.0), (&second, 2.0)] {
            write_safetensors(path, &tensors(value, 1)).unwrap();
            assert!(fs::symlink_metadata(path).unwrap().is_symlink());
            let file = elsewhere.join("a.safetensors");
            let there = read_safetensors(file, &Device::Cpu).unwrap();
            assert_eq!(there["w"].to_vec().unwrap(), [value]);
        }
        assert_eq!(entries(&elsewhere), ["a.safetensors"]);
        let circle = dir.path().join("circle");
        symlink(&circle, &circle).unwrap();
        let error = write_safetensors(&circle, &tensors(1.0, 1)).unwrap_err();
        assert!(error.to_string().contains("circle"), "{error}");
    }

    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(write_safetensors(&path, &tensors(1.0, 1)).is_err());
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
        assert_eq!(entries(dir.path()), ["socket"]);
    }
}
