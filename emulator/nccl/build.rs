//! Gives the library the name under which programs look for NCCL. The file is `libnccl_emulator.so`, so that it never
//! shadows the real one by accident.
//!
//! Once it is loaded by its path, a later `dlopen("libnccl.so")` in the same process, which is what cudarc tries first, is
//! answered by the SONAME set here. Programs that are linked against NCCL want `libnccl.so.2`, and find it as a file.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnccl.so");
}
