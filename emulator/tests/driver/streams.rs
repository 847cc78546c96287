//! Streams, events, host functions, threads.

use super::raw::{Code, Own, ok};
use super::{context, function};
use cudarc::driver::sys::{self, CUevent_flags_enum as Flags};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;

#[test]
fn work_of_two_streams_is_ordered_by_events() {
    let context = context();
    let (one, two) = (context.new_stream().unwrap(), context.new_stream().unwrap());
    let add = function(&context, "add");
    let ones = one.clone_htod(&vec![1f32; 300]).unwrap();
    let mut sum = one.alloc_zeros::<f32>(300).unwrap();
    let config = LaunchConfig {
        grid_dim: (3, 1, 1),
        block_dim: (128, 1, 1),
        shared_mem_bytes: 0,
    };
    for round in 0..6 {
        let (stream, other) = if round % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        let previous = stream.clone_dtod(&sum).unwrap();
        let mut call = stream.launch_builder(&add);
        call.arg(&mut sum).arg(&previous).arg(&ones).arg(&300u32);
        // SAFETY: the kernel's parameters; 384 threads guard against 300 elements.
        unsafe { call.launch(config) }.unwrap();
        other.join(stream).unwrap();
    }
    assert_eq!(two.clone_dtoh(&sum).unwrap(), [6.0; 300]);
}

#[test]
fn events_tell_time_and_only_if_they_may() {
    let context = context();
    let stream = context.new_stream().unwrap();
    let timed = || context.new_event(Some(Flags::CU_EVENT_DEFAULT)).unwrap();
    let (start, end) = (timed(), timed());
    assert!(start.elapsed_ms(&end).is_err(), "never recorded");
    start.record(&stream).unwrap();
    let data = stream.alloc_zeros::<u8>(1 << 20).unwrap();
    end.record(&stream).unwrap();
    end.synchronize().unwrap();
    assert!(end.is_complete());
    let elapsed = start.elapsed_ms(&end).unwrap();
    assert!((0.0..10_000.0).contains(&elapsed), "{elapsed} ms");
    let untimed = context
        .new_event(Some(Flags::CU_EVENT_DISABLE_TIMING))
        .unwrap();
    untimed.record(&stream).unwrap();
    assert!(start.elapsed_ms(&untimed).is_err());
    drop(data);
}

#[test]
fn the_special_stream_handles_are_accepted() {
    let own = Own::new();
    let address = own.alloc(16);
    for handle in 0..3usize {
        let stream = handle as sys::CUstream;
        // SAFETY: 16 bytes at the address.
        unsafe {
            ok(sys::cuMemsetD32Async(address, handle as u32, 4, stream)).unwrap();
            ok(sys::cuStreamSynchronize(stream)).unwrap();
            ok(sys::cuStreamQuery(stream)).unwrap();
            let mut context = null_mut();
            ok(sys::cuStreamGetCtx(stream, &raw mut context)).unwrap();
            assert_eq!(context, own.context);
        }
    }
}

#[test]
fn priorities_are_clamped_to_the_range() {
    let _own = Own::new();
    let (mut least, mut greatest, mut priority, mut stream) = (9, 9, 9, null_mut());
    // SAFETY: results have room.
    unsafe {
        ok(sys::cuCtxGetStreamPriorityRange(
            &raw mut least,
            &raw mut greatest,
        ))
        .unwrap();
        assert!(greatest < least);
        ok(sys::cuStreamCreateWithPriority(&raw mut stream, 1, -1000)).unwrap();
        ok(sys::cuStreamGetPriority(stream, &raw mut priority)).unwrap();
        assert_eq!(priority, greatest);
        ok(sys::cuStreamDestroy_v2(stream)).unwrap();
    }
}

static SEEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

extern "C" fn note(argument: *mut c_void) {
    let mut count = 0;
    // SAFETY: the result has room.
    let code = unsafe { sys::cuDeviceGetCount(&raw mut count) };
    SEEN.lock()
        .unwrap()
        .push(argument as u32 + 1000 * u32::from(code == Code::CUDA_SUCCESS));
}

#[test]
fn host_functions_run_in_order_and_must_not_call_the_driver() {
    let _own = Own::new();
    let mut stream = null_mut();
    // SAFETY: `note` takes any argument.
    unsafe {
        ok(sys::cuStreamCreate(&raw mut stream, 1)).unwrap();
        for i in 1..4usize {
            ok(sys::cuLaunchHostFunc(stream, Some(note), i as *mut c_void)).unwrap();
        }
        ok(sys::cuStreamSynchronize(stream)).unwrap();
        assert_eq!(
            sys::cuLaunchHostFunc(stream, None, null_mut()),
            Code::CUDA_ERROR_INVALID_VALUE
        );
    }
    let seen: Vec<u32> = SEEN.lock().unwrap().iter().map(|x| x % 1000).collect();
    assert_eq!(seen, [1, 2, 3]);
    if cuda_emulator_testing::emulated() {
        assert!(
            SEEN.lock().unwrap().iter().all(|x| *x < 1000),
            "the driver answered inside a host function"
        );
    }
}

#[test]
fn threads_share_a_context() {
    let context = context();
    let add = function(&context, "add");
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let (context, add) = (&context, &add);
            scope.spawn(move || {
                context.bind_to_thread().unwrap();
                let stream = context.new_stream().unwrap();
                let data = stream.clone_htod(&vec![thread as f32; 1000]).unwrap();
                for _ in 0..10 {
                    let mut out = stream.alloc_zeros::<f32>(1000).unwrap();
                    let mut call = stream.launch_builder(add);
                    call.arg(&mut out).arg(&data).arg(&data).arg(&1000u32);
                    // SAFETY: the kernel's parameters.
                    unsafe { call.launch(LaunchConfig::for_num_elems(1000)) }.unwrap();
                    assert_eq!(
                        stream.clone_dtoh(&out).unwrap(),
                        [2.0 * thread as f32; 1000]
                    );
                }
            });
        }
    });
}
