//! IDX files, plain and compressed: what was written comes back, whatever was damaged is an error.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tempfile::{TempDir, tempdir};
use warpsmith::Error;
use warpsmith::data::{Split, fashion_mnist, read_idx};

fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|d| file.extend(d.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

/// The text of an error, which must name the file.
fn refused(bytes: &[u8]) -> String {
    let (_dir, path) = written(bytes);
    let text = read_idx(&path).unwrap_err().to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    text
}

#[test]
fn plain_and_compressed_files_hold_the_same() {
    let pixels: Vec<u8> = (0..24).collect();
    let file = idx(&[2, 3, 4], &pixels);
    for file in [gzip(&file), file] {
        let (_dir, path) = written(&file);
        let read = read_idx(&path).unwrap();
        assert_eq!((read.shape, read.bytes), (vec![2, 3, 4], pixels.clone()));
    }
}

#[test]
fn what_is_damaged_says_how() {
    let whole = idx(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    assert!(refused(&[]).contains("an IDX file"));
    assert!(refused(&whole[..10]).contains("an IDX file"));
    assert!(refused(&whole[..15]).contains("6 elements, as the shape [2, 3] says, got 3"));
    assert!(refused(&idx(&[2], &[1, 2, 3])).contains("got more"));
    let mut floats = whole.clone();
    floats[2] = 0x0d;
    assert!(refused(&floats).contains("unsigned bytes"));
    assert!(refused(&idx(&[u32::MAX; 8], &[])).contains("at most"));
}

#[test]
fn a_wrong_checksum_is_found() {
    let mut packed = gzip(&idx(&[2, 3], &[1, 2, 3, 4, 5, 6]));
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    assert!(refused(&packed).contains("an IDX file, plain or gzip"));
}

/// Tapes and some mirrors pad files; gzip and Python read them.
#[test]
fn zeros_behind_a_gzip_stream_are_nothing() {
    let file = idx(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    let halves = [gzip(&file[..9]), gzip(&file[9..])];
    // more than a buffer has
    for zeros in [0, 1, 3, 511, 20_000] {
        let zeros = vec![0; zeros];
        let padded = [gzip(&file), zeros.clone()].concat();
        let between = [&halves[0], &zeros[..], &halves[1], &zeros].concat();
        for packed in [padded, between] {
            let (_dir, path) = written(&packed);
            assert_eq!(read_idx(&path).unwrap().bytes, [1, 2, 3, 4, 5, 6]);
        }
    }
}

#[test]
fn other_bytes_behind_a_gzip_stream_are_an_error() {
    let packed = gzip(&idx(&[2, 3], &[1, 2, 3, 4, 5, 6]));
    for behind in [&[7_u8][..], &[0, 0, 7], b"0", &[0, 0x1f], &[0x1f, 0x8b, 9]] {
        let text = refused(&[&packed, behind].concat());
        assert!(text.contains("an IDX file, plain or gzip"), "{text}");
    }
    let text = refused(&[&packed[..], &[0, 7]].concat());
    assert!(text.contains("neither zeros nor a gzip stream"), "{text}");
}

/// A changed or shortened file is read as what it then says, or refused; it never ends the program.
#[test]
fn mutated_files_are_read_or_refused() {
    let whole = idx(&[2, 3, 4], &[7; 24]);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for case in 0..512 {
        let mut file = if case % 2 == 0 {
            gzip(&whole)
        } else {
            whole.clone()
        };
        let place = random.random_range(0..file.len());
        file[place] = random.random();
        file.truncate(random.random_range(1..=file.len()));
        is_read_or_refused(&file);
    }
}

#[test]
fn anything_at_all_is_read_or_refused() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for case in 0..512 {
        let mut file = vec![0; random.random_range(0..80)];
        random.fill(&mut file[..]);
        if case % 2 == 0 && file.len() >= 4 {
            file[..3].copy_from_slice(&[0, 0, 8]);
            file[3] %= 4;
        }
        is_read_or_refused(&file);
    }
}

/// What is read has as many elements as its shape says; the bytes are printed where not.
fn is_read_or_refused(file: &[u8]) {
    let (_dir, path) = written(file);
    if let Ok(read) = read_idx(&path) {
        let said = read.shape.iter().product::<usize>();
        assert_eq!(read.bytes.len(), said, "{file:?}");
    }
}

fn write_set(dir: &Path, part: &str, images: &[u8], labels: &[u8]) {
    fs::write(dir.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
    let packed = gzip(labels);
    fs::write(dir.join(format!("{part}-labels-idx1-ubyte.gz")), packed).unwrap();
}

#[test]
fn fashion_mnist_reads_its_files() {
    let dir = tempdir().unwrap();
    let pixels: Vec<u8> = (0..2 * 784).map(|i| (i % 251) as u8).collect();
    write_set(
        dir.path(),
        "train",
        &idx(&[2, 28, 28], &pixels),
        &idx(&[2], &[9, 0]),
    );
    let images = fashion_mnist(Some(dir.path()), Split::Train).unwrap();
    assert_eq!(
        (images.len(), images.size(), images.label(0)),
        (2, [28, 28], Some(9))
    );
    assert_eq!(images.pixels(1), Some(&pixels[784..]));
}

/// Names that other programs give the files, and folders that are none of them.
#[test]
fn the_files_are_found_by_their_other_names() {
    let pixels = idx(&[2, 28, 28], &[5; 2 * 784]);
    let labels = idx(&[2], &[9, 0]);
    for (name, compressed) in [
        ("-idx", false),
        (".idx", false),
        ("-idx", true),
        (".idx", true),
    ] {
        let dir = tempdir().unwrap();
        for (what, file) in [("images-idx3", &pixels), ("labels-idx1", &labels)] {
            // an archive that was unpacked into a folder of the file's name
            let folder = format!("train-{what}-ubyte");
            let file_name = folder.replace("-idx", name);
            if compressed || file_name != folder {
                fs::create_dir(dir.path().join(folder)).unwrap();
            }
            match compressed {
                false => fs::write(dir.path().join(file_name), file).unwrap(),
                true => {
                    let packed = dir.path().join(format!("{file_name}.gz"));
                    fs::write(packed, gzip(file)).unwrap();
                }
            }
        }
        let images = fashion_mnist(Some(dir.path()), Split::Train).unwrap();
        assert_eq!((images.len(), images.label(0)), (2, Some(9)), "{name}");
    }
}

#[test]
fn a_missing_file_says_where_to_get_it() {
    let dir = tempdir().unwrap();
    let error = fashion_mnist(Some(dir.path()), Split::Test).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        "t10k-images-idx3-ubyte",
        "apt install dataset-fashion-mnist",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn labels_outside_the_classes_name_the_file() {
    let dir = tempdir().unwrap();
    write_set(
        dir.path(),
        "t10k",
        &idx(&[1, 1, 1], &[0]),
        &idx(&[1], &[10]),
    );
    let text = fashion_mnist(Some(dir.path()), Split::Test)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("t10k-images") && text.contains("got 10 in row 0"),
        "{text}"
    );
}
