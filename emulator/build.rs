//! Gives the library the name under which programs look for the driver, and a test the platform that it is built for.
//!
//! The file is `libcuda_emulator.so`, so that it never shadows a real driver by accident. Once it is loaded by its
//! path, a later `dlopen("libcuda.so")` in the same process is answered by the SONAME set here.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcuda.so");
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo:rustc-env=TARGET={target}");
    }
}
