//! Kernels and the memory of other devices.

use super::{Gpu, N, address, ok, read};
use cudarc::driver::DevicePtr;
use cudarc::driver::sys::{self, CUresult};
use std::ptr::null_mut;

fn enable(peer: &Gpu) -> CUresult {
    // SAFETY: the context is alive.
    unsafe { sys::cuCtxEnablePeerAccess(peer.context.cu_ctx(), 0) }
}

fn disable(peer: &Gpu) -> CUresult {
    // SAFETY: the context is alive.
    unsafe { sys::cuCtxDisablePeerAccess(peer.context.cu_ctx()) }
}

pub fn peers(gpus: &[Gpu; 2]) {
    let (can, access) = (&mut [-1; 2], &mut -1);
    let supported = sys::CUdevice_P2PAttribute::CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED;
    // SAFETY: results have room.
    unsafe {
        ok(sys::cuDeviceCanAccessPeer(&raw mut can[0], 0, 1));
        ok(sys::cuDeviceCanAccessPeer(&raw mut can[1], 1, 1));
        ok(sys::cuDeviceGetP2PAttribute(access, supported, 1, 0));
        assert_eq!((*can, *access), ([1, 0], 1));
        let invalid = CUresult::CUDA_ERROR_INVALID_DEVICE;
        assert_eq!(
            sys::cuDeviceGetP2PAttribute(access, supported, 1, 1),
            invalid
        );
        assert_eq!(sys::cuDeviceCanAccessPeer(&raw mut can[0], 0, 2), invalid);
    }
    let (own, other) = (gpus[0].plain(1.0), gpus[1].plain(2.0));
    gpus[0].bind();
    assert_eq!(
        disable(&gpus[1]),
        CUresult::CUDA_ERROR_PEER_ACCESS_NOT_ENABLED
    );
    ok(enable(&gpus[1]));
    assert_eq!(
        enable(&gpus[1]),
        CUresult::CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED
    );
    assert_eq!(enable(&gpus[0]), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    // SAFETY: no context, and flags that there are not.
    unsafe {
        let code = sys::cuCtxEnablePeerAccess(null_mut(), 0);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_CONTEXT);
        let code = sys::cuCtxEnablePeerAccess(gpus[1].context.cu_ctx(), 1);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    // reads and writes
    ok(gpus[0].add(other, own, other));
    assert_eq!(read(other), [3.0; N]);
    // memory that comes later is reached too, and a module's variables
    let later = gpus[1].plain(10.0);
    let table = gpus[1].module.get_global("table", &gpus[1].stream).unwrap();
    let table = table.device_ptr(&gpus[1].stream).0;
    ok(gpus[0].add_some(later, table, later, 16));
    gpus[0].bind();
    ok(gpus[0].add(own, later, own));
    assert_eq!(read(own), [11.0; N]);
    ok(disable(&gpus[1]));
    assert_eq!(
        gpus[0].add(own, other, own),
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
    );
    // the other device's context is none the worse, and was never given access
    assert_eq!(gpus[1].add(other, other, other), CUresult::CUDA_SUCCESS);
    assert_eq!(
        gpus[1].add(other, own, other),
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
    );
}

/// A pool's memory is shared by the pool, not by peer access.
pub fn shared_pools(gpus: &[Gpu; 2]) {
    let (a, b) = (gpus[0].filled(1.0), gpus[1].filled(2.0));
    gpus[1].stream.synchronize().unwrap();
    let mut pool = null_mut();
    let location = sys::CUmemLocation {
        type_: sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE,
        id: 0,
    };
    let access = |flags, id| sys::CUmemAccessDesc {
        location: sys::CUmemLocation { id, ..location },
        flags,
    };
    use sys::CUmemAccess_flags::{
        CU_MEM_ACCESS_FLAGS_PROT_NONE as NONE, CU_MEM_ACCESS_FLAGS_PROT_READWRITE as BOTH,
    };
    let mut told = NONE;
    // SAFETY: the pool is the device's own, lists are as long as they say, results have room.
    unsafe {
        ok(sys::cuDeviceGetDefaultMemPool(&raw mut pool, 1));
        ok(sys::cuMemPoolGetAccess(
            &raw mut told,
            pool,
            &raw const location as *mut _,
        ));
        assert_eq!(told, NONE);
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        assert_eq!(
            sys::cuMemPoolSetAccess(pool, &access(NONE, 1), 1),
            invalid,
            "its own"
        );
        let code = sys::cuMemPoolSetAccess(pool, &access(BOTH, 2), 1);
        assert_eq!(code, CUresult::CUDA_ERROR_INVALID_DEVICE);
        ok(sys::cuMemPoolSetAccess(pool, &access(BOTH, 0), 1));
        ok(sys::cuMemPoolGetAccess(
            &raw mut told,
            pool,
            &raw const location as *mut _,
        ));
        assert_eq!(told, BOTH);
    }
    ok(gpus[0].add(address(&b), address(&a), address(&b)));
    assert_eq!(read(address(&b)), [3.0; N]);
    // SAFETY: as above.
    unsafe { ok(sys::cuMemPoolSetAccess(pool, &access(NONE, 0), 1)) };
    gpus[0].bind();
    ok(enable(&gpus[1]));
    let code = gpus[0].add(address(&b), address(&a), address(&b));
    assert_eq!(code, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
}

/// Pinned and managed memory is everybody's, a device's its own.
pub fn none(gpus: &[Gpu; 2]) {
    gpus[1].bind();
    let (mut pinned, mut managed) = (null_mut(), 0);
    // SAFETY: results have room, and what is allocated is as long as what is written.
    unsafe {
        ok(sys::cuMemHostAlloc(&raw mut pinned, 4 * N, 0));
        std::slice::from_raw_parts_mut(pinned.cast::<f32>(), N).fill(4.0);
        ok(sys::cuMemAllocManaged(&raw mut managed, 4 * N, 1));
    }
    let (own, other) = (gpus[0].plain(1.0), gpus[1].plain(2.0));
    ok(gpus[0].add(managed, pinned as u64, own));
    assert_eq!(read(managed), [5.0; N]);
    let code = gpus[0].add(own, other, own);
    assert_eq!(code, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
}
