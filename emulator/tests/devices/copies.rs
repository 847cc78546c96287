//! Copies from device to device, and events that order them.

use super::{Gpu, N, address, ok, read};
use cudarc::driver::sys::{self, CUevent_flags, CUmemorytype, CUresult};
use std::mem::MaybeUninit;

const BYTES: usize = 4 * N;

pub fn linear(gpus: &[Gpu; 2]) {
    let [c0, c1] = [0, 1].map(|n| gpus[n].context.cu_ctx());
    let (a, b) = (gpus[0].filled(1.0), gpus[1].filled(2.0));
    let (a, b) = (address(&a), address(&b));
    let wrong = CUresult::CUDA_ERROR_INVALID_VALUE;
    // SAFETY: both ends have as many bytes; wrong contexts and lengths are what is tried.
    unsafe {
        ok(sys::cuMemcpyPeer(b, c1, a, c0, BYTES / 2));
        let half = read(b);
        assert_eq!((half[0], half[N - 1]), (1.0, 2.0));
        ok(sys::cuMemcpyPeerAsync(
            b,
            c1,
            a,
            c0,
            BYTES,
            gpus[1].stream.cu_stream(),
        ));
        gpus[1].stream.synchronize().unwrap();
        assert_eq!(read(b), [1.0; N]);
        ok(sys::cuMemsetD32_v2(a, 5, N));
        ok(sys::cuMemcpyDtoD_v2(b, a, BYTES));
        assert_eq!(read(b)[N - 1].to_bits(), 5);
        // within a device too
        ok(sys::cuMemcpyPeer(b, c1, b + 128, c1, 128));

        assert_eq!(
            sys::cuMemcpyPeer(b, c0, a, c0, BYTES),
            wrong,
            "not its device's"
        );
        assert_eq!(
            sys::cuMemcpyPeer(b, c1, a, c1, BYTES),
            wrong,
            "not its device's"
        );
        assert_eq!(
            sys::cuMemcpyPeer(b, c1, a, c0, BYTES + 1),
            wrong,
            "too long"
        );
        let none = std::ptr::null_mut();
        let code = sys::cuMemcpyPeer(b, none, a, c0, BYTES);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_CONTEXT);
    }
    // through the safe side, from one device's buffer to the other's
    let from = gpus[0].filled(7.0);
    let mut to = gpus[1].filled(0.0);
    gpus[0].stream.synchronize().unwrap();
    gpus[1].stream.memcpy_dtod(&from, &mut to).unwrap();
    gpus[1].stream.synchronize().unwrap();
    assert_eq!(read(address(&to)), [7.0; N]);
}

/// Four rows of eight floats out of a pitch of sixteen, from device 0 to device 1 and to the host.
pub fn boxes(gpus: &[Gpu; 2]) {
    let (a, b) = (gpus[0].filled(1.0), gpus[1].filled(2.0));
    let mut host = [0.0f32; 32];
    // SAFETY: the parameters are plain numbers, for which 0 is a value, but for the two kinds, which are set; rows are inside both buffers.
    unsafe {
        let mut copy = MaybeUninit::<sys::CUDA_MEMCPY3D_PEER>::zeroed();
        (*copy.as_mut_ptr()).srcMemoryType = CUmemorytype::CU_MEMORYTYPE_DEVICE;
        (*copy.as_mut_ptr()).dstMemoryType = CUmemorytype::CU_MEMORYTYPE_DEVICE;
        let mut copy = copy.assume_init();
        copy.srcDevice = address(&a);
        copy.srcContext = gpus[0].context.cu_ctx();
        copy.srcPitch = 64;
        copy.dstDevice = address(&b);
        copy.dstContext = gpus[1].context.cu_ctx();
        copy.dstPitch = 64;
        copy.dstXInBytes = 32;
        (copy.WidthInBytes, copy.Height, copy.Depth) = (32, 4, 1);
        ok(sys::cuMemcpy3DPeer(&raw const copy));
        let there = read(address(&b));
        for (row, values) in there.chunks(16).enumerate() {
            assert_eq!(values[..8], [2.0; 8], "row {row}");
            assert_eq!(values[8..], [1.0; 8], "row {row}");
        }
        // the host's end needs no context
        copy.dstMemoryType = CUmemorytype::CU_MEMORYTYPE_HOST;
        copy.dstHost = host.as_mut_ptr().cast();
        copy.dstContext = std::ptr::null_mut();
        (copy.dstPitch, copy.dstXInBytes) = (32, 0);
        ok(sys::cuMemcpy3DPeerAsync(
            &raw const copy,
            gpus[0].stream.cu_stream(),
        ));
        gpus[0].stream.synchronize().unwrap();
        assert_eq!(host, [1.0; 32]);
        copy.srcContext = gpus[1].context.cu_ctx();
        let code = sys::cuMemcpy3DPeer(&raw const copy);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_VALUE);
    }
}

pub fn events(gpus: &[Gpu; 2]) {
    let timed = |gpu: &Gpu| {
        let flags = CUevent_flags::CU_EVENT_DEFAULT;
        gpu.context.new_event(Some(flags)).unwrap()
    };
    let [first, second] = [timed(&gpus[0]), timed(&gpus[1])];
    let (a, b) = (gpus[0].filled(1.0), gpus[1].filled(2.0));
    first.record(&gpus[0].stream).unwrap();
    // SAFETY: handles are alive; the event of one device is not recorded by the other's stream, but waited for.
    unsafe {
        let (event, stream) = (first.cu_event(), gpus[1].stream.cu_stream());
        ok(sys::cuStreamWaitEvent(stream, event, 0));
        let code = sys::cuEventRecord(event, stream);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_HANDLE);
        let [c0, c1] = [0, 1].map(|n| gpus[n].context.cu_ctx());
        ok(sys::cuMemcpyPeerAsync(
            address(&b),
            c1,
            address(&a),
            c0,
            BYTES,
            stream,
        ));
    }
    second.record(&gpus[1].stream).unwrap();
    second.synchronize().unwrap();
    assert_eq!(read(address(&b)), [1.0; N]);
    let mut elapsed = 0.0;
    // SAFETY: the result has room.
    let code = unsafe {
        sys::cuEventElapsedTime_v2(&raw mut elapsed, first.cu_event(), second.cu_event())
    };
    assert_eq!(
        code,
        CUresult::CUDA_ERROR_INVALID_HANDLE,
        "clocks of two devices"
    );
}
