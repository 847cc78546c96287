//! Gives the library the name under which programs look for the driver, a test the platform that it is built for, and the
//! interpreter the instruction sets that its handlers are compiled for.
//!
//! The file is `libcuda_emulator.so`, so that it never shadows a real driver by accident. Once it is loaded by its
//! path, a later `dlopen("libcuda.so")` in the same process is answered by the SONAME set here.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcuda.so");
    println!("cargo:rerun-if-env-changed=CUDA_EMULATOR_PROCESSOR");
    println!("cargo:rustc-check-cfg=cfg(processor, values(\"avx2\", \"plain\"))");
    if let Some(processor) = processor() {
        println!("cargo:rustc-cfg=processor=\"{processor}\"");
    }
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo:rustc-env=TARGET={target}");
    }
}

/// The one kind of processor that this build is for: the kind of this machine. Handlers are most of the library, and those of
/// both kinds take half as long again to compile; `CUDA_EMULATOR_PROCESSOR=any` has both, to be carried elsewhere.
fn processor() -> Option<&'static str> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    if variable("CUDA_EMULATOR_PROCESSOR") == "any" || variable("HOST") != variable("TARGET") {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi2")
    {
        return Some("avx2");
    }
    Some("plain")
}
