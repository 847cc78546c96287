//! Allocation, copies, fills, pools, pinned and registered memory, attributes of pointers.

use super::raw::{Code, Own, ok};
use super::{context, function};
use cudarc::driver::sys::{self, CUpointer_attribute_enum as Attribute};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use std::ffi::c_void;
use std::ptr::null_mut;

#[test]
fn data_goes_to_the_device_and_back() {
    let context = context();
    let stream = context.new_stream().unwrap();
    let data: Vec<u32> = (0..1000).collect();
    let first = stream.clone_htod(&data).unwrap();
    let second = stream.clone_dtod(&first).unwrap();
    drop(first);
    assert_eq!(stream.clone_dtoh(&second).unwrap(), data);
    let zeros = stream.alloc_zeros::<f32>(77).unwrap();
    assert_eq!(stream.clone_dtoh(&zeros).unwrap(), [0.0; 77]);
    let part = second.slice(10..20);
    let mut out = [0u32; 10];
    stream.memcpy_dtoh(&part, &mut out).unwrap();
    assert_eq!(out[..], data[10..20]);
}

#[test]
fn allocations_are_aligned_and_counted() {
    let own = Own::new();
    let (mut free, mut total) = (0, 0);
    // SAFETY: both results have room.
    ok(unsafe { sys::cuMemGetInfo_v2(&raw mut free, &raw mut total) }).unwrap();
    assert!(free <= total && total > 0);
    for bytes in [1, 3, 255, 4097] {
        assert_eq!(own.alloc(bytes) % 256, 0);
    }
    let (mut base, mut size) = (0, 0);
    let address = own.alloc(1000);
    // SAFETY: as above.
    ok(unsafe { sys::cuMemGetAddressRange_v2(&raw mut base, &raw mut size, address + 999) })
        .unwrap();
    assert_eq!((base, size), (address, 1000));
}

#[test]
fn pinned_memory_is_the_same_for_host_and_kernel() {
    let context = context();
    let stream = context.new_stream().unwrap();
    let add = function(&context, "add");
    // SAFETY: written before it is read.
    let mut pinned = unsafe { context.alloc_pinned::<f32>(64) }.unwrap();
    pinned
        .as_mut_slice()
        .unwrap()
        .iter_mut()
        .enumerate()
        .for_each(|(i, x)| *x = i as f32);
    let device = stream.clone_htod(&pinned).unwrap();
    let address = pinned.as_ptr().unwrap() as u64;
    let mut out = stream.alloc_zeros::<f32>(64).unwrap();
    let mut call = stream.launch_builder(&add);
    call.arg(&mut out).arg(&device).arg(&address).arg(&64u32);
    // SAFETY: the kernel's parameters; pinned memory is mapped at the host's own address.
    unsafe { call.launch(LaunchConfig::for_num_elems(64)) }.unwrap();
    let expected: Vec<f32> = (0..64).map(|i| 2.0 * i as f32).collect();
    assert_eq!(stream.clone_dtoh(&out).unwrap(), expected);
}

#[test]
fn registered_memory_is_reachable_until_it_is_unregistered() {
    let own = Own::new();
    let mut data = vec![1u32; 64];
    let address = data.as_mut_ptr().cast::<c_void>();
    // SAFETY: `data` outlives its registration.
    unsafe {
        ok(sys::cuMemHostRegister_v2(address, 256, 0)).unwrap();
        assert_eq!(
            sys::cuMemHostRegister_v2(address, 256, 0),
            Code::CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED
        );
        ok(own.launch("scale_all", 64, address as u64)).unwrap();
        ok(super::raw::synchronise()).unwrap();
        ok(sys::cuMemHostUnregister(address)).unwrap();
        assert_eq!(
            sys::cuMemHostUnregister(address),
            Code::CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED
        );
    }
    assert_eq!(data[..4], [13, 23, 33, 43]);
}

#[test]
fn managed_memory_is_written_by_the_host_in_place() {
    let own = Own::new();
    let mut address = 0;
    // SAFETY: the result has room; 16 bytes at the address belong to the host too.
    unsafe {
        let global = sys::CUmemAttach_flags_enum::CU_MEM_ATTACH_GLOBAL as u32;
        ok(sys::cuMemAllocManaged(&raw mut address, 16, global)).unwrap();
        let data = std::slice::from_raw_parts_mut(address as *mut u32, 4);
        data.copy_from_slice(&[1, 2, 3, 4]);
        ok(own.launch("scale_all", 4, address)).unwrap();
        ok(super::raw::synchronise()).unwrap();
        assert_eq!(data, [13, 26, 39, 52]);
        ok(sys::cuMemFree_v2(address)).unwrap();
    }
}

#[test]
fn fills_of_all_widths_and_in_rows() {
    let own = Own::new();
    let address = own.alloc(64);
    let mut out = [0u8; 64];
    // SAFETY: 64 bytes on either side.
    unsafe {
        ok(sys::cuMemsetD8_v2(address, 0x11, 64)).unwrap();
        ok(sys::cuMemsetD16_v2(address + 2, 0x2233, 2)).unwrap();
        ok(sys::cuMemsetD32_v2(address + 8, 0x4455_6677, 1)).unwrap();
        ok(sys::cuMemsetD2D8_v2(address + 16, 16, 0x99, 3, 3)).unwrap();
        ok(sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), address, 64)).unwrap();
        assert_eq!(
            sys::cuMemsetD32_v2(address + 2, 0, 1),
            Code::CUDA_ERROR_INVALID_VALUE,
            "misaligned"
        );
        assert_eq!(
            sys::cuMemsetD8_v2(address, 0, 65),
            Code::CUDA_ERROR_INVALID_VALUE,
            "too long"
        );
    }
    assert_eq!(
        out[..16],
        [
            17, 17, 0x33, 0x22, 0x33, 0x22, 17, 17, 0x77, 0x66, 0x55, 0x44, 17, 17, 17, 17
        ]
    );
    for row in out[16..].chunks(16) {
        assert_eq!(row[..4], [0x99, 0x99, 0x99, 17]);
    }
}

