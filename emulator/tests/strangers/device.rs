//! A context with one module of kernels, and what goes to them.

use cudarc::driver::result;
use cudarc::driver::sys::{self, CUresult};
use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// A context of its own, with a fixture loaded.
pub struct Device {
    context: sys::CUcontext,
    module: sys::CUmodule,
}

/// A kernel's argument, of any type up to a tensor map.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Argument([u8; 128]);

impl Argument {
    pub fn new<T: Copy>(value: T) -> Argument {
        let mut argument = Argument([0; 128]);
        assert!(size_of::<T>() <= 128);
        // SAFETY: there is room, and the alignment is the largest that an argument has.
        unsafe { argument.0.as_mut_ptr().cast::<T>().write(value) };
        argument
    }
}

/// `[Argument::new(a), ...]`
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { &mut [$($crate::device::Argument::new($value)),*] };
}
pub(crate) use arguments;

/// The shape of a launch: blocks, threads, bytes of dynamic shared memory.
#[derive(Clone, Copy)]
pub struct Shape {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    pub cooperative: bool,
}

/// A line of blocks of a line of threads.
pub fn line(blocks: u32, threads: u32) -> Shape {
    Shape {
        grid: [blocks, 1, 1],
        block: [threads, 1, 1],
        shared: 0,
        cooperative: false,
    }
}

pub fn ok(code: CUresult) {
    assert_eq!(code, CUresult::CUDA_SUCCESS);
}

/// `(kernel, target)` of a fixture, such as `("gemm", 90)`.
pub fn kernels(ptx: &str) -> impl Iterator<Item = (&str, i32)> {
    let target = ptx.split(".target sm_").nth(1).expect("a target");
    let digits = target.find(|c: char| !c.is_ascii_digit()).expect("an end");
    let target = target[..digits].parse().expect("a number");
    let entries = ptx.split(".visible .entry ").skip(1);
    entries.map(move |rest| (rest.split('(').next().expect("a name"), target))
}

impl Device {
    /// None where the device is older than what the fixture was compiled for.
    pub fn new(ptx: &str) -> Option<Device> {
        cuda_emulator_testing::install();
        let (mut context, mut major, mut minor) = (null_mut(), 0, 0);
        result::init().expect("a driver");
        // SAFETY: results have room; there is a device 0.
        unsafe {
            ok(sys::cuDeviceComputeCapability(
                &raw mut major,
                &raw mut minor,
                0,
            ));
        }
        let (_, target) = kernels(ptx).next().expect("a kernel");
        if target > major * 10 + minor {
            return None;
        }
        let text = CString::new(ptx).expect("a text without NUL");
        // SAFETY: results have room, the text ends in NUL.
        unsafe {
            ok(sys::cuCtxCreate_v2(&raw mut context, 0, 0));
            let module = result::module::load_data(text.as_ptr().cast()).expect("PTX that loads");
            Some(Device { context, module })
        }
    }

    /// Memory with nothing in it.
    pub fn room<T>(&self, count: usize) -> u64 {
        // SAFETY: takes a size.
        unsafe { result::malloc_sync(count * size_of::<T>()) }.expect("memory")
    }

    pub fn upload<T: Copy>(&self, data: &[T]) -> u64 {
        let address = self.room::<T>(data.len());
        self.write(address, data);
        address
    }

    pub fn zeros<T>(&self, count: usize) -> u64 {
        self.upload(&vec![0u8; count * size_of::<T>()])
    }

    pub fn write<T: Copy>(&self, address: u64, data: &[T]) {
        // SAFETY: the callers name allocations of this size.
        unsafe {
            ok(sys::cuMemcpyHtoD_v2(
                address,
                data.as_ptr().cast(),
                size_of_val(data),
            ))
        };
    }

    pub fn download<T: Copy>(&self, address: u64, count: usize) -> Vec<T> {
        let mut out: Vec<MaybeUninit<T>> = vec![MaybeUninit::uninit(); count];
        // SAFETY: `out` has room, and the callers name allocations of this size and types of which all bits are values.
        unsafe {
            ok(sys::cuMemcpyDtoH_v2(
                out.as_mut_ptr().cast(),
                address,
                size_of_val(&out[..]),
            ));
            out.into_iter().map(|x| x.assume_init()).collect()
        }
    }

    /// The address of a variable of the module.
    pub fn global(&self, name: &str) -> u64 {
        let (mut address, mut bytes, name) = (0, 0, CString::new(name).expect("a name"));
        // SAFETY: results have room, the name ends in NUL.
        unsafe {
            ok(sys::cuModuleGetGlobal_v2(
                &raw mut address,
                &raw mut bytes,
                self.module,
                name.as_ptr(),
            ))
        };
        address
    }

    /// Runs a kernel to its end.
    pub fn run(&self, name: &str, shape: Shape, arguments: &mut [Argument]) {
        println!("launched {name}"); // `modes` reads it
        let (mut function, text) = (null_mut(), CString::new(name).expect("a name"));
        let mut pointers: Vec<*mut c_void> =
            arguments.iter_mut().map(|a| (&raw mut *a).cast()).collect();
        let ([x, y, z], [tx, ty, tz]) = (shape.grid, shape.block);
        // SAFETY: the module holds the kernel; the callers pass arguments of its types.
        unsafe {
            ok(sys::cuModuleGetFunction(
                &raw mut function,
                self.module,
                text.as_ptr(),
            ));
            if shape.shared > 48 << 10 {
                let most =
                    sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
                ok(sys::cuFuncSetAttribute(function, most, shape.shared as i32));
            }
            let launch = if shape.cooperative {
                sys::cuLaunchCooperativeKernel(
                    function,
                    x,
                    y,
                    z,
                    tx,
                    ty,
                    tz,
                    shape.shared,
                    null_mut(),
                    pointers.as_mut_ptr(),
                )
            } else {
                let (stream, extra) = (null_mut(), null_mut());
                sys::cuLaunchKernel(
                    function,
                    x,
                    y,
                    z,
                    tx,
                    ty,
                    tz,
                    shape.shared,
                    stream,
                    pointers.as_mut_ptr(),
                    extra,
                )
            };
            assert_eq!(launch, CUresult::CUDA_SUCCESS, "{name}");
            assert_eq!(sys::cuCtxSynchronize(), CUresult::CUDA_SUCCESS, "{name}");
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: created above, destroyed once; what was allocated in it goes with it.
        unsafe { sys::cuCtxDestroy_v2(self.context) };
    }
}
