//! The C functions by themselves, in a context of their own: for what cudarc's safe side does not show, and for
//! faults, which would spoil the primary context for every other test.

use cudarc::driver::sys::{self, CUresult};
use std::cell::OnceCell;
use std::ffi::{CString, c_void};
use std::ptr::null_mut;

pub use cudarc::driver::sys::cudaError_enum as Code;

/// Turns a `CUresult` into a Result.
pub fn ok(code: CUresult) -> Result<(), CUresult> {
    if code == Code::CUDA_SUCCESS {
        Ok(())
    } else {
        Err(code)
    }
}

/// A created context, current to the thread that made it.
pub struct Own {
    pub context: sys::CUcontext,
    module: OnceCell<sys::CUmodule>,
}

impl Own {
    pub fn new() -> Own {
        cuda_emulator_testing::install();
        let mut context = null_mut();
        // SAFETY: the result has room; device 0 exists.
        unsafe {
            ok(sys::cuInit(0)).unwrap();
            ok(sys::cuCtxCreate_v2(&raw mut context, 0, 0)).unwrap();
        }
        Own {
            context,
            module: OnceCell::new(),
        }
    }

    /// The fixture.
    pub fn module(&self) -> sys::CUmodule {
        *self.module.get_or_init(|| {
            let (mut module, ptx) = (null_mut(), CString::new(super::VECTOR).unwrap());
            // SAFETY: the result has room, the text ends in NUL.
            ok(unsafe { sys::cuModuleLoadData(&raw mut module, ptx.as_ptr().cast()) }).unwrap();
            module
        })
    }

    pub fn function(&self, name: &str) -> sys::CUfunction {
        let (mut function, name) = (null_mut(), CString::new(name).unwrap());
        // SAFETY: the module is loaded, the name ends in NUL.
        ok(unsafe { sys::cuModuleGetFunction(&raw mut function, self.module(), name.as_ptr()) })
            .unwrap();
        function
    }

    pub fn alloc(&self, bytes: usize) -> u64 {
        let mut address = 0;
        // SAFETY: the result has room.
        ok(unsafe { sys::cuMemAlloc_v2(&raw mut address, bytes) }).unwrap();
        address
    }

    /// Launches a kernel that takes one address.
    pub fn launch(&self, name: &str, threads: u32, address: u64) -> CUresult {
        let mut address = address;
        let mut arguments = [(&raw mut address).cast::<c_void>()];
        launch(
            self.function(name),
            [1, 1, 1],
            [threads, 1, 1],
            0,
            null_mut(),
            &mut arguments,
        )
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // SAFETY: the context was created above and is destroyed once.
        unsafe { sys::cuCtxDestroy_v2(self.context) };
    }
}

/// Launches one thread, and waits for it.
pub fn run_alone(function: sys::CUfunction, arguments: &mut [*mut c_void]) {
    ok(launch(function, [1; 3], [1; 3], 0, null_mut(), arguments)).unwrap();
    ok(synchronise()).unwrap();
}

pub fn launch(
    function: sys::CUfunction,
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    stream: sys::CUstream,
    arguments: &mut [*mut c_void],
) -> CUresult {
    // SAFETY: the callers pass arguments of the kernel's own types, or too few on purpose, which is refused.
    unsafe {
        sys::cuLaunchKernel(
            function,
            grid[0],
            grid[1],
            grid[2],
            block[0],
            block[1],
            block[2],
            shared,
            stream,
            arguments.as_mut_ptr(),
            null_mut(),
        )
    }
}

pub fn synchronise() -> CUresult {
    // SAFETY: takes nothing.
    unsafe { sys::cuCtxSynchronize() }
}