#[test]
fn a_rectangle_is_copied_between_pitches() {
    let own = Own::new();
    let address = own.alloc(100);
    let source: Vec<u8> = (0..60).collect();
    let mut out = [0u8; 100];
    let mut copy = sys::CUDA_MEMCPY2D {
        srcXInBytes: 2,
        srcY: 1,
        srcMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_HOST,
        srcHost: source.as_ptr().cast(),
        srcDevice: 0,
        srcArray: null_mut(),
        srcPitch: 12,
        dstXInBytes: 0,
        dstY: 0,
        dstMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE,
        dstHost: null_mut(),
        dstDevice: address,
        dstArray: null_mut(),
        dstPitch: 20,
        WidthInBytes: 5,
        Height: 4,
    };
    // SAFETY: the rectangle lies in 60 bytes on the host and 100 on the device.
    unsafe {
        ok(sys::cuMemsetD8_v2(address, 0xff, 100)).unwrap();
        ok(sys::cuMemcpy2D_v2(&raw const copy)).unwrap();
        ok(sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), address, 100)).unwrap();
        copy.Height = 6;
        assert_eq!(
            sys::cuMemcpy2D_v2(&raw const copy),
            Code::CUDA_ERROR_INVALID_VALUE
        );
    }
    for row in 0..4 {
        let from = (row + 1) * 12 + 2;
        assert_eq!(out[row * 20..row * 20 + 5], source[from..from + 5]);
        assert_eq!(out[row * 20 + 5], 0xff);
    }
}

#[test]
fn a_pool_has_a_limit_and_figures() {
    let _own = Own::new();
    // SAFETY: all zero is what the struct's documentation asks of the fields not set; results have room.
    unsafe {
        let mut props: sys::CUmemPoolProps = std::mem::zeroed();
        props.allocType = sys::CUmemAllocationType_enum::CU_MEM_ALLOCATION_TYPE_PINNED;
        props.location.type_ = sys::CUmemLocationType_enum::CU_MEM_LOCATION_TYPE_DEVICE;
        let mut pool = null_mut();
        ok(sys::cuMemPoolCreate(&raw mut pool, &raw const props)).unwrap();
        let mut address = 0;
        ok(sys::cuMemAllocFromPoolAsync(
            &raw mut address,
            5000,
            pool,
            null_mut(),
        ))
        .unwrap();
        let mut used = 0u64;
        let attribute = sys::CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_USED_MEM_CURRENT;
        ok(sys::cuMemPoolGetAttribute(
            pool,
            attribute,
            (&raw mut used).cast(),
        ))
        .unwrap();
        assert!(used >= 5000);
        ok(sys::cuMemFreeAsync(address, null_mut())).unwrap();
        ok(sys::cuStreamSynchronize(null_mut())).unwrap();
        ok(sys::cuMemPoolGetAttribute(
            pool,
            attribute,
            (&raw mut used).cast(),
        ))
        .unwrap();
        assert_eq!(used, 0);
        ok(sys::cuMemPoolDestroy(pool)).unwrap();
        let mut default = null_mut();
        ok(sys::cuDeviceGetDefaultMemPool(&raw mut default, 0)).unwrap();
        assert_eq!(
            sys::cuMemPoolDestroy(default),
            Code::CUDA_ERROR_INVALID_VALUE
        );
    }
}

#[test]
fn pointers_tell_what_they_point_to() {
    let own = Own::new();
    let address = own.alloc(64);
    // SAFETY: each result has the size that its attribute's documentation names.
    unsafe {
        let mut kind = 0u32;
        let attribute = Attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
        ok(sys::cuPointerGetAttribute(
            (&raw mut kind).cast(),
            attribute,
            address + 8,
        ))
        .unwrap();
        assert_eq!(kind, sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE as u32);
        let mut context: sys::CUcontext = null_mut();
        let attribute = Attribute::CU_POINTER_ATTRIBUTE_CONTEXT;
        ok(sys::cuPointerGetAttribute(
            (&raw mut context).cast(),
            attribute,
            address,
        ))
        .unwrap();
        assert_eq!(context, own.context);
        let local = 5u32;
        let stray = (&raw const local) as u64;
        assert_eq!(
            sys::cuPointerGetAttribute((&raw mut context).cast(), attribute, stray),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        let mut start = 0u64;
        let mut attributes = [
            Attribute::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
            Attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        ];
        let mut data = [(&raw mut start).cast::<c_void>(), (&raw mut kind).cast()];
        ok(sys::cuPointerGetAttributes(
            2,
            attributes.as_mut_ptr(),
            data.as_mut_ptr(),
            address + 63,
        ))
        .unwrap();
        assert_eq!(start, address);
        ok(sys::cuPointerGetAttributes(
            2,
            attributes.as_mut_ptr(),
            data.as_mut_ptr(),
            stray,
        ))
        .unwrap();
        assert_eq!((start, kind), (0, 0));
    }
}
