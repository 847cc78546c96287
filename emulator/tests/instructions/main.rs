//! One kernel for each instruction form: `tests/ptx/<family>/<name>.ptx`, run through the driver API, on the emulator
//! or on a real driver alike. Where they differ, the hardware is right.
//!
//! A file says in its leading comments what it is about:
//! ```text
//! // section: 9.7.3.6 fma              the section of the PTX ISA that the expected bits follow from
//! // launch: 2 32                      blocks, threads of a block, bytes of dynamic shared memory (default 0)
//! // in0: f32 0f3f800000 1.5 -2        a buffer: type and elements
//! // out0: b16 0x3c00 nan              what the kernel must leave in a buffer, bit by bit; `nan` is any NaN
//! // out1: f32 ulp=1 0f3f800000        ... or within so many units in the last place of the expected,
//! // out2: f32 rel=-22 0f3f800000      ... or 2 to this power times the expected, or `abs=-22`, plain
//! ```
//! The kernel is called `test`; its parameters are the addresses of in0, in1, ..., out0, out1, ... in this order.
//! Output buffers are filled with 0xa5 before the launch. A file whose `.target` is above the device, or for
//! another alone, is passed over.

mod case;
mod run;
mod value;

use std::path::{Path, PathBuf};

/// The files: where they are in the repository, or, collected by `scripts/gpu-suite`, beside this program's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ptx");
    if here.is_dir() {
        return here;
    }
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().join("../ptx")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// Runs all files of a family and fails with a list of what went wrong.
fn family(name: &str) {
    let files = sorted(&root().join(name));
    assert!(!files.is_empty(), "{name} has no files");
    let (mut passed, mut passed_over, mut wrong) = (0, 0, Vec::new());
    let mut device = run::Device::new().unwrap();
    for file in &files {
        match run::file(file, &mut device) {
            Ok(true) => passed += 1,
            Ok(false) => passed_over += 1,
            Err(message) => {
                wrong.push(format!(
                    "{name}/{}: {message}",
                    file.file_stem().unwrap().display()
                ));
            }
        }
    }
    println!("{name}: {passed} passed, {passed_over} passed over");
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
}

macro_rules! families {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            family(stringify!($name));
        })*

        /// A folder that nobody runs would be a test that cannot fail.
        #[test]
        fn every_family_is_run() {
            let run = [$(stringify!($name)),*];
            for folder in sorted(&root()) {
                let name = folder.file_name().unwrap().to_str().unwrap();
                assert!(run.contains(&name), "tests/ptx/{name} is not in the list of families");
            }
        }
    };
}

families! { atomic bfloat compare control convert double extended float half hopper integer logic memory moves operands tensor video warp }
