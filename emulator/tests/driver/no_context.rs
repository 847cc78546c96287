//! A thread without a context: every call that needs one says so, and no other.

use super::exports::address;
use super::raw::{Code, ok};
use cudarc::driver::sys;
use std::ptr::null_mut;

/// The functions whose documentation lists `CUDA_ERROR_INVALID_CONTEXT`, but for those that name a context or a device
/// themselves; and some older ones of their kind that it has no list for.
const NEED_ONE: &str = "
    cuCtxDisablePeerAccess cuCtxEnablePeerAccess cuCtxGetApiVersion cuCtxGetCacheConfig
    cuCtxGetDevice cuCtxGetFlags cuCtxGetId cuCtxGetLimit cuCtxGetSharedMemConfig
    cuCtxGetStreamPriorityRange cuCtxPopCurrent_v2 cuCtxRecordEvent cuCtxResetPersistingL2Cache
    cuCtxSetCacheConfig cuCtxSetFlags cuCtxSetLimit cuCtxSetSharedMemConfig cuCtxSynchronize
    cuCtxWaitEvent cuEventCreate cuEventDestroy_v2 cuEventElapsedTime cuEventElapsedTime_v2
    cuEventRecord cuEventRecordWithFlags cuEventSynchronize cuFuncGetAttribute cuFuncGetModule
    cuFuncSetAttribute cuFuncSetCacheConfig cuFuncSetSharedMemConfig cuKernelGetFunction
    cuLaunchCooperativeKernel cuLaunchHostFunc cuLaunchKernel cuLaunchKernelEx cuLibraryGetGlobal
    cuLibraryGetModule cuLinkAddData_v2 cuLinkComplete cuLinkCreate_v2 cuMemAllocAsync
    cuMemAllocFromPoolAsync cuMemAllocHost_v2 cuMemAllocManaged cuMemAllocPitch_v2 cuMemAlloc_v2
    cuMemFreeAsync cuMemFreeHost cuMemFree_v2 cuMemGetAddressRange_v2 cuMemGetInfo_v2 cuMemHostAlloc
    cuMemHostGetDevicePointer_v2 cuMemHostGetFlags cuMemHostRegister_v2 cuMemHostUnregister cuMemcpy
    cuMemcpy2DAsync_v2 cuMemcpy2DUnaligned_v2 cuMemcpy2D_v2 cuMemcpy3DAsync_v2 cuMemcpy3D_v2
    cuMemcpyAsync cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2
    cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2 cuMemcpyPeer cuMemcpyPeerAsync cuMemsetD16Async
    cuMemsetD16_v2 cuMemsetD2D16Async cuMemsetD2D16_v2 cuMemsetD2D32Async cuMemsetD2D32_v2
    cuMemsetD2D8Async cuMemsetD2D8_v2 cuMemsetD32Async cuMemsetD32_v2 cuMemsetD8Async cuMemsetD8_v2
    cuModuleEnumerateFunctions cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleLoad
    cuModuleLoadData cuModuleLoadDataEx cuModuleLoadFatBinary cuModuleUnload
    cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
    cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxActiveClusters
    cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags
    cuOccupancyMaxPotentialClusterSize cuPointerGetAttribute cuPointerGetAttributes
    cuPointerSetAttribute cuProfilerStart cuProfilerStop cuStreamAddCallback cuStreamAttachMemAsync
    cuStreamCreate cuStreamCreateWithPriority cuStreamDestroy_v2 cuStreamGetCtx cuStreamGetCtx_v2
    cuStreamGetDevice cuStreamGetFlags cuStreamGetPriority cuStreamQuery cuStreamSynchronize
    cuStreamWaitEvent cuTensorMapEncodeIm2col cuTensorMapEncodeIm2colWide cuTensorMapEncodeTiled
    cuTensorMapReplaceAddress
";

/// What a call with arguments of 0 answers; no function has more parameters.
fn call(name: &str) -> u32 {
    type Call = extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u32;
    let at = address(name);
    assert_ne!(at, 0, "{name}");
    // SAFETY: the emulator's function of that name; a callee takes what it declares of the arguments, all of which are
    // numbers and addresses, and refuses null.
    let function = unsafe { std::mem::transmute::<usize, Call>(at) };
    function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

#[test]
fn whatever_needs_a_context_says_that_there_is_none() {
    if !super::emulated() {
        return;
    }
    let answers = std::thread::spawn(|| {
        let names = NEED_ONE.split_whitespace();
        names.map(|name| (name, call(name))).collect::<Vec<_>>()
    });
    let answers = answers.join().unwrap();
    assert!(answers.len() > 120, "{}", answers.len());
    let invalid_context = Code::CUDA_ERROR_INVALID_CONTEXT as u32;
    let wrong: Vec<_> = answers
        .iter()
        .filter(|(_, code)| *code != invalid_context)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Graphs and devices belong to no thread.
#[test]
fn what_needs_none_works_without() {
    super::emulated();
    let without = || {
        let (mut graph, mut context, mut count) = (null_mut(), null_mut(), 0);
        // SAFETY: results have room, and the graph is destroyed once.
        unsafe {
            ok(sys::cuInit(0)).unwrap();
            ok(sys::cuDeviceGetCount(&raw mut count)).unwrap();
            ok(sys::cuCtxGetCurrent(&raw mut context)).unwrap();
            ok(sys::cuGraphCreate(&raw mut graph, 0)).unwrap();
            ok(sys::cuGraphDestroy(graph)).unwrap();
        }
        (count, context.is_null())
    };
    let (count, none) = std::thread::spawn(without).join().unwrap();
    assert!(count > 0 && none);
}
