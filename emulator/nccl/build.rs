//! Gives the library the name under which programs look for NCCL. The file is `libnccl_emulator.so`, so that it never
//! shadows the real one by accident. Once it is loaded by its path, a later `dlopen("libnccl.so")` in the same process is
//! answered by the SONAME set here; who asks for `libnccl.so.2` alone is given a folder that has it, by `cuda-emulate`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnccl.so");
}
