//! The driver and NCCL as a program finds them: two libraries, functions by name.

use std::ffi::{CStr, c_void};

/// A 128-byte `ncclUniqueId`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UniqueId(pub [u8; 128]);

macro_rules! functions {
    ($($name:ident($($ty:ty),*);)*) => {
        #[allow(non_snake_case)]
        #[derive(Clone, Copy)]
        pub struct Api {
            $(pub $name: unsafe extern "C" fn($($ty),*) -> u32,)*
        }

        impl Api {
            pub fn load() -> Self {
                assert!(cuda_emulator_testing::emulated());
                // the first of the names that cudarc looks for
                let libraries = [c"libcuda.so", c"libnccl.so"].map(open);
                Self {$($name: {
                    let name = concat!(stringify!($name), "\0");
                    let library = libraries[usize::from(name.starts_with("nccl"))];
                    // SAFETY: an open library and a text that ends with NUL.
                    let at = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
                    assert!(!at.is_null(), "no {name}");
                    // SAFETY: not null, and the signature is that of the function's header.
                    unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($ty),*) -> u32>(at) }
                },)*}
            }
        }
    };
}

functions! {
    cuInit(u32);
    cuDevicePrimaryCtxRetain(*mut usize, i32);
    cuCtxSetCurrent(usize);
    cuMemAlloc_v2(*mut usize, usize);
    cuMemcpyHtoD_v2(usize, *const u8, usize);
    cuMemcpyDtoH_v2(*mut u8, usize, usize);
    cuStreamCreate(*mut usize, u32);
    cuStreamSynchronize(usize);
    cuStreamBeginCapture_v2(usize, u32);
    ncclGetUniqueId(*mut UniqueId);
    ncclCommInitRank(*mut usize, i32, UniqueId, i32);
    ncclCommInitAll(*mut usize, i32, *const i32);
    ncclCommSplit(usize, i32, i32, *mut usize, usize);
    ncclCommFinalize(usize);
    ncclCommDestroy(usize);
    ncclCommAbort(usize);
    ncclCommGetAsyncError(usize, *mut u32);
    ncclCommCount(usize, *mut i32);
    ncclCommUserRank(usize, *mut i32);
    ncclGroupStart();
    ncclGroupEnd();
    ncclAllReduce(usize, usize, usize, u32, u32, usize, usize);
    ncclReduce(usize, usize, usize, u32, u32, i32, usize, usize);
    ncclBroadcast(usize, usize, usize, u32, i32, usize, usize);
    ncclAllGather(usize, usize, usize, u32, usize, usize);
    ncclReduceScatter(usize, usize, usize, u32, u32, usize, usize);
    ncclSend(usize, usize, u32, i32, usize, usize);
    ncclRecv(usize, usize, u32, i32, usize, usize);
    ncclRedOpCreatePreMulSum(*mut u32, *const f32, u32, u32, usize);
}

/// Opens a library by its name, as programs do.
fn open(name: &CStr) -> *mut c_void {
    // SAFETY: a text that ends with NUL; neither library asks anything of who loads it.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{name:?} is not found");
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
