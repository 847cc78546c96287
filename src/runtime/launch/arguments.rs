//! The arguments of a launch: buffers, boxes of matrices, tables and scalars.

use cudarc::driver::{CudaContext, CudaStream, DevicePtr, DevicePtrMut};

use super::Launch;
use crate::element::Float;
use crate::error::Error;
use crate::runtime::tensor_map::Matrices;

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

impl Scalar for f64 {
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

impl<'a> Launch<'a> {
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
}
