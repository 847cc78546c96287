//! `cuInit`, versions, error texts and the lookup of functions by name.

use super::context::in_context;
use super::entry::{Out, Text, api, say};
use super::error::{self, Error};
use super::machine;
use super::release::release;
use super::trace;
use crate::exec::handler::{UNSUPPORTED, supported};
use std::ffi::{CString, c_char};

/// Functions whose symbol has had several versions: name, and for each version the first driver that had it.
/// Names that are not here have one version only.
static VERSIONED: &[(&str, &[i32])] = &[
    ("cuDeviceGetUuid", &[9020, 11040]),
    ("cuDeviceTotalMem", &[2000, 3020]),
    ("cuDevicePrimaryCtxRelease", &[7000, 11000]),
    ("cuDevicePrimaryCtxSetFlags", &[7000, 11000]),
    ("cuDevicePrimaryCtxReset", &[7000, 11000]),
    ("cuCtxCreate", &[2000, 3020, 11040, 12050]),
    ("cuCtxDestroy", &[2000, 4000]),
    ("cuCtxPushCurrent", &[2000, 4000]),
    ("cuCtxPopCurrent", &[2000, 4000]),
    ("cuModuleGetGlobal", &[2000, 3020]),
    ("cuLinkCreate", &[5050, 6050]),
    ("cuLinkAddData", &[5050, 6050]),
    ("cuLinkAddFile", &[5050, 6050]),
    ("cuMemGetInfo", &[2000, 3020]),
    ("cuMemAlloc", &[2000, 3020]),
    ("cuMemAllocPitch", &[2000, 3020]),
    ("cuMemFree", &[2000, 3020]),
    ("cuMemGetAddressRange", &[2000, 3020]),
    ("cuMemAllocHost", &[2000, 3020]),
    ("cuMemHostGetDevicePointer", &[2020, 3020]),
    ("cuIpcOpenMemHandle", &[4010, 11000]),
    ("cuMemHostRegister", &[4000, 6050]),
    ("cuArrayCreate", &[2000, 3020]),
    ("cuArrayGetDescriptor", &[2000, 3020]),
    ("cuArray3DCreate", &[2000, 3020]),
    ("cuArray3DGetDescriptor", &[2000, 3020]),
    ("cuMemAdvise", &[8000, 12020]),
    ("cuStreamDestroy", &[2000, 4000]),
    ("cuEventDestroy", &[2000, 4000]),
    ("cuEventElapsedTime", &[2000, 12080]),
    ("cuGraphAddKernelNode", &[10000, 12000]),
    ("cuGraphKernelNodeGetParams", &[10000, 12000]),
    ("cuGraphKernelNodeSetParams", &[10000, 12000]),
    ("cuGraphGetEdges", &[10000, 12030]),
    ("cuGraphNodeGetDependencies", &[10000, 12030]),
    ("cuGraphNodeGetDependentNodes", &[10000, 12030]),
    ("cuGraphAddDependencies", &[10000, 12030]),
    ("cuGraphRemoveDependencies", &[10000, 12030]),
    ("cuGraphExecKernelNodeSetParams", &[10010, 12000]),
    ("cuGraphExecUpdate", &[10020, 12000]),
    ("cuGraphAddNode", &[12020, 12030]),
    ("cuTexRefSetAddress", &[2000, 3020]),
    ("cuTexRefSetAddress2D", &[2020, 3020, 4010]),
    ("cuTexRefGetAddress", &[2000, 3020]),
    ("cuGraphicsResourceGetMappedPointer", &[3000, 3020]),
    ("cuGraphicsResourceSetMapFlags", &[3000, 6050]),
    ("cuGetProcAddress", &[11030, 12000]),
    ("cuMemcpyHtoD", &[2000, 3020]),
    ("cuMemcpyDtoH", &[2000, 3020]),
    ("cuMemcpyDtoD", &[2000, 3020]),
    ("cuMemcpyDtoA", &[2000, 3020]),
    ("cuMemcpyAtoD", &[2000, 3020]),
    ("cuMemcpyHtoA", &[2000, 3020]),
    ("cuMemcpyAtoH", &[2000, 3020]),
    ("cuMemcpyAtoA", &[2000, 3020]),
    ("cuMemcpyHtoAAsync", &[2000, 3020]),
    ("cuMemcpyAtoHAsync", &[2000, 3020]),
    ("cuMemcpy2D", &[2000, 3020]),
    ("cuMemcpy2DUnaligned", &[2000, 3020]),
    ("cuMemcpy3D", &[2000, 3020]),
    ("cuMemcpyHtoDAsync", &[2000, 3020]),
    ("cuMemcpyDtoHAsync", &[2000, 3020]),
    ("cuMemcpyDtoDAsync", &[3000, 3020]),
    ("cuMemcpy2DAsync", &[2000, 3020]),
    ("cuMemcpy3DAsync", &[2000, 3020]),
    ("cuMemsetD8", &[2000, 3020]),
    ("cuMemsetD16", &[2000, 3020]),
    ("cuMemsetD32", &[2000, 3020]),
    ("cuMemsetD2D8", &[2000, 3020]),
    ("cuMemsetD2D16", &[2000, 3020]),
    ("cuMemsetD2D32", &[2000, 3020]),
    ("cuStreamGetCtx", &[9020, 12050]),
    ("cuStreamWriteValue32", &[8000, 11070]),
    ("cuStreamWaitValue32", &[8000, 11070]),
    ("cuStreamWriteValue64", &[9000, 11070]),
    ("cuStreamWaitValue64", &[9000, 11070]),
    ("cuStreamBatchMemOp", &[8000, 11070]),
    ("cuMemPrefetchAsync", &[8000, 12020]),
    ("cuStreamBeginCapture", &[10000, 10010]),
    ("cuStreamGetCaptureInfo", &[10010, 11030, 12030]),
    ("cuStreamUpdateCaptureDependencies", &[11030, 12030]),
    ("cuGraphInstantiate", &[10000, 11000]),
];

