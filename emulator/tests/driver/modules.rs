//! Modules, libraries, functions, variables, occupancy.

use super::raw::{self, Code, Own, ok};
use super::{VECTOR, context, function, module};
use cudarc::driver::sys::{self, CUfunction_attribute_enum as Attribute};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use std::ffi::{CString, c_void};
use std::ptr::null_mut;

#[test]
fn kernels_are_found_by_name() {
    let module = module(&context());
    assert!(module.load_function("add").is_ok());
    let error = module.load_function("subtract").unwrap_err();
    assert_eq!(error.0, Code::CUDA_ERROR_NOT_FOUND);
}

#[test]
fn variables_are_read_and_written_by_name() {
    let own = Own::new();
    let (mut address, mut bytes) = (0, 0);
    let data = own.alloc(16);
    // SAFETY: the variable and the buffer have the sizes used.
    unsafe {
        ok(sys::cuModuleGetGlobal_v2(
            &raw mut address,
            &raw mut bytes,
            own.module(),
            c"scale".as_ptr(),
        ))
        .unwrap();
        assert_eq!(bytes, 4);
        let mut scale = 0u32;
        ok(sys::cuMemcpyDtoH_v2((&raw mut scale).cast(), address, 4)).unwrap();
        assert_eq!(scale, 3, "its initial value");
        ok(sys::cuMemsetD32_v2(address, 100, 1)).unwrap();
        ok(sys::cuModuleGetGlobal_v2(
            &raw mut address,
            &raw mut bytes,
            own.module(),
            c"offsets".as_ptr(),
        ))
        .unwrap();
        assert_eq!(bytes, 16);
        ok(sys::cuMemcpyHtoD_v2(
            address,
            [7u32, 8, 9, 10].as_ptr().cast(),
            16,
        ))
        .unwrap();
        ok(sys::cuMemsetD32_v2(data, 2, 4)).unwrap();
        ok(own.launch("scale_all", 4, data)).unwrap();
        let mut out = [0u32; 4];
        ok(sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), data, 16)).unwrap();
        assert_eq!(out, [207, 208, 209, 210]);
        let missing = sys::cuModuleGetGlobal_v2(
            &raw mut address,
            &raw mut bytes,
            own.module(),
            c"none".as_ptr(),
        );
        assert_eq!(missing, Code::CUDA_ERROR_NOT_FOUND);
    }
}

#[test]
fn arguments_can_come_as_one_block() {
    #[repr(C)]
    struct Arguments(u64, u64, u64, u32);
    let own = Own::new();
    let (out, a) = (own.alloc(16), own.alloc(16));
    let arguments = Arguments(out, a, a, 4);
    let mut size = 28usize;
    let mut extra = [
        std::ptr::without_provenance_mut(1),
        (&raw const arguments) as *mut c_void,
        std::ptr::without_provenance_mut(2),
        (&raw mut size).cast(),
        null_mut(),
    ];
    let add = own.function("add");
    // SAFETY: the block is laid out as the kernel's parameters are.
    unsafe {
        ok(sys::cuMemcpyHtoD_v2(
            a,
            [1f32, 2.0, 3.0, 4.0].as_ptr().cast(),
            16,
        ))
        .unwrap();
        let launch = |extra: &mut [*mut c_void]| {
            sys::cuLaunchKernel(
                add,
                1,
                1,
                1,
                4,
                1,
                1,
                0,
                null_mut(),
                null_mut(),
                extra.as_mut_ptr(),
            )
        };
        ok(launch(&mut extra)).unwrap();
        let mut got = [0f32; 4];
        ok(sys::cuMemcpyDtoH_v2(got.as_mut_ptr().cast(), out, 16)).unwrap();
        assert_eq!(got, [2.0, 4.0, 6.0, 8.0]);
        (&raw mut size).write_volatile(20);
        assert_eq!(
            launch(&mut extra),
            Code::CUDA_ERROR_INVALID_VALUE,
            "too short"
        );
    }
}

#[test]
fn dynamic_shared_memory_is_there_and_has_limits() {
    let context = context();
    let stream = context.new_stream().unwrap();
    let sum = function(&context, "block_sum");
    let data: Vec<u32> = (1..=256).collect();
    let input = stream.clone_htod(&data).unwrap();
    let mut out = stream.alloc_zeros::<u32>(1).unwrap();
    let mut launch = |bytes| {
        let config = LaunchConfig {
            grid_dim: (1, 1, 1),
            block_dim: (256, 1, 1),
            shared_mem_bytes: bytes,
        };
        let mut call = stream.launch_builder(&sum);
        call.arg(&mut out).arg(&input);
        // SAFETY: the kernel's parameters; 1024 bytes are enough for 256 threads.
        unsafe { call.launch(config) }.map(|_| ())
    };
    assert!(
        launch(48 * 1024 + 4).is_err(),
        "more than 48 KiB must be asked for"
    );
    let most = context.attribute(
        sys::CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
    );
    let most = most.unwrap();
    let dynamic = Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    assert!(sum.set_attribute(dynamic, most + 1).is_err());
    sum.set_attribute(dynamic, most).unwrap();
    launch(most as u32).unwrap();
    launch(1024).unwrap();
    assert_eq!(stream.clone_dtoh(&out).unwrap(), [256 * 257 / 2]);
}

