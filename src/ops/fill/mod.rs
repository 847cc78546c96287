//! Filling with one value: PyTorch's `torch.full` and `fill_`, ONNX `ConstantOfShape`.

pub(crate) mod cpu;
pub mod cuda;

use crate::device::Device;
use crate::element::Element;
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
