//! Where this program finds the libraries: a release build takes them in whole, so that `cargo install` needs to copy one file.
//! Others, which are built again and again, find them where cargo leaves them.

use std::env;
use std::fs::OpenOptions;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(embedded)");
    let profile = env::var("PROFILE").unwrap_or_default();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // <profile>/build/<this package>/out
    let Some(folder) = out.ancestors().nth(3).filter(|_| profile == "release") else {
        return;
    };
    // `cargo check` builds no library, and asks for a file all the same; a build overwrites it before it is read
    let _ = std::fs::create_dir_all(folder.join("deps"));
    for (variable, file) in [
        ("EMULATOR", "libcuda_emulator.so"),
        ("NCCL_EMULATOR", "libnccl_emulator.so"),
    ] {
        let library = folder.join("deps").join(file);
        let _ = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&library);
        println!("cargo:rustc-env={variable}={}", library.display());
    }
    println!("cargo:rustc-cfg=embedded");
}
