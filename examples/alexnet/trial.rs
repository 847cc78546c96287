//! Training on a small folder with a small network: it goes on where it was interrupted, and ranks learn as one.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use cuda_emulator_testing::{Installed, install_nccl};
use image::{Rgb, RgbImage};
use warpsmith::nn::{
    Conv2d, Dropout, Flatten, Linear, MaxPool2d, Precision, ReLU, Sequential, state_dict,
};
use warpsmith::ops::{Conv2dOptions, Window};
use warpsmith::{Device, Error, Generator, Tensor};

use crate::folder::{Batches, Sizes, parts};
use crate::learn::{Images, Training};
use crate::train::sgd;
use common::{Devices, Learner, Ranks, on_each};

const CLASSES: usize = 3;
const PER_CLASS: usize = 10;
const BATCH: usize = 8;
const SMALL: Sizes = Sizes {
    scaled: 20,
    side: 16,
};

/// Images whose colour says their class, and maybe a file that is none among them.
fn folder(broken: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in 0..CLASSES {
        let root = folder.path().join(format!("class{class}"));
        fs::create_dir(&root).unwrap();
        for i in 0..PER_CLASS {
            let pixel = |x: u32, y: u32| {
                let mut pixel = [(x * 5 + y * 3 + 11 * i as u32) as u8 % 90; 3];
                pixel[class] += 120;
                Rgb(pixel)
            };
            let image = RgbImage::from_fn(24 + i as u32, 30, pixel);
            image.save(root.join(format!("{i}.jpg"))).unwrap();
        }
    }
    if broken {
        fs::write(folder.path().join("class1/broken.jpg"), "no image").unwrap();
    }
    folder
}

/// One rank's, with masks of its own.
fn training(dropout: f64, precision: Precision, ranks: &Ranks) -> Training {
    let (device, mut generator) = (ranks.device(), Generator::manual_seed(2));
    let options = Conv2dOptions::default().stride([2; 2]);
    let conv = Conv2d::new(3, 6, [4; 2], options, &mut generator, device).unwrap();
    let linear = Linear::new(6 * 9, CLASSES, &mut generator, device).unwrap();
    let model = Sequential::new()
        .push(conv)
        .push(ReLU::new())
        .push(MaxPool2d::new(Window::new([2; 2])))
        .push(Flatten::new())
        .push(Dropout::new(dropout, 5 + ranks.rank() as u64).unwrap())
        .push(linear);
    let learner = Learner::new(model, sgd(0.05), precision, ranks).unwrap();
    Training::new(learner, 2, ranks).unwrap()
}

fn images(root: &Path, ranks: &Ranks) -> Images {
    let (train, val) = parts(root).unwrap();
    assert_eq!(val.samples().len(), CLASSES);
    let of = |folder| Batches::new(folder, BATCH, SMALL, ranks).unwrap();
    Images {
        train: of(&train).shuffle(7),
        val: of(&val),
    }
}

/// What is there after a run: every value by its key.
fn values(training: &mut Training) -> Vec<(String, Vec<f32>)> {
    let state = state_dict(&mut *training.learner.model)
        .unwrap()
        .into_iter();
    state.map(|(key, t)| (key, t.to_vec().unwrap())).collect()
}

/// A run in parts, each of which goes on from the checkpoint of the one before.
fn in_parts(
    dropout: f64,
    precision: Precision,
    images: &Images,
    file: &Path,
    ranks: &Ranks,
) -> Training {
    let batches = images.train.len() as u64;
    let mut part = training(dropout, precision, ranks);
    for steps in [2 * batches + 1, 3 * batches, u64::MAX] {
        part.learn(images, 5, steps, file).unwrap();
        part = training(dropout, precision, ranks);
        part.learner.resume(file).unwrap();
    }
    part
}

/// A run that is interrupted in the middle of an epoch and goes on in another process is the run that was not; and it
/// learns. A file that is no image is left out of both.
#[test]
fn a_run_goes_on() {
    let (folder, alone) = (folder(true), Ranks::alone(&Device::Cpu));
    let images = images(folder.path(), &alone);
    assert_eq!(images.train.len(), 3);
    let file = folder.path().join("checkpoint.safetensors");
    for precision in [Precision::F32, Precision::F16] {
        let mut whole = training(0.3, precision, &alone);
        let before = whole.accuracies(&images.val).unwrap();
        whole.learn(&images, 5, u64::MAX, &file).unwrap();
        let after = whole.accuracies(&images.val).unwrap();
        assert!(
            after[0] > before[0] || after[0] == 1.0,
            "{before:?} {after:?}"
        );
        // its rate has fallen twice
        assert!((whole.rates.last_lr() - 5e-4).abs() < 1e-12);
        let mut parts = in_parts(0.3, precision, &images, &file, &alone);
        let (whole, parts) = (values(&mut whole), values(&mut parts));
        assert!(whole == parts, "{precision}");
        assert_ne!(whole, values(&mut training(0.3, precision, &alone)));
    }
}

/// Where a test program that runs itself keeps its folder.
const CASE: &str = "WARPSMITH_TEST_FOLDER";

