//! Flatten: several dimensions become one. PyTorch `torch.flatten(start_dim, end_dim)`; ONNX `Flatten(axis)` is
//! `x.flatten(0, axis - 1)` and then `flatten(1, -1)`. Nothing is copied and nothing runs on the device.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The same elements with the dimensions `start..=end` as one; negative ones count from the end. A tensor without
    /// dimensions becomes one of one element.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let images = Tensor::<f32>::zeros(&[8, 3, 5, 5], &Device::Cpu)?;
    /// assert_eq!(images.flatten(1, -1)?.shape(), [8, 75]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, or a start behind the end.
    pub fn flatten(&self, start: isize, end: isize) -> Result<Self> {
        let shape = self.shape();
        let rank = shape.len().max(1);
        let at = |dim: isize| {
            let at = if dim < 0 { dim + rank as isize } else { dim };
            usize::try_from(at).ok().filter(|&at| at < rank)
        };
        match (at(start), at(end)) {
            (Some(first), Some(last)) if first <= last => {
                let mut flat: Vec<usize> = shape.iter().copied().take(first).collect();
                flat.push(shape.iter().take(last + 1).skip(first).product());
                flat.extend(shape.iter().skip(last + 1));
                self.reshape(&flat)
            }
            _ => Err(Error::argument(
                "flatten",
                format!("dimensions in order of the {} in {shape:?}", shape.len()),
                format!("{start} and {end}"),
            )),
        }
    }
}