#[test]
fn occupancy_follows_the_published_limits() {
    let context = context();
    let sum = function(&context, "block_sum");
    let (major, minor) = context.compute_capability().unwrap();
    let threads = if (major, minor) == (7, 5) { 1024 } else { 2048 };
    let blocks = |size, shared| {
        sum.occupancy_max_active_blocks_per_multiprocessor(size, shared, None)
            .unwrap()
    };
    assert_eq!(blocks(1024, 0), threads / 1024);
    assert_eq!(blocks(256, 0), threads / 256);
    assert!(
        blocks(32, 40 * 1024) < blocks(32, 1024),
        "shared memory limits"
    );
    assert!(
        sum.occupancy_max_active_blocks_per_multiprocessor(0, 0, None)
            .is_err()
    );
}

#[test]
fn libraries_hand_out_kernels() {
    let own = Own::new();
    let text = CString::new(VECTOR).unwrap();
    let data = own.alloc(16);
    let (mut library, mut kernel, mut count) = (null_mut(), null_mut(), 0);
    // SAFETY: results have room, texts end in NUL, the buffer has 16 bytes.
    unsafe {
        ok(sys::cuLibraryLoadData(
            &raw mut library,
            text.as_ptr().cast(),
            null_mut(),
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            0,
        ))
        .unwrap();
        ok(sys::cuLibraryGetKernelCount(&raw mut count, library)).unwrap();
        assert_eq!(count, 6);
        ok(sys::cuLibraryGetKernel(
            &raw mut kernel,
            library,
            c"scale_all".as_ptr(),
        ))
        .unwrap();
        ok(sys::cuMemsetD32_v2(data, 1, 4)).unwrap();
        let mut address = data;
        let mut arguments = [(&raw mut address).cast()];
        ok(raw::launch(
            kernel.cast(),
            [1; 3],
            [4, 1, 1],
            0,
            null_mut(),
            &mut arguments,
        ))
        .unwrap();
        let mut out = [0u32; 4];
        ok(sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), data, 16)).unwrap();
        assert_eq!(out, [13, 23, 33, 43]);
        ok(sys::cuLibraryUnload(library)).unwrap();
    }
}

#[test]
fn an_extended_launch_takes_attributes() {
    let own = Own::new();
    let data = own.alloc(16);
    let mut address = data;
    let mut arguments = [(&raw mut address).cast::<c_void>()];
    // SAFETY: all zero is valid for the structs and the union; the buffer has 16 bytes.
    unsafe {
        ok(sys::cuMemsetD32_v2(data, 1, 4)).unwrap();
        let mut attribute: sys::CUlaunchAttribute = std::mem::zeroed();
        attribute.id = sys::CUlaunchAttributeID_enum::CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
        attribute.value.cooperative = 1;
        let mut config: sys::CUlaunchConfig = std::mem::zeroed();
        (config.gridDimX, config.gridDimY, config.gridDimZ) = (1, 1, 1);
        (config.blockDimX, config.blockDimY, config.blockDimZ) = (4, 1, 1);
        (config.attrs, config.numAttrs) = (&raw mut attribute, 1);
        let scale = own.function("scale_all");
        ok(sys::cuLaunchKernelEx(
            &raw const config,
            scale,
            arguments.as_mut_ptr(),
            null_mut(),
        ))
        .unwrap();
        config.gridDimX = 1_000_000;
        let code =
            sys::cuLaunchKernelEx(&raw const config, scale, arguments.as_mut_ptr(), null_mut());
        assert_eq!(code, Code::CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
        let mut out = [0u32; 4];
        ok(sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), data, 16)).unwrap();
        assert_eq!(out, [13, 23, 33, 43]);
    }
}

#[test]
fn ptx_goes_through_the_linker() {
    let own = Own::new();
    let text = CString::new(VECTOR).unwrap();
    let (mut link, mut image, mut bytes, mut module, mut function) =
        (null_mut(), null_mut(), 0, null_mut(), null_mut());
    let ptx = sys::CUjitInputType_enum::CU_JIT_INPUT_PTX;
    let bytes_in = VECTOR.len() + 1;
    // SAFETY: results have room, texts end in NUL; the image is used before the link is destroyed.
    unsafe {
        ok(sys::cuLinkCreate_v2(
            0,
            null_mut(),
            null_mut(),
            &raw mut link,
        ))
        .unwrap();
        let data = text.as_ptr() as *mut c_void;
        let name = c"vector".as_ptr();
        ok(sys::cuLinkAddData_v2(
            link,
            ptx,
            data,
            bytes_in,
            name,
            0,
            null_mut(),
            null_mut(),
        ))
        .unwrap();
        ok(sys::cuLinkComplete(link, &raw mut image, &raw mut bytes)).unwrap();
        ok(sys::cuModuleLoadData(&raw mut module, image)).unwrap();
        ok(sys::cuLinkDestroy(link)).unwrap();
        ok(sys::cuModuleGetFunction(
            &raw mut function,
            module,
            c"add".as_ptr(),
        ))
        .unwrap();
    }
    drop(own);
}
