//! The emulated driver, found by name; a real one is refused.

use crate::types::{Code, Failure};
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
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
    host: c"cuda_emulator_host" (Handle, HostFunction, *mut c_void, HostFunction);
    run: c"cuda_emulator_run" (Handle);
    found: c"cuda_emulator_found" (*const c_char, *const c_char, *const c_char);
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
        // The emulator may answer to the first name where a real driver, which is not in use, has the second.
        let found = [c"libcuda.so", c"libcuda.so.1"].map(open);
        let is_emulator = |&&library: &&_| symbol(library, c"cuda_emulator_capability").is_some();
        let Some(&library) = found.iter().flatten().find(is_emulator) else {
            return Err(refuse(if found.iter().any(Option::is_some) {
                "this NCCL works on the emulated driver only, and libcuda.so is another"
            } else {
                "no libcuda.so was found"
            }));
        };
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

    /// Calls `function` in the stream's order, as often as a graph that captures it is launched, and `release` when
    /// that is over, also where there is an error.
    ///
    /// # Safety
    /// `argument` is what `function` takes, from now on until `release` has taken it, once.
    pub unsafe fn host(
        &self,
        stream: Handle,
        function: HostFunction,
        argument: *mut c_void,
        release: HostFunction,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's promise.
        let code = unsafe { (self.host)(stream, function, argument, release) };
        self.check("a host function", code)
    }

    /// Hands a report to the driver, which says it, counts it, and writes it where `CUDA_EMULATOR_REPORT` asks for it.
    pub fn found(&self, whose: &str, what: &str) {
        let text = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        let (whose, what) = (text(whose), text(what));
        // SAFETY: three texts that end with NUL. It answers nothing that could be done about.
        unsafe { (self.found)(c"NCCL".as_ptr(), whose.as_ptr(), what.as_ptr()) };
    }

    /// Runs what waits in a stream and waits for it, whether or not it is being captured meanwhile.
    pub fn run(&self, stream: Handle) -> Result<(), Failure> {
        // SAFETY: a handle that the driver looks up.
        self.check("the run of a stream", unsafe { (self.run)(stream) })
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
