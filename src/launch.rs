//! The one place that launches kernels.
//!
//! A launch is built argument by argument and checked before it reaches the driver: the parameters against the
//! PTX, every buffer against the length the binding says its kernel touches, the grid against the limits.

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{
    CudaContext, CudaSlice, CudaStream, DevicePtr, DevicePtrMut, SyncOnDrop, result,
};

use crate::capture::turn;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::kernels::{self, Kernel};
use crate::tensor_map::Matrices;

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

/// What a kernel takes by value: the 32-bit and 64-bit scalars.
pub(crate) trait Scalar: Copy {
    const BYTES: usize = size_of::<Self>();
    fn bits(self) -> u64;
}
impl Scalar for i32 {
    fn bits(self) -> u64 {
        u64::from(self as u32)
    }
}
impl Scalar for i64 {
    fn bits(self) -> u64 {
        self as u64
    }
}
impl Scalar for u64 {
    fn bits(self) -> u64 {
        self
    }
}
impl Scalar for f32 {
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }
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
    /// Looks the kernel up in the module of `op`.
    pub(crate) fn new(stream: &'a Arc<CudaStream>, op: &'static str, name: &str) -> Result<Self> {
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

    /// A buffer that the kernel reads `needed` elements of.
    pub(crate) fn read<T>(mut self, x: &'a impl DevicePtr<T>, needed: usize) -> Self {
        let pointer = self.address(x, needed);
        self.push(pointer, 8)
    }

    /// A buffer that the kernel writes `needed` elements of.
    pub(crate) fn write<T>(mut self, y: &'a mut impl DevicePtrMut<T>, needed: usize) -> Self {
        let pointer = self.address_mut(y, needed);
        self.push(pointer, 8)
    }

    /// Checks a buffer as [`Launch::read`] does, for a table that holds its address.
    pub(crate) fn address<T>(&mut self, x: &'a impl DevicePtr<T>, needed: usize) -> u64 {
        self.check(x.len(), needed, x.stream());
        let (pointer, used) = x.device_ptr(self.stream);
        self.uses.push(used);
        pointer
    }

    /// Checks a buffer as [`Launch::write`] does, for a table that holds its address.
    pub(crate) fn address_mut<T>(&mut self, y: &'a mut impl DevicePtrMut<T>, needed: usize) -> u64 {
        self.check(y.len(), needed, y.stream());
        let (pointer, used) = y.device_ptr_mut(self.stream);
        self.uses.push(used);
        pointer
    }

    /// [`Launch::read`] by boxes of these matrices.
    pub(crate) fn read_boxes<T: Float>(
        mut self,
        x: &'a impl DevicePtr<T>,
        needed: usize,
        matrices: &Matrices,
    ) -> Self {
        let pointer = self.address(x, needed);
        self.map::<T>(pointer, matrices)
    }

    /// [`Launch::write`] by boxes of these matrices.
    pub(crate) fn write_boxes<T: Float>(
        mut self,
        y: &'a mut impl DevicePtrMut<T>,
        needed: usize,
        matrices: &Matrices,
    ) -> Self {
        let pointer = self.address_mut(y, needed);
        self.map::<T>(pointer, matrices)
    }

    fn map<T: Float>(mut self, pointer: u64, matrices: &Matrices) -> Self {
        match matrices.map::<T>(self.op, pointer) {
            Ok(map) => return self.table(&map.opaque),
            Err(error) => self.fail(error),
        }
        self
    }

    /// A table of 64-bit words by value: numbers, and addresses of buffers checked before.
    pub(crate) fn table(mut self, words: &[u64]) -> Self {
        self.slots.extend_from_slice(words);
        self.sizes.push(8 * words.len());
        self
    }

    /// One buffer for a kernel's input and, as its next parameter, its output.
    pub(crate) fn in_place<T>(self, x: &'a mut impl DevicePtrMut<T>, needed: usize) -> Self {
        let launch = self.write(x, needed);
        let pointer = launch.slots[launch.slots.len() - 1];
        launch.push(pointer, 8)
    }

    /// [`Launch::in_place`] for a kernel that takes another input between the two.
    pub(crate) fn in_place_around<T, U>(
        self,
        x: &'a mut impl DevicePtrMut<T>,
        needed: usize,
        other: &'a impl DevicePtr<U>,
        needed_of_other: usize,
    ) -> Self {
        let launch = self.write(x, needed);
        let pointer = launch.slots[launch.slots.len() - 1];
        launch.read(other, needed_of_other).push(pointer, 8)
    }

    /// A buffer that the kernel may do without: null where there is none.
    pub(crate) fn read_optional<T>(self, x: Option<&'a impl DevicePtr<T>>, needed: usize) -> Self {
        match x {
            Some(x) => self.read(x, needed),
            None => self.null(),
        }
    }

    /// A buffer to write that the kernel may do without: null where there is none.
    pub(crate) fn write_optional<T>(
        self,
        y: Option<&'a mut impl DevicePtrMut<T>>,
        needed: usize,
    ) -> Self {
        match y {
            Some(y) => self.write(y, needed),
            None => self.null(),
        }
    }

    /// A buffer that the kernel does without.
    fn null(self) -> Self {
        self.push(0, 8)
    }

    /// A scalar by value.
    pub(crate) fn scalar<S: Scalar>(self, value: S) -> Self {
        self.push(value.bits(), S::BYTES)
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
        this.stream
            .context()
            .bind_to_thread()
            .map_err(|e| Error::driver(this.op, e))?;
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

    fn push(mut self, bits: u64, bytes: usize) -> Self {
        self.slots.push(bits);
        self.sizes.push(bytes);
        self
    }

    fn check(&mut self, len: usize, needed: usize, owner: &CudaStream) {
        if len < needed {
            let (expected, got) = (
                format!("a buffer of at least {needed} elements"),
                format!("{len}"),
            );
            self.fail(Error::shape(self.op, expected, got));
        }
        let (own, other): (&CudaContext, &CudaContext) = (self.stream.context(), owner.context());
        if own != other {
            let devices =
                [own, other].map(|c| format!("context {:p} of cuda:{}", c.cu_ctx(), c.ordinal()));
            self.fail(Error::Device {
                op: self.op,
                devices: devices.to_vec(),
            });
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}
