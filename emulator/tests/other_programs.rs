//! A program that is not Rust and knows nothing of the emulator finds it under the driver's name, as `scripts/emulate`
//! puts it.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn a_python_program_runs_a_kernel() {
    let library = std::env::current_exe()
        .unwrap()
        .with_file_name("libcuda_emulator.so");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("emulate");
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("libcuda.so.1");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&library, &link).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vector_add.py");
    let output = match Command::new("python3")
        .arg(program)
        .env("LD_LIBRARY_PATH", &folder)
        .output()
    {
        Ok(output) => output,
        Err(error) => return println!("not tried, there is no python3: {error}"),
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(
        out.contains("1000 sums are right on: CUDA emulator"),
        "{out}{err}"
    );
}
