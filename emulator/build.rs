//! Gives the library the name under which programs look for the driver, a test the platform that it is built for, and the
//! interpreter the instruction sets that its handlers are compiled for.
//!
//! The file is `libcuda_emulator.so`, so that it never shadows a real driver by accident. Once it is loaded by its
//! path, a later `dlopen("libcuda.so")` in the same process is answered by the SONAME set here.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcuda.so");
    println!("cargo:rerun-if-env-changed=CUDA_EMULATOR_PROCESSOR");
    println!("cargo:rustc-check-cfg=cfg(processor, values(\"plain\"))");
    if is_plain() {
        println!("cargo:rustc-cfg=processor=\"plain\"");
    }
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo:rustc-env=TARGET={target}");
    }
}

/// Whether instructions are compiled for any processor, which is much slower: that was asked for, or this machine lacks what
/// they would use.
fn is_plain() -> bool {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let is_carried = variable("HOST") != variable("TARGET");
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi2");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    variable("CUDA_EMULATOR_PROCESSOR") == "any" || !(has_avx2 || is_carried)
}
