//! What each device has for itself.

use super::{Gpu, PTX, address, ok, read};
use cudarc::driver::CudaContext;
use cudarc::driver::sys::{self, CUresult};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::ptr::null_mut;

pub fn names(gpus: &[Gpu; 2]) {
    assert_eq!(CudaContext::device_count(), Ok(2));
    assert_eq!(gpus[0].context.name(), gpus[1].context.name());
    let uuids = [0, 1].map(|n| gpus[n].context.uuid().unwrap().bytes);
    assert_ne!(uuids[0], uuids[1]);
    let bus = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID;
    let mut buses = BTreeSet::new();
    for (ordinal, gpu) in gpus.iter().enumerate() {
        buses.insert(gpu.context.attribute(bus).unwrap());
        let (mut text, mut found) = ([0; 16], -1);
        // SAFETY: results have the room they say; the text ends in NUL.
        unsafe {
            ok(sys::cuDeviceGetPCIBusId(
                text.as_mut_ptr(),
                16,
                ordinal as i32,
            ));
            ok(sys::cuDeviceGetByPCIBusId(&raw mut found, text.as_ptr()));
            let text = CStr::from_ptr(text.as_ptr()).to_str().unwrap();
            assert_eq!(text, format!("0000:0{ordinal}:00.0"));
        }
        assert_eq!(found, ordinal as i32);
    }
    assert_eq!(buses.len(), 2);
    let mut device = 0;
    // SAFETY: the result has room.
    let code = unsafe { sys::cuDeviceGet(&raw mut device, 2) };
    assert_eq!(code, CUresult::CUDA_ERROR_INVALID_DEVICE);
    assert!(CudaContext::new(2).is_err());
}

pub fn contexts(gpus: &[Gpu; 2]) {
    assert_ne!(gpus[0].context.cu_ctx(), gpus[1].context.cu_ctx());
    for (ordinal, gpu) in gpus.iter().enumerate() {
        gpu.bind();
        let (mut device, mut of_stream) = (-1, -1);
        // SAFETY: results have room.
        unsafe {
            ok(sys::cuCtxGetDevice(&raw mut device));
            let other = gpus[1 - ordinal].stream.cu_stream();
            ok(sys::cuStreamGetDevice(other, &raw mut of_stream));
        }
        assert_eq!((device, of_stream), (ordinal as i32, 1 - ordinal as i32));
    }
}

pub fn budgets(gpus: &[Gpu; 2]) {
    const SIZE: usize = 40 << 20;
    let mut taken = [0; 2];
    for (gpu, taken) in gpus.iter().zip(&mut taken) {
        gpu.bind();
        let (free, total) = gpu.context.mem_get_info().unwrap();
        assert!(total == 64 << 20 && free > SIZE, "{free} of {total}");
        let mut more = 0;
        // SAFETY: results have room.
        unsafe {
            ok(sys::cuMemAlloc_v2(taken, SIZE));
            let code = sys::cuMemAlloc_v2(&raw mut more, SIZE);
            assert_eq!(code, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        }
        assert!(gpu.context.mem_get_info().unwrap().0 <= free - SIZE);
    }
    // freed by whoever's thread
    gpus[0].bind();
    // SAFETY: allocated above, freed once.
    unsafe { ok(sys::cuMemFree_v2(taken[1])) };
    assert!(gpus[1].context.mem_get_info().unwrap().0 > SIZE);
    assert!(gpus[0].context.mem_get_info().unwrap().0 < SIZE);
}

pub fn pointers(gpus: &[Gpu; 2]) {
    use sys::CUpointer_attribute::{
        CU_POINTER_ATTRIBUTE_CONTEXT as CONTEXT, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL as ORDINAL,
    };
    let slices = [0, 1].map(|n| gpus[n].filled(1.0));
    for (ordinal, (gpu, slice)) in gpus.iter().zip(&slices).enumerate() {
        let (mut of, mut context) = (-1i32, null_mut::<sys::CUctx_st>());
        // SAFETY: results have the room of what is asked for.
        unsafe {
            let at = address(slice);
            ok(sys::cuPointerGetAttribute(
                (&raw mut of).cast(),
                ORDINAL,
                at,
            ));
            ok(sys::cuPointerGetAttribute(
                (&raw mut context).cast(),
                CONTEXT,
                at,
            ));
        }
        assert_eq!(of, ordinal as i32);
        assert_eq!(context, gpu.context.cu_ctx());
    }
}

/// The device of stream-ordered memory is the stream's, whichever context is current.
pub fn pools(gpus: &[Gpu; 2]) {
    let ordinal = sys::CUpointer_attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL;
    let mut defaults = [null_mut(); 2];
    for n in 0..2 {
        gpus[1 - n].bind();
        let (mut at, mut of) = (0, -1i32);
        // SAFETY: results have the room of what is asked for; what is allocated is freed once.
        unsafe {
            ok(sys::cuDeviceGetDefaultMemPool(
                &raw mut defaults[n],
                n as i32,
            ));
            let stream = gpus[n].stream.cu_stream();
            ok(sys::cuMemAllocAsync(&raw mut at, 64, stream));
            ok(sys::cuPointerGetAttribute(
                (&raw mut of).cast(),
                ordinal,
                at,
            ));
            ok(sys::cuMemFreeAsync(at, stream));
        }
        assert_eq!(of, n as i32);
    }
    assert_ne!(defaults[0], defaults[1]);
    // SAFETY: both are pools; neither is the other device's.
    let code = unsafe { sys::cuDeviceSetMemPool(0, defaults[1]) };
    assert_eq!(code, CUresult::CUDA_ERROR_INVALID_VALUE);
}

/// One library on two devices: kernels run on both, and each has variables of its own.
pub fn libraries(gpus: &[Gpu; 2]) {
    let (text, mut library) = (CString::new(PTX).unwrap(), null_mut());
    let mut variables = [0u64; 2];
    // SAFETY: results have room, texts end in NUL, and the variable has four bytes.
    unsafe {
        let (none, data) = (null_mut(), text.as_ptr().cast());
        ok(sys::cuLibraryLoadData(
            &raw mut library,
            data,
            none,
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            0,
        ));
        for (gpu, variable) in gpus.iter().zip(&mut variables) {
            gpu.bind();
            let (mut kernel, mut function, mut bytes) = (null_mut(), null_mut(), 0);
            ok(sys::cuLibraryGetKernel(
                &raw mut kernel,
                library,
                c"scale_all".as_ptr(),
            ));
            ok(sys::cuKernelGetFunction(&raw mut function, kernel));
            ok(sys::cuLibraryGetGlobal(
                variable,
                &raw mut bytes,
                library,
                c"scale".as_ptr(),
            ));
            assert_eq!(bytes, 4);
            let at = gpu.plain(0.0);
            let mut arguments = [(&raw const at).cast_mut().cast()];
            let stream = gpu.stream.cu_stream();
            let arguments = arguments.as_mut_ptr();
            ok(sys::cuLaunchKernel(
                function,
                1,
                1,
                1,
                4,
                1,
                1,
                0,
                stream,
                arguments,
                null_mut(),
            ));
            gpu.stream.synchronize().unwrap();
            assert_eq!(read(at)[..4].each_ref_bits(), [10, 20, 30, 40]);
        }
        ok(sys::cuLibraryUnload(library));
    }
    assert_ne!(variables[0], variables[1]);
}

trait Bits {
    fn each_ref_bits(&self) -> Vec<u32>;
}

impl Bits for [f32] {
    fn each_ref_bits(&self) -> Vec<u32> {
        self.iter().map(|x| x.to_bits()).collect()
    }
}