/// Two ranks, as threads and as processes of `scripts/launch`, end with the weights of one device whose batches are as large
/// as theirs together, find as many held-out images right, and go on from a checkpoint to the bit. Masks are each rank's own,
/// so without dropout is what can be compared with one.
#[test]
fn ranks_learn_as_one() {
    let installed = install_nccl();
    let Some(root) = env::var_os(CASE) else {
        return in_processes(installed);
    };
    let root = Path::new(&root);
    let threads = env::var_os("WORLD_SIZE").is_none();
    let devices = threads.then(|| "2".parse::<Devices>().unwrap());
    on_each(devices.as_ref(), &Device::Cpu, |ranks| {
        assert_eq!(ranks.count(), 2);
        as_rank(root, ranks);
        Ok(())
    })
    .unwrap();
}

fn in_processes(installed: Installed) {
    if installed == Installed::Real && Device::cuda_count().is_ok_and(|n| n < 2) {
        return eprintln!("ignored: one GPU");
    }
    if let Err(Error::NoKernels(why)) = Device::cuda(0) {
        return eprintln!("ignored: {why}");
    }
    let program = env::current_exe().unwrap();
    let launch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/launch");
    let mut launched = Command::new(launch);
    launched.arg("2").arg(&program);
    for mut command in [Command::new(&program), launched] {
        let folder = folder(false);
        command
            .args(["--exact", "trial::ranks_learn_as_one"])
            .env(CASE, folder.path())
            .env("CUDA_EMULATOR_DEVICES", "2");
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{said}");
        let passed = said.matches("1 passed").count();
        assert!(passed > 0, "{said}");
    }
}

fn as_rank(root: &Path, ranks: &Ranks) {
    let (file, own_file) = (
        root.join("both.safetensors"),
        root.join("alone.safetensors"),
    );
    assert_eq!(ranks.sums([ranks.rank() + 1, 7]).unwrap(), [3, 14]);
    let own_file = own_file.with_extension(ranks.rank().to_string());
    let alone = Ranks::alone(ranks.device());
    let (both_images, all_images) = (images(root, ranks), images(root, &alone));
    assert_eq!(both_images.train.len(), all_images.train.len());

    let (f32, epochs) = (Precision::F32, 3);
    let (mut both, mut one) = (training(0.0, f32, ranks), training(0.0, f32, &alone));
    // before anything is learnt some of the three are wrong, so no rank's own share has the same
    let found = both.accuracies(&both_images.val).unwrap();
    assert_eq!(found, one.accuracies(&all_images.val).unwrap());
    assert!(found[0] < 1.0, "{found:?}");
    both.learn(&both_images, epochs, u64::MAX, &file).unwrap();
    one.learn(&all_images, epochs, u64::MAX, &own_file).unwrap();
    let started = values(&mut training(0.0, f32, &alone));
    let (got, want) = (values(&mut both), values(&mut one));
    let mut moved = 0;
    for (((key, got), (_, want)), (_, started)) in got.iter().zip(&want).zip(&started) {
        for ((got, want), started) in got.iter().zip(want).zip(started) {
            // sums in another order, over nine steps
            assert!((got - want).abs() <= 1e-5, "{key}: {got} and {want}");
            moved += usize::from((got - started).abs() > 1e-3);
        }
    }
    assert!(moved > 100, "{moved} weights have learnt");
    let found = both.accuracies(&both_images.val).unwrap();
    assert_eq!(found, one.accuracies(&all_images.val).unwrap());

    let mut whole = training(0.3, f32, ranks);
    whole.learn(&both_images, 5, u64::MAX, &file).unwrap();
    let mut parts = in_parts(0.3, f32, &both_images, &file, ranks);
    let whole = values(&mut whole);
    assert!(whole == values(&mut parts), "it goes on");
    let device = ranks.device();
    for (key, own) in whole {
        let own_tensor = Tensor::from_slice(&own, &[1, own.len()], device).unwrap();
        let all = ranks
            .communicator()
            .unwrap()
            .all_gather(&own_tensor)
            .unwrap();
        assert_eq!(all.to_vec().unwrap(), own.repeat(2), "{key} on both");
    }
}

#[test]
fn a_batch_without_an_image_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        for i in 0..10 {
            let root = folder.path().join(class);
            fs::create_dir_all(&root).unwrap();
            fs::write(root.join(format!("{i}.png")), "no image").unwrap();
        }
    }
    let (train, val) = parts(folder.path()).unwrap();
    let alone = Ranks::alone(&Device::Cpu);
    let of = |folder| Batches::new(folder, BATCH, SMALL, &alone).unwrap();
    let images = Images {
        train: of(&train).shuffle(7),
        val: of(&val),
    };
    let file = folder.path().join("checkpoint.safetensors");
    let learnt = training(0.3, Precision::F32, &alone).learn(&images, 1, u64::MAX, &file);
    let text = learnt.unwrap_err().to_string();
    assert!(text.contains("none of a batch's 8 images"), "{text}");
}

#[test]
fn train_and_val_stand_apart() {
    let folder = folder(false);
    let both = tempfile::tempdir().unwrap();
    for part in ["train", "val"] {
        for class in ["class0", "class2"] {
            let to = both.path().join(part).join(class);
            fs::create_dir_all(&to).unwrap();
            fs::copy(folder.path().join(class).join("1.jpg"), to.join("1.jpg")).unwrap();
        }
    }
    let (train, val) = parts(both.path()).unwrap();
    assert_eq!((train.samples().len(), val.samples().len()), (2, 2));
    assert_eq!(train.classes(), ["class0", "class2"]);
    fs::rename(
        both.path().join("val/class2"),
        both.path().join("val/class1"),
    )
    .unwrap();
    assert!(
        parts(both.path())
            .unwrap_err()
            .to_string()
            .contains("one set of classes")
    );
}
