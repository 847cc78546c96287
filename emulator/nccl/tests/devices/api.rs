//! The driver and NCCL as a program finds them: two libraries, functions by name.

use std::ffi::{CStr, c_char, c_void};

/// A 128-byte `ncclUniqueId`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UniqueId(pub [u8; 128]);

/// A host function.
pub type HostFunction = extern "C" fn(usize);

macro_rules! functions {
    ($($name:ident($($ty:ty),*) -> $answer:ty;)*) => {
        #[allow(non_snake_case)]
        #[derive(Clone, Copy)]
        pub struct Api {
            $(pub $name: unsafe extern "C" fn($($ty),*) -> $answer,)*
        }

        impl Api {
            pub fn load() -> Self {
                cuda_emulator_testing::install_nccl();
                let libraries = [open(c"libcuda.so"), open(c"libnccl.so")];
                Self {$($name: {
                    let name = concat!(stringify!($name), "\0");
                    let library = libraries[usize::from(name.starts_with("nccl"))];
                    // SAFETY: an open library and a text that ends with NUL.
                    let at = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
                    assert!(!at.is_null(), "no {name}");
                    // SAFETY: not null, and the signature is that of the function's header.
                    unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($ty),*) -> $answer>(at) }
                },)*}
            }
        }
    };
}

functions! {
    cuInit(u32) -> u32;
    cuDevicePrimaryCtxRetain(*mut usize, i32) -> u32;
    cuCtxSetCurrent(usize) -> u32;
    cuMemAlloc_v2(*mut usize, usize) -> u32;
    cuMemcpyHtoD_v2(usize, *const u8, usize) -> u32;
    cuMemcpyDtoH_v2(*mut u8, usize, usize) -> u32;
    cuStreamCreate(*mut usize, u32) -> u32;
    cuStreamSynchronize(usize) -> u32;
    cuStreamBeginCapture_v2(usize, u32) -> u32;
    cuStreamEndCapture(usize, *mut usize) -> u32;
    cuGraphInstantiateWithFlags(*mut usize, usize, u64) -> u32;
    cuGraphLaunch(usize, usize) -> u32;
    cuGraphDestroy(usize) -> u32;
    cuGraphExecDestroy(usize) -> u32;
    cuda_emulator_host(usize, HostFunction, usize, HostFunction) -> u32;
    ncclGetVersion(*mut i32) -> u32;
    ncclGetErrorString(u32) -> *const c_char;
    ncclGetLastError(usize) -> *const c_char;
    ncclGetUniqueId(*mut UniqueId) -> u32;
    ncclCommInitRank(*mut usize, i32, UniqueId, i32) -> u32;
    ncclCommInitRankConfig(*mut usize, i32, UniqueId, i32, usize) -> u32;
    ncclCommInitAll(*mut usize, i32, *const i32) -> u32;
    ncclCommSplit(usize, i32, i32, *mut usize, usize) -> u32;
    ncclCommFinalize(usize) -> u32;
    ncclCommDestroy(usize) -> u32;
    ncclCommAbort(usize) -> u32;
    ncclCommGetAsyncError(usize, *mut u32) -> u32;
    ncclCommCount(usize, *mut i32) -> u32;
    ncclCommUserRank(usize, *mut i32) -> u32;
    ncclCommCuDevice(usize, *mut i32) -> u32;
    ncclGroupStart() -> u32;
    ncclGroupEnd() -> u32;
    ncclAllReduce(usize, usize, usize, u32, u32, usize, usize) -> u32;
    ncclReduce(usize, usize, usize, u32, u32, i32, usize, usize) -> u32;
    ncclBroadcast(usize, usize, usize, u32, i32, usize, usize) -> u32;
    ncclBcast(usize, usize, u32, i32, usize, usize) -> u32;
    ncclAllGather(usize, usize, usize, u32, usize, usize) -> u32;
    ncclReduceScatter(usize, usize, usize, u32, u32, usize, usize) -> u32;
    ncclSend(usize, usize, u32, i32, usize, usize) -> u32;
    ncclRecv(usize, usize, u32, i32, usize, usize) -> u32;
    ncclRedOpCreatePreMulSum(*mut u32, *const f32, u32, u32, usize) -> u32;
    ncclRedOpDestroy(u32, usize) -> u32;
    ncclMemAlloc(*mut usize, usize) -> u32;
    ncclMemFree(usize) -> u32;
    ncclCommRegister(usize, usize, usize, *mut usize) -> u32;
    ncclCommDeregister(usize, usize) -> u32;
}

/// Opens a library by its name; the stand-ins answer to it.
fn open(name: &CStr) -> *mut c_void {
    // SAFETY: a text that ends with NUL; neither library asks anything of who loads it.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{name:?} cannot be loaded");
    library
}

/// Calls, and expects success or the code that is given.
macro_rules! ask {
    ($api:expr, $name:ident($($arg:expr),*)) => { ask!($api, $name($($arg),*) => 0) };
    ($api:expr, $name:ident($($arg:expr),*) => $code:expr) => {{
        // SAFETY: pointers lead to places that live through the call; addresses and handles are looked up.
        let code = unsafe { ($api.$name)($($arg),*) };
        assert_eq!(code, $code, stringify!($name));
    }};
}
pub(crate) use ask;

/// One device with a stream.
pub struct Gpu {
    pub api: Api,
    pub context: usize,
    pub stream: usize,
}

impl Gpu {
    pub fn new(api: Api, device: i32) -> Self {
        let (mut context, mut stream) = (0, 0);
        ask!(api, cuInit(0));
        ask!(api, cuDevicePrimaryCtxRetain(&raw mut context, device));
        ask!(api, cuCtxSetCurrent(context));
        ask!(api, cuStreamCreate(&raw mut stream, 1));
        Self {
            api,
            context,
            stream,
        }
    }

    pub fn buffer(&self, values: &[f32]) -> usize {
        let mut address = 0;
        ask!(self.api, cuCtxSetCurrent(self.context));
        ask!(self.api, cuMemAlloc_v2(&raw mut address, values.len() * 4));
        ask!(
            self.api,
            cuMemcpyHtoD_v2(address, values.as_ptr().cast(), values.len() * 4)
        );
        address
    }

    pub fn read(&self, address: usize, count: usize) -> Vec<f32> {
        let mut values = vec![0f32; count];
        ask!(self.api, cuCtxSetCurrent(self.context));
        ask!(self.api, cuStreamSynchronize(self.stream));
        ask!(
            self.api,
            cuMemcpyDtoH_v2(values.as_mut_ptr().cast(), address, count * 4)
        );
        values
    }
}
