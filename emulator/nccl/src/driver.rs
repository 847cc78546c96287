//! The emulated driver, found by name; a real one is refused.

use crate::types::{Code, Failure};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// A `CUcontext` or `CUstream`: never followed, only handed on.
pub type Handle = usize;
/// A host function.
pub type HostFunction = extern "C" fn(*mut c_void);

const ORDINAL: c_int = 9;

macro_rules! functions {
    ($($field:ident: $symbol:literal ($($arg:ty),*);)*) => {
        /// The functions of the driver that are used.
        pub struct Driver {
            $($field: unsafe extern "C" fn($($arg),*) -> c_uint,)*
        }

        impl Driver {
            fn load(library: *mut c_void) -> Option<Self> {
                Some(Self {$($field: {
                    let at = symbol(library, $symbol)?;
                    // SAFETY: `at` is not null, and the signature is that of the function of this name in cuda.h.
                    unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($arg),*) -> c_uint>(at) }
                },)*})
            }
        }
    };
}

functions! {
    init: c"cuInit" (c_uint);
    current: c"cuCtxGetCurrent" (*mut Handle);
    push: c"cuCtxPushCurrent_v2" (Handle);
    pop: c"cuCtxPopCurrent_v2" (*mut Handle);
    device: c"cuCtxGetDevice" (*mut c_int);
    primary: c"cuDevicePrimaryCtxRetain" (*mut Handle, c_int);
    to_host: c"cuMemcpyDtoHAsync_v2" (*mut c_void, usize, usize, Handle);
    to_device: c"cuMemcpyHtoDAsync_v2" (usize, *const c_void, usize, Handle);
    host: c"cuLaunchHostFunc" (Handle, HostFunction, *mut c_void);
    synchronize: c"cuStreamSynchronize" (Handle);
    capturing: c"cuStreamIsCapturing" (Handle, *mut c_int);
    attribute: c"cuPointerGetAttribute" (*mut c_void, c_int, usize);
    range: c"cuMemGetAddressRange_v2" (*mut usize, *mut usize, usize);
    alloc: c"cuMemAlloc_v2" (*mut usize, usize);
    free: c"cuMemFree_v2" (usize);
    name: c"cuGetErrorName" (c_uint, *mut *const c_char);
}

fn symbol(library: *mut c_void, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: `library` is what dlopen gave, and the name ends with NUL.
    let at = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!at.is_null()).then_some(at)
}

/// The driver of this process.
///
/// # Errors
/// That there is none, or that it is not the emulator.
pub fn driver() -> Result<&'static Driver, Failure> {
    static DRIVER: OnceLock<Result<Driver, Failure>> = OnceLock::new();
    let found = DRIVER.get_or_init(|| {
        let refuse = |text: &str| Failure::new(Code::SystemError, text);
        let open = |name: &CStr| {
            // SAFETY: the name ends with NUL; neither driver asks anything of who loads it.
            let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
            (!library.is_null()).then_some(library)
        };
        // The emulator answers to the first where it was loaded by its path; the second may be a real one all the same.
        let libraries = [c"libcuda.so", c"libcuda.so.1"].map(open);
        let found = libraries.into_iter().flatten();
        let is_emulator =
            |&library: &*mut c_void| symbol(library, c"cuda_emulator_capability").is_some();
        let library = found
            .clone()
            .find(is_emulator)
            .ok_or_else(|| match found.count() {
                0 => refuse("no libcuda.so was found"),
                _ => {
                    refuse("this NCCL works on the emulated driver only, and libcuda.so is another")
                }
            })?;
        let driver = Driver::load(library);
        let driver = driver.ok_or_else(|| refuse("the emulated driver is of another version"))?;
        // SAFETY: takes a number.
        driver.check("cuInit", unsafe { (driver.init)(0) })?;
        Ok(driver)
    });
    found.as_ref().map_err(Failure::clone)
}

impl Driver {
    fn check(&self, what: &str, code: c_uint) -> Result<(), Failure> {
        if code == 0 {
            return Ok(());
        }
        let mut name = std::ptr::null();
        // SAFETY: `name` has room for a pointer.
        let known = unsafe { (self.name)(code, &raw mut name) } == 0 && !name.is_null();
        let name = if known {
            // SAFETY: success, and not null: a text that lives as long as the driver.
            unsafe { CStr::from_ptr(name) }.to_string_lossy()
        } else {
            code.to_string().into()
        };
        Err(Failure::new(
            Code::UnhandledCudaError,
            format!("{what} answers {name}"),
        ))
    }

