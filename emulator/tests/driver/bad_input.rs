//! What no program should do, and must not bring the process down: an error code each time.

use super::VECTOR;
use super::raw::{self, Code, Own, ok};
use cudarc::driver::sys;
use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};

#[test]
fn null_results_and_handles_are_refused() {
    let own = Own::new();
    // SAFETY: null pointers and invented handles are what is tried; all are refused before they are used.
    unsafe {
        let invented = 0x1234_5678usize;
        assert_eq!(
            sys::cuDeviceGetCount(null_mut()),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        assert_eq!(
            sys::cuMemAlloc_v2(null_mut(), 4),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        assert_eq!(
            sys::cuModuleLoadData(null_mut(), c"".as_ptr().cast()),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        let mut module = null_mut();
        assert_eq!(
            sys::cuModuleLoadData(&raw mut module, null()),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        if cuda_emulator_testing::emulated() {
            // A real driver follows these pointers.
            assert_eq!(
                sys::cuStreamSynchronize(invented as _),
                Code::CUDA_ERROR_INVALID_HANDLE
            );
            assert_eq!(
                sys::cuEventSynchronize(invented as _),
                Code::CUDA_ERROR_INVALID_HANDLE
            );
            assert_eq!(
                sys::cuModuleUnload(invented as _),
                Code::CUDA_ERROR_INVALID_HANDLE
            );
            assert_eq!(
                sys::cuEventQuery(own.module().cast()),
                Code::CUDA_ERROR_INVALID_HANDLE,
                "another kind"
            );
            assert_eq!(
                sys::cuCtxSetCurrent(invented as _),
                Code::CUDA_ERROR_INVALID_CONTEXT
            );
            let code = raw::launch(invented as _, [1; 3], [1; 3], 0, null_mut(), &mut []);
            assert_eq!(code, Code::CUDA_ERROR_INVALID_HANDLE);
        }
        let mut device = 0;
        assert_eq!(
            sys::cuDeviceGet(&raw mut device, 99),
            Code::CUDA_ERROR_INVALID_DEVICE
        );
        assert_eq!(
            sys::cuDeviceGet(&raw mut device, -1),
            Code::CUDA_ERROR_INVALID_DEVICE
        );
    }
}

#[test]
fn wrong_addresses_and_sizes_are_refused() {
    let own = Own::new();
    let address = own.alloc(64);
    let mut host = [0u8; 128];
    let mut unused = 0;
    let to = host.as_mut_ptr().cast::<c_void>();
    let wrong = Code::CUDA_ERROR_INVALID_VALUE;
    // SAFETY: the host's buffer is long enough for every size that is not refused.
    unsafe {
        assert_eq!(
            sys::cuMemcpyDtoH_v2(to, address, 65),
            wrong,
            "longer than the allocation"
        );
        assert_eq!(
            sys::cuMemcpyDtoH_v2(to, address + 60, 5),
            wrong,
            "beyond its end"
        );
        assert_eq!(sys::cuMemcpyDtoH_v2(to, 0, 4), wrong, "null on the device");
        assert_eq!(
            sys::cuMemcpyDtoH_v2(null_mut(), address, 4),
            wrong,
            "null on the host"
        );
        assert_eq!(
            sys::cuMemcpyHtoD_v2(to as u64, to, 4),
            wrong,
            "the host's address for the device's"
        );
        assert_eq!(sys::cuMemcpyDtoH_v2(to, address, usize::MAX), wrong);
        assert_eq!(sys::cuMemAlloc_v2(&raw mut unused, 0), wrong);
        assert_eq!(
            sys::cuMemAlloc_v2(&raw mut unused, usize::MAX),
            Code::CUDA_ERROR_OUT_OF_MEMORY
        );
        assert_eq!(sys::cuMemFree_v2(address + 4), wrong, "not its start");
        ok(sys::cuMemFree_v2(address)).unwrap();
        assert_eq!(sys::cuMemFree_v2(address), wrong, "freed twice");
        assert_eq!(sys::cuMemcpyDtoH_v2(to, address, 4), wrong, "after its end");
        ok(sys::cuMemFree_v2(0)).unwrap();
        ok(sys::cuMemcpyDtoH_v2(null_mut(), 0, 0)).unwrap();
    }
}

#[test]
fn impossible_launches_are_refused() {
    let own = Own::new();
    let mut address = own.alloc(16);
    let mut arguments = [(&raw mut address).cast::<c_void>()];
    let scale = own.function("scale_all");
    let mut launch =
        |grid, block, shared| raw::launch(scale, grid, block, shared, null_mut(), &mut arguments);
    let wrong = Code::CUDA_ERROR_INVALID_VALUE;
    assert_eq!(launch([0, 1, 1], [1, 1, 1], 0), wrong);
    assert_eq!(launch([1, 1, 1], [1, 0, 1], 0), wrong);
    assert_eq!(launch([1, 1, 1], [1025, 1, 1], 0), wrong);
    assert_eq!(launch([1, 1, 1], [64, 64, 1], 0), wrong, "4096 threads");
    assert_eq!(launch([1, 1, 1], [1, 1, 65], 0), wrong);
    assert_eq!(launch([1, 65536, 1], [1, 1, 1], 0), wrong);
    assert_eq!(launch([1, 1, 1], [1, 1, 1], 1 << 30), wrong);
    // SAFETY: no arguments at all for a kernel that has one.
    let none = unsafe {
        sys::cuLaunchKernel(
            scale,
            1,
            1,
            1,
            1,
            1,
            1,
            0,
            null_mut(),
            null_mut(),
            null_mut(),
        )
    };
    assert_eq!(none, wrong);
    ok(raw::synchronise()).unwrap();
}

#[test]
fn what_is_not_ptx_is_refused() {
    let _own = Own::new();
    let load = |bytes: &[u8]| {
        let mut module = null_mut();
        let mut image = bytes.to_vec();
        image.resize(bytes.len() + 64, 0);
        // SAFETY: NUL-terminated, with room behind it for readers of a header.
        let code = unsafe { sys::cuModuleLoadData(&raw mut module, image.as_ptr().cast()) };
        assert_ne!(
            code,
            Code::CUDA_SUCCESS,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
        code
    };
    load(b"");
    load(b"   \n");
    assert_eq!(load(b"this is no PTX"), Code::CUDA_ERROR_INVALID_PTX);
    assert_eq!(load(b"\xff\xfe\x01\x02"), Code::CUDA_ERROR_INVALID_PTX);
    assert_eq!(
        load(&VECTOR.as_bytes()[..VECTOR.len() / 2]),
        Code::CUDA_ERROR_INVALID_PTX
    );
    assert_eq!(
        load(VECTOR.replace("add.f32", "frobnicate.f32").as_bytes()),
        Code::CUDA_ERROR_INVALID_PTX
    );
    if cuda_emulator_testing::emulated() {
        // To a real driver these are broken binaries; here any binary is one too many.
        assert_eq!(
            load(b"\x7fELF\x02\x01\x01"),
            Code::CUDA_ERROR_NO_BINARY_FOR_GPU
        );
        assert_eq!(
            load(b"\x50\xed\x55\xba\x01\x00\x10\x00"),
            Code::CUDA_ERROR_NO_BINARY_FOR_GPU
        );
    }
}

#[test]
fn the_reason_of_a_refusal_goes_to_the_callers_log() {
    let _own = Own::new();
    let text = CString::new(VECTOR.replace("mul.wide.u32", "mul.woolly.u32")).unwrap();
    let mut log = [0u8; 512];
    let mut options = [
        sys::CUjit_option_enum::CU_JIT_ERROR_LOG_BUFFER,
        sys::CUjit_option_enum::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [
        log.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(512),
    ];
    let mut module = null_mut();
    // SAFETY: the log has the room it says.
    let code = unsafe {
        sys::cuModuleLoadDataEx(
            &raw mut module,
            text.as_ptr().cast(),
            2,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        )
    };
    assert_eq!(code, Code::CUDA_ERROR_INVALID_PTX);
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("woolly"), "{log}");
    assert!(log.contains("line"), "{log}");
}
