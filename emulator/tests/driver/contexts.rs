//! Contexts, and errors that stay.

use super::raw::{self, Code, Own, ok};
use cudarc::driver::sys;
use std::ptr::null_mut;

fn current() -> sys::CUcontext {
    let mut context = null_mut();
    // SAFETY: the result has room.
    ok(unsafe { sys::cuCtxGetCurrent(&raw mut context) }).unwrap();
    context
}

#[test]
fn contexts_are_a_stack_of_each_thread() {
    let first = Own::new();
    let second = Own::new();
    assert_eq!(current(), second.context);
    let mut popped = null_mut();
    // SAFETY: the result has room; the context is alive.
    unsafe {
        ok(sys::cuCtxPopCurrent_v2(&raw mut popped)).unwrap();
        assert_eq!((popped, current()), (second.context, first.context));
        ok(sys::cuCtxPushCurrent_v2(second.context)).unwrap();
    }
    let elsewhere = std::thread::spawn(|| current() as usize).join().unwrap();
    assert_eq!(elsewhere, 0, "a new thread has no context");
    drop(second);
    assert_eq!(current(), first.context);
}

#[test]
fn what_belongs_to_a_context_ends_with_it() {
    let address = {
        let own = Own::new();
        let address = own.alloc(64);
        // SAFETY: 64 bytes.
        ok(unsafe { sys::cuMemsetD8_v2(address, 0, 64) }).unwrap();
        address
    };
    let _other = Own::new();
    // SAFETY: a freed address is what is tried.
    let code = unsafe { sys::cuMemsetD8_v2(address, 0, 64) };
    assert_eq!(code, Code::CUDA_ERROR_INVALID_VALUE);
}

#[test]
fn handles_of_one_context_do_not_work_in_another() {
    let first = Own::new();
    let scale = first.function("scale_all");
    let _second = Own::new();
    let mut stream = null_mut();
    // SAFETY: the result has room.
    ok(unsafe { sys::cuStreamCreate(&raw mut stream, 1) }).unwrap();
    let mut address = first.alloc(16);
    let mut arguments = [(&raw mut address).cast()];
    let code = raw::launch(scale, [1; 3], [4, 1, 1], 0, stream, &mut arguments);
    assert_eq!(code, Code::CUDA_ERROR_INVALID_HANDLE);
}

/// Launches a kernel that must fail, and returns what the calls after it answer.
fn after(kernel: &str) -> (Code, Own) {
    let own = Own::new();
    let address = own.alloc(64);
    // SAFETY: 64 bytes.
    ok(unsafe { sys::cuMemsetD8_v2(address, 0, 64) }).unwrap();
    let launched = own.launch(kernel, 1, address);
    assert_eq!(launched, Code::CUDA_SUCCESS, "a launch is asynchronous");
    (raw::synchronise(), own)
}

#[test]
fn errors_of_kernels_stay_with_their_context() {
    for (kernel, expected) in [
        ("stray", Code::CUDA_ERROR_ILLEGAL_ADDRESS),
        ("crooked", Code::CUDA_ERROR_MISALIGNED_ADDRESS),
        ("give_up", Code::CUDA_ERROR_LAUNCH_FAILED),
    ] {
        let (code, own) = after(kernel);
        assert_eq!(code, expected, "{kernel}");
        assert_eq!(raw::synchronise(), expected, "{kernel}: the error stays");
        let mut address = 0;
        // SAFETY: the result has room.
        let code = unsafe { sys::cuMemAlloc_v2(&raw mut address, 4) };
        assert_eq!(code, expected, "{kernel}: for every call");
        let healthy = Own::new();
        let data = healthy.alloc(16);
        // SAFETY: 16 bytes.
        ok(unsafe { sys::cuMemsetD8_v2(data, 0, 16) }).unwrap();
        ok(healthy.launch("scale_all", 4, data)).unwrap();
        ok(raw::synchronise()).unwrap();
        drop(healthy);
        drop(own);
    }
}