    /// The calling thread's context and its device.
    pub fn current(&self) -> Result<(Handle, i32), Failure> {
        let (mut context, mut device) = (0, 0);
        // SAFETY: both have room for the result.
        unsafe {
            self.check("cuCtxGetCurrent", (self.current)(&raw mut context))?;
            self.check("cuCtxGetDevice", (self.device)(&raw mut device))?;
        }
        Ok((context, device))
    }

    /// The primary context of a device.
    pub fn primary(&self, device: i32) -> Result<Handle, Failure> {
        let mut context = 0;
        // SAFETY: the result has room.
        let code = unsafe { (self.primary)(&raw mut context, device) };
        self.check("cuDevicePrimaryCtxRetain", code)?;
        Ok(context)
    }

    /// Does something while `context` is the thread's.
    pub fn within<T>(
        &self,
        context: Handle,
        run: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // SAFETY: a handle that the driver looks up.
        self.check("cuCtxPushCurrent", unsafe { (self.push)(context) })?;
        let outcome = run();
        let mut popped = 0;
        // SAFETY: the result has room.
        self.check("cuCtxPopCurrent", unsafe { (self.pop)(&raw mut popped) })?;
        outcome
    }

    /// Copies from the device in the stream's order.
    ///
    /// # Safety
    /// `to` has room for `bytes` until the stream has done it.
    pub unsafe fn to_host(
        &self,
        to: *mut u8,
        from: usize,
        bytes: usize,
        stream: Handle,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's promise; the driver checks `from`.
        let code = unsafe { (self.to_host)(to.cast(), from, bytes, stream) };
        self.check("the copy of the send buffer", code)
    }

    /// Copies to the device in the stream's order.
    ///
    /// # Safety
    /// `from` has `bytes` until the stream has done it.
    pub unsafe fn to_device(
        &self,
        to: usize,
        from: *const u8,
        bytes: usize,
        stream: Handle,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's promise; the driver checks `to`.
        let code = unsafe { (self.to_device)(to, from.cast(), bytes, stream) };
        self.check("the copy to the receive buffer", code)
    }

    /// Calls `function` in the stream's order.
    ///
    /// # Safety
    /// `argument` is what `function` takes, once, at any time from now on.
    pub unsafe fn host(
        &self,
        stream: Handle,
        function: HostFunction,
        argument: *mut c_void,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's promise.
        let code = unsafe { (self.host)(stream, function, argument) };
        self.check("cuLaunchHostFunc", code)
    }

    /// Waits for a stream.
    pub fn synchronize(&self, stream: Handle) -> Result<(), Failure> {
        // SAFETY: a handle that the driver looks up.
        self.check("cuStreamSynchronize", unsafe { (self.synchronize)(stream) })
    }

    /// Whether a stream is being captured.
    pub fn is_capturing(&self, stream: Handle) -> Result<bool, Failure> {
        let mut status = 0;
        // SAFETY: the result has room.
        let code = unsafe { (self.capturing)(stream, &raw mut status) };
        self.check("cuStreamIsCapturing", code)?;
        Ok(status != 0)
    }

    /// The device of an address, and the bytes from there to the end of its allocation.
    pub fn place(&self, address: usize) -> Option<(i32, usize)> {
        let (mut device, mut base, mut size) = (-1i32, 0, 0);
        // SAFETY: the results have room; the driver looks the address up.
        let codes = unsafe {
            [
                (self.attribute)((&raw mut device).cast(), ORDINAL, address),
                (self.range)(&raw mut base, &raw mut size, address),
            ]
        };
        (codes == [0, 0]).then(|| (device, (base + size).saturating_sub(address)))
    }

    /// Memory of the current context.
    pub fn alloc(&self, bytes: usize) -> Result<usize, Failure> {
        let mut address = 0;
        // SAFETY: the result has room.
        let code = unsafe { (self.alloc)(&raw mut address, bytes) };
        self.check("cuMemAlloc", code)?;
        Ok(address)
    }

    /// Frees what `alloc` gave.
    pub fn free(&self, address: usize) -> Result<(), Failure> {
        // SAFETY: the driver looks the address up.
        self.check("cuMemFree", unsafe { (self.free)(address) })
    }
}
