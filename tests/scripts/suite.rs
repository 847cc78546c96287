//! `scripts/gpu-suite`: what its runner names is collected, and what it says of machines with one GPU, with two, and without
//! NCCL. The programs are made up here, since the real ones take minutes to build and to run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands behind `before` in a text, as far as it is a path.
fn words<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || "_./".contains(c);
    let behind = text.split(before).skip(1);
    let words = behind.map(|text| text.split(|c| !is_word(c)).next().unwrap_or(""));
    words.collect()
}

#[test]
fn what_the_runner_names_is_collected() {
    let (collects, runs) = (text("scripts/gpu-suite"), text("scripts/gpu-suite.run"));
    let examples = text("examples/Cargo.toml") + &text("examples/alexnet/Cargo.toml");
    let benches = text("benches/Cargo.toml");
    let named = words(&runs, "\"$here/");
    assert!(named.len() > 6, "{named:?}");
    for path in named {
        let (folder, name) = path.split_once('/').unwrap();
        let is_collected = match folder {
            "examples" => examples.contains(&format!("[[bin]]\nname = \"{name}\"")),
            "benches" if name.contains('.') => {
                collects.contains(&format!("/{name} \"$folder/benches/"))
            }
            "benches" => benches.contains(&format!("[[bench]]\nname = \"{name}\"")),
            "tests" => root().join("tests").join(name).join("main.rs").is_file(),
            "deps" => collects.contains(&format!("cp scripts/{name} \"$folder/deps/\"")),
            _ => false,
        };
        assert!(is_collected, "{path}");
    }
}

/// A test that looks at this repository while it runs would not find it there.
#[test]
fn tests_that_look_at_the_repository_stay_here() {
    let mut look = Vec::new();
    for test in fs::read_dir(root().join("tests")).unwrap() {
        let folder = test.unwrap().path();
        let is_looking = |file: PathBuf| {
            let text = fs::read_to_string(&file).unwrap_or_default();
            file.is_file() && text.contains("env!(\"CARGO_MANIFEST_DIR\")")
        };
        let mut files = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        if files.any(is_looking) {
            look.push(folder.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    look.sort();
    let collects = text("scripts/gpu-suite");
    let left_out = format!("        {}) ;;\n", look.join(" | "));
    assert!(
        collects.contains(&left_out),
        "{left_out:?} is not in scripts/gpu-suite"
    );
}

/// A collected suite of programs that say what they were called with, and the folder of a machine's own.
struct Machine(tempfile::TempDir);

impl Machine {
    /// Where `tests/distributed` says this, and whether what it runs goes well.
    fn new(distributed: &str, is_well: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self(folder);
        let end = if is_well { "exit 0" } else { "exit 3" };
        machine.program(
            "made/tests/distributed",
            &format!("cat << 'END'\n{distributed}\nEND"),
        );
        machine.program(
            "made/tests/errors",
            &format!("echo 'test one ... ok'\n{end}"),
        );
        machine.program("made/benches/times", &format!("echo 'so long' >&2\n{end}"));
        for name in words(&text("scripts/gpu-suite.run"), "\"$here/") {
            let place = format!("made/{name}");
            if !machine.0.path().join(&place).exists() {
                machine.program(&place, "echo \"$0 $* at $WARPSMITH_NCCL\"");
            }
        }
        machine.program("bin/nvidia-smi", "echo '570.00, 8.0'");
        fs::copy(
            root().join("scripts/gpu-suite.run"),
            machine.0.path().join("run"),
        )
        .unwrap();
        let pack = "import sys, tarfile; tarfile.open(sys.argv[1], 'w:xz').add(sys.argv[2], '.')";
        let packed = Command::new("python3")
            .args(["-c", pack, "suite.tar.xz", "made"])
            .current_dir(machine.0.path())
            .status();
        assert!(packed.unwrap().success());
        machine
    }

    fn program(&self, place: &str, lines: &str) {
        let path = self.0.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the suite there, with nothing of this process's surroundings.
    fn run(&self) -> (Output, String) {
        let here = self.0.path();
        let output = Command::new("bash")
            .arg(here.join("run"))
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", here.join("bin").display()),
            )
            .env("HOME", here)
            .env("WARPSMITH_NCCL", "/a/place")
            .current_dir("/")
            .output()
            .unwrap();
        let report = fs::read_to_string(here.join("results/report.md"));
        (output, report.unwrap_or_default())
    }

    fn log(&self, name: &str) -> String {
        let path = self.0.path().join("results").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }
}

#[test]
fn many_gpus_are_tried_where_there_are_two() {
    let machine = Machine::new(
        "GPUs: 2\nNCCL: found\nalike on 2 devices ... ok\nalike on 4 devices ... ignored, it wants 4",
        true,
    );
    let (output, report) = machine.run();
    assert!(output.status.success(), "{output:?}");
    for line in [
        "- distributed: passed (1 tests)",
        "- distributed: 1 left out: it wants 4",
        "- errors: passed (1 tests)",
        "- lenet_threads: passed\n",
        "- lenet_processes: passed\n",
        "- compute-sanitizer: not on this machine",
        "Driver: 570.00, 8.0.",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    let (threads, processes) = (
        machine.log("lenet_threads.log"),
        machine.log("lenet_processes.log"),
    );
    assert!(
        threads.contains("/examples/lenet --devices 2 "),
        "{threads}"
    );
    assert!(threads.contains("at /a/place"), "{threads}");
    assert!(processes.contains("/deps/launch 2 "), "{processes}");
}

#[test]
fn why_many_gpus_are_not_tried_is_said() {
    for (says, why) in [
        ("GPUs: 1\nNCCL: found", "it wants 2 and there are 1"),
        (
            "GPUs: 2\nNCCL: no such library",
            "there is no NCCL: no such library",
        ),
        ("", "it wants 2 and there are 0"),
    ] {
        let (output, report) = Machine::new(says, true).run();
        assert!(output.status.success(), "{output:?}");
        let line = format!("- lenet on many GPUs: left out, as {why}");
        assert!(
            report.contains(&line) && !report.contains("lenet_"),
            "{report}"
        );
    }
}

#[test]
fn a_test_that_fails_fails_the_suite() {
    let (output, report) = Machine::new("GPUs: 1\nNCCL: found", false).run();
    assert!(!output.status.success());
    for line in [
        "- errors: **failed**, exit code 3",
        "- times: **failed**: so long",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
}