/// The exported symbol that a program which was written for driver version `wanted` means by `name`.
fn symbol(name: &str, wanted: i32) -> String {
    let version = VERSIONED
        .iter()
        .find(|(base, _)| *base == name)
        .map_or(1, |(_, since)| {
            since.iter().filter(|&&v| v <= wanted).count()
        });
    if version > 1 {
        format!("{name}_v{version}")
    } else {
        name.to_owned()
    }
}

/// The address of one of this library's own exported functions.
fn address(symbol: &str) -> Option<usize> {
    if !symbol.starts_with("cu") {
        return None;
    }
    let symbol = CString::new(symbol).ok()?;
    let own = std::ptr::from_ref(&VERSIONED).cast();
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: dladdr takes any address and fills `info`, whose file name it keeps alive while this library, which
    // is running this code, stays loaded; RTLD_NOLOAD only hands back what is loaded. The name ends in NUL.
    let found = unsafe {
        if libc::dladdr(own, &raw mut info) == 0 {
            return None;
        }
        let library = libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NOLOAD);
        if library.is_null() {
            return None;
        }
        let found = libc::dlsym(library, symbol.as_ptr());
        libc::dlclose(library);
        found
    };
    (!found.is_null()).then_some(found as usize)
}

fn look_up(name: &str, result: Out<usize>, wanted: i32, status: Out<u32>) -> error::Outcome {
    const FOUND: u32 = 0;
    const NOT_FOUND: u32 = 1;
    result.check()?;
    match address(&symbol(name, wanted)).or_else(|| address(name)) {
        Some(address) => {
            status.set_if_wanted(FOUND);
            result.set(address)
        }
        None => {
            trace::missed(name);
            status.set_if_wanted(NOT_FOUND);
            result.set(0)?;
            // With a place for the status, a missing symbol is not an error.
            if status.is_null() {
                Err(Error::NOT_FOUND)
            } else {
                Ok(())
            }
        }
    }
}

/// Marks this library, so that a program can tell it from a driver: the compute capability it imitates, times ten,
/// or 0 before `cuInit`.
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_capability() -> u32 {
    machine::machine().map_or(0, |device| {
        device.capability.major * 10 + device.capability.minor
    })
}

in_context! {
    fn cuProfilerStart() {
        machine::machine().map(|_| ())
    }

    fn cuProfilerStop() {
        machine::machine().map(|_| ())
    }
}

api! {
    fn cuInit(flags: u32) {
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        if !supported() {
            say(UNSUPPORTED);
            return Err(Error::NO_DEVICE);
        }
        machine::initialise()
    }

    fn cuDriverGetVersion(version: Out<i32>) {
        version.set(release().map_err(|_| Error::NO_DEVICE)?.number())
    }

    fn cuGetErrorName(code: u32, text: Out<*const c_char>) {
        let found = error::describe(code);
        text.set(found.map_or(std::ptr::null(), |(name, _)| name.as_ptr()))?;
        found.map(|_| ()).ok_or(Error::INVALID_VALUE)
    }

    fn cuGetErrorString(code: u32, text: Out<*const c_char>) {
        let found = error::describe(code);
        text.set(found.map_or(std::ptr::null(), |(_, words)| words.as_ptr()))?;
        found.map(|_| ()).ok_or(Error::INVALID_VALUE)
    }

    fn cuGetProcAddress(name: Text, result: Out<usize>, wanted: i32, _flags: u64) {
        look_up(&name.get()?, result, wanted, Out::from_raw(std::ptr::null_mut()))
    }

    fn cuGetProcAddress_v2(name: Text, result: Out<usize>, wanted: i32, _flags: u64, status: Out<u32>) {
        look_up(&name.get()?, result, wanted, status)
    }

    // A profiler may be asked to start and stop; there is none to hear it.
    fn cuProfilerInitialize(_config: Text, _output: Text, _mode: u32) {
        Ok(())
    }
}
