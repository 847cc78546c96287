//! Filling with one value: PyTorch's `torch.full` and `fill_`, ONNX `ConstantOfShape`.

pub(crate) mod cpu;
pub mod cuda;

use crate::device::Device;
use crate::element::{Element, Number};
use crate::error::Result;
use crate::tensor::{DataMut, Tensor};

const OP: &str = "fill";

impl<T: Element> Tensor<T> {
    /// A tensor full of `fill_value`.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn full(shape: &[usize], fill_value: T, device: &Device) -> Result<Self> {
        let mut out = Self::empty(shape, device)?;
        out.fill_(fill_value)?;
        Ok(out)
    }

    /// [`Tensor::full`] of another's shape, on its device.
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn full_like(&self, fill_value: T) -> Result<Self> {
        Self::full(self.shape(), fill_value, self.device())
    }

    /// Sets every element to `value`.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn fill_(&mut self, value: T) -> Result<()> {
        match self.data_mut()? {
            DataMut::Cpu(y) => cpu::fill(y, value),
            DataMut::Cuda(y) => {
                let stream = y.stream().clone();
                cuda::fill(&stream, y, value)?;
            }
        }
        Ok(())
    }
}

impl<T: Number> Tensor<T> {
    /// A tensor of ones.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn ones(shape: &[usize], device: &Device) -> Result<Self> {
        let mut one = [T::default()];
        T::block_from_i64(&[1], &mut one);
        Self::full(shape, one[0], device)
    }

    /// [`Tensor::ones`] of another's shape, on its device.
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn ones_like(&self) -> Result<Self> {
        Self::ones(self.shape(), self.device())
    }
}
