//! The one place that launches kernels.
//!
//! A launch is built argument by argument and checked before it reaches the driver: the parameters against the
//! PTX, every buffer against the length the binding says its kernel touches, the grid against the limits. `arguments`
//! holds what an argument may be.

mod arguments;

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{CudaSlice, CudaStream, SyncOnDrop, result};

use super::kernels::{self, Kernel};
use super::turn::turn;
use crate::element::Element;
use crate::error::{Error, Result};

/// What a block gets without asking.
const DEFAULT_SHARED: u32 = 48 * 1024;

/// A launch under construction. The first error is kept and returned by [`Launch::run`].
pub(crate) struct Launch<'a> {
    op: &'static str,
    stream: &'a Arc<CudaStream>,
    kernel: Kernel,
    grid: (u32, u32, u32),
    block: (u32, u32, u32),
    shared: u32,
    /// Every argument in a slot of its own, a table in as many as it has words, little-endian as the device reads it.
    slots: Vec<u64>,
    sizes: Vec<usize>,
    /// Record, when dropped, that the stream used the buffers.
    uses: Vec<SyncOnDrop<'a>>,
    error: Option<Error>,
}

/// Scratch memory for kernels that write it before they read it; freed in the stream's order, so without waiting.
pub(crate) fn workspace<T: Element>(
    stream: &Arc<CudaStream>,
    op: &'static str,
    len: usize,
) -> Result<CudaSlice<T>> {
    let _turn = turn(stream, op)?;
    // SAFETY: every bit pattern is a value of an Element, and nothing but the kernels of `op` sees the slice.
    unsafe { stream.alloc(len) }.map_err(|e| Error::driver(op, e))
}

impl<'a> Launch<'a> {
    /// Makes the stream's context current and looks the kernel up in the module of `op`.
    pub(crate) fn new(stream: &'a Arc<CudaStream>, op: &'static str, name: &str) -> Result<Self> {
        // whatever builds the launch may ask the driver something that needs the context
        let bound = stream.context().bind_to_thread();
        bound.map_err(|e| Error::driver(op, e))?;
        let kernel = kernels::kernel(stream.context(), op, name)?;
        let (slots, sizes) = (Vec::with_capacity(16), Vec::with_capacity(16));
        let (grid, block) = ((1, 1, 1), (1, 1, 1));
        Ok(Self {
            op,
            stream,
            kernel,
            grid,
            block,
            shared: 0,
            slots,
            sizes,
            uses: Vec::new(),
            error: None,
        })
    }

    /// Blocks in x, y and z. A size past the device's limit is an error.
    pub(crate) fn grid(mut self, x: usize, y: usize, z: usize) -> Self {
        let limits = [
            ("blocks in x", x, i32::MAX as usize),
            ("blocks in y", y, 65535),
            ("blocks in z", z, 65535),
        ];
        for (what, value, limit) in limits {
            if value > limit {
                self.fail(Error::TooLarge {
                    op: self.op,
                    what,
                    limit,
                    value,
                });
            }
        }
        self.grid = (x as u32, y as u32, z as u32);
        self
    }

    /// Threads per block, in one dimension.
    pub(crate) fn block(mut self, threads: u32) -> Self {
        self.block = (threads, 1, 1);
        self
    }

    /// Bytes of dynamic shared memory; above 48 KiB the function's limit is raised first.
    pub(crate) fn shared(mut self, bytes: u32) -> Self {
        if bytes > DEFAULT_SHARED {
            let attribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            if let Err(e) = self.kernel.function.set_attribute(attribute, bytes as i32) {
                self.fail(Error::driver(self.op, e));
            }
        }
        self.shared = bytes;
        self
    }

    /// The launch itself, or what is wrong with it so far.
    pub(crate) fn ready(mut self) -> Result<Self> {
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// Checks the launch and hands it to the stream; it runs asynchronously.
    pub(crate) fn run(self) -> Result<()> {
        let mut this = self.ready()?;
        if this.sizes != this.kernel.entry.params {
            let expected = format!(
                "{} with parameters of {:?} bytes",
                this.kernel.entry.name, this.kernel.entry.params
            );
            return Err(Error::argument(
                this.op,
                expected,
                format!("{:?}", this.sizes),
            ));
        }
        let (base, mut at) = (this.slots.as_mut_ptr(), 0);
        let first_slot = |bytes: &usize| -> *mut c_void {
            let slot = base.wrapping_add(at);
            at += bytes.div_ceil(8);
            slot.cast()
        };
        let mut pointers: Vec<*mut c_void> = this.sizes.iter().map(first_slot).collect();
        let _turn = turn(this.stream, this.op)?;
        // SAFETY: the arguments agree in number and size with the PTX's own parameter list (compared above); every
        // pointer is a live buffer of the stream's context that is as long as the binding says the kernel touches
        // (`check`), borrowed until the launch is queued and, by `uses`, tracked after that; slots outlive the call,
        // which copies them; grid and block are within the limits (`grid`) or refused by the driver.
        let queued = unsafe {
            result::launch_kernel(
                this.kernel.function.cu_function(),
                this.grid,
                this.block,
                this.shared,
                this.stream.cu_stream(),
                &mut pointers,
            )
        };
        queued.map_err(|e| Error::driver(this.op, e))
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}
