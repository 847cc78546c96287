//! Every function of the driver API can be called.

use super::raw::{Code, Own, ok};
use cudarc::driver::sys;
use std::ffi::CStr;
use std::path::PathBuf;
use std::process::Command;
use std::ptr::null_mut;

/// cudarc's list of the driver's functions, from the source that this test was built with.
fn cudarc_names() -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| env!("CARGO").into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            // crates for other systems were never fetched
            "--filter-platform",
            env!("TARGET"),
        ])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {complaint}");
    let metadata = String::from_utf8(output.stdout).unwrap();
    let key = "\"manifest_path\":\"";
    let manifest = metadata
        .match_indices(key)
        .map(|(at, _)| metadata[at + key.len()..].split('"').next().unwrap())
        .find(|path| path.contains("/cudarc-") && path.ends_with("/Cargo.toml"))
        .expect("cudarc is among the dependencies");
    let source = PathBuf::from(manifest).with_file_name("src/driver/sys/mod.rs");
    let source = std::fs::read_to_string(source).unwrap();
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub unsafe fn "))
        .filter_map(|line| line.split('(').next())
        .filter(|name| name.starts_with("cu") && *name != "culib")
        .map(str::to_owned)
        .collect()
}

/// What `cuGetProcAddress` answers.
pub fn address(name: &str) -> usize {
    let name = std::ffi::CString::new(name).unwrap();
    let (mut found, mut status) = (
        null_mut(),
        sys::CUdriverProcAddressQueryResult_enum::CU_GET_PROC_ADDRESS_SUCCESS,
    );
    // SAFETY: results have room, the name ends in NUL.
    unsafe { sys::cuGetProcAddress_v2(name.as_ptr(), &raw mut found, 12080, 0, &raw mut status) };
    found as usize
}

#[test]
fn the_library_has_every_function_that_cudarc_names() {
    let _own = Own::new();
    if !cuda_emulator_testing::emulated() {
        return;
    }
    let names = cudarc_names();
    assert!(
        names.len() > 500,
        "only {} names: has cudarc's source moved?",
        names.len()
    );
    let missing: Vec<_> = names.iter().filter(|name| address(name) == 0).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn names_without_a_version_mean_the_newest_that_the_caller_knows() {
    let _own = Own::new();
    assert_ne!(address("cuMemAlloc"), 0);
    assert_eq!(address("cuNoSuchFunction"), 0);
    if cuda_emulator_testing::emulated() {
        assert_eq!(address("cuMemAlloc"), address("cuMemAlloc_v2"));
        assert_eq!(address("cuCtxCreate"), address("cuCtxCreate_v4"));
        assert_eq!(address("malloc"), 0, "only the driver's own functions");
    }
}

#[test]
fn what_is_not_there_says_so() {
    let _own = Own::new();
    if cuda_emulator_testing::emulated() {
        let mut map = std::mem::MaybeUninit::<sys::CUarray>::uninit();
        // SAFETY: the function looks at none of its arguments.
        let code = unsafe { sys::cuArrayCreate_v2(map.as_mut_ptr(), std::ptr::null()) };
        assert_eq!(code, Code::CUDA_ERROR_NOT_SUPPORTED);
    }
}

#[test]
fn errors_have_names_and_words() {
    let _own = Own::new();
    let mut text = std::ptr::null();
    // SAFETY: the result has room; what comes back is static text.
    unsafe {
        ok(sys::cuGetErrorName(
            Code::CUDA_ERROR_ILLEGAL_ADDRESS,
            &raw mut text,
        ))
        .unwrap();
        assert_eq!(CStr::from_ptr(text), c"CUDA_ERROR_ILLEGAL_ADDRESS");
        ok(sys::cuGetErrorString(
            Code::CUDA_ERROR_ILLEGAL_ADDRESS,
            &raw mut text,
        ))
        .unwrap();
        assert_eq!(
            CStr::from_ptr(text),
            c"an illegal memory access was encountered"
        );
    }
}

#[test]
fn the_device_says_what_it_is() {
    let context = super::context();
    if cuda_emulator_testing::emulated() {
        let (major, minor) = context.compute_capability().unwrap();
        assert_eq!(
            context.name().unwrap(),
            format!("CUDA emulator on the CPU (sm_{major}{minor})")
        );
        let mut version = 0;
        // SAFETY: the result has room.
        ok(unsafe { sys::cuDriverGetVersion(&raw mut version) }).unwrap();
        assert_eq!(version, 12080);
    }
    let warp = context
        .attribute(sys::CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_WARP_SIZE)
        .unwrap();
    assert_eq!(warp, 32);
}
