//! Where this program finds the library: a release build takes it in whole, so that `cargo install` needs to copy one file.
//! Others, which are built again and again, find it where cargo leaves it.

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
    let library = folder.join("deps/libcuda_emulator.so");
    // `cargo check` builds no library, and asks for a file all the same; a build overwrites it before it is read
    let _ = std::fs::create_dir_all(folder.join("deps"));
    let _ = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&library);
    println!("cargo:rustc-cfg=embedded");
    println!("cargo:rustc-env=EMULATOR={}", library.display());
}
