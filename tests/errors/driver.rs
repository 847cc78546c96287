//! Drivers that are older than the kernels, which the emulator plays: this program runs itself again.

use std::process::Command;

use warpsmith::{Device, Error, Tensor};

/// What `child` prints, on an emulated device with this driver, compute capability and `WARPSMITH_VERBOSE`.
fn on(driver: &str, capability: &str, verbose: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "driver::child", "--nocapture"])
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CUDA_EMULATOR_DRIVER", driver)
        .env("CUDA_EMULATOR_CC", capability)
        .env("WARPSMITH_VERBOSE", verbose)
        .output()
        .unwrap();
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let text = text.concat();
    assert!(output.status.success(), "{text}");
    text
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

/// What the others run again.
#[test]
fn child() {
    cuda_emulator_testing::install();
    match Device::cuda(0) {
        Ok(device) => println!("cuda is {device}"),
        Err(error @ Error::PtxTooNew { .. }) => println!("too new: {error}"),
        Err(error) => println!("cuda is refused: {error}"),
    }
    for _ in 0..2 {
        let best = Device::best();
        println!("best is {best}");
        let x = Tensor::from_slice(&[-1.0_f32, 2.0], &[2], &best).unwrap();
        assert_eq!(x.relu().unwrap().to_vec().unwrap(), [0.0, 2.0]);
    }
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn an_older_driver_is_told_at_once() {
    for (driver, capability, says) in [
        (
            "11.3",
            "7.5",
            "refused: no CUDA driver: it is for CUDA 11.3; expected 11.4 ",
        ),
        (
            "10.2",
            "9.0",
            "refused: no CUDA driver: it is for CUDA 10.2; expected 11.4 ",
        ),
    ] {
        let text = on(driver, capability, "");
        let version = format!(" for CUDA {driver}");
        assert_says(&text, &[says, &version, "best is cpu"]);
        assert!(!text.contains("best is cuda"), "{text}");
    }
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn the_oldest_drivers_that_serve() {
    for (driver, capability) in [
        ("11.4", "7.5"),
        ("11.4", "8.0"),
        ("11.8", "9.0"),
        ("12.0", "9.0"),
    ] {
        let text = on(driver, capability, "1");
        assert_says(&text, &["cuda is cuda:0 (CUDA emulator", "best is cuda:0"]);
        assert!(!text.contains("warpsmith:"), "{text}");
    }
}

/// Nothing unless it is asked for, and then once.
#[test]
fn best_says_why_it_is_the_cpu() {
    for (verbose, lines) in [("", 0), ("0", 0), ("1", 1), ("yes", 1)] {
        let text = on("11.3", "9.0", verbose);
        assert_says(&text, &["best is cpu"]);
        let told = text.matches("warpsmith: Device::best() takes the CPU: ");
        assert_eq!(told.count(), lines, "{verbose:?}: {text}");
    }
}
