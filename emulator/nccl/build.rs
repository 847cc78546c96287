//! Gives the library the name under which programs look for NCCL. The file is `libnccl_emulator.so`, so that it never
//! shadows the real one by accident.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnccl.so.2");
}
