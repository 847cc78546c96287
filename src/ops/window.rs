//! How the windows of pooling and convolution slide over the planes of a tensor (N, C, H, W).

use std::ops::Range;

use crate::error::{Error, Result, numel, to_i32};
use crate::runtime::launch::Launch;

/// A window over planes, height first in every pair.
///
/// Output (i, j) sees the inputs `(i * stride - padding + tap * dilation, ...)` for every tap of the kernel; those
/// outside the plane are padding. PyTorch's names; ONNX's `pads` is `padding` and then `padding_end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps.
    pub kernel: [usize; 2],
    /// Steps from one window to the next.
    pub stride: [usize; 2],
    /// Padding above and to the left.
    pub padding: [usize; 2],
    /// Padding below and to the right.
    pub padding_end: [usize; 2],
    /// Steps from one tap to the next.
    pub dilation: [usize; 2],
    /// Whether a last window may reach past the padding, if it begins before it.
    pub ceil_mode: bool,
}

impl Window {
    /// Windows side by side, as pooling has them unless told otherwise: the stride is the kernel.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0; 2],
            padding_end: [0; 2],
            dilation: [1; 2],
            ceil_mode: false,
        }
    }

    /// The same with this stride.
    #[must_use]
    pub fn stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// The same with this padding on both sides.
    #[must_use]
    pub fn padding(self, padding: [usize; 2]) -> Self {
        Self {
            padding,
            padding_end: padding,
            ..self
        }
    }

    /// The same with this dilation.
    #[must_use]
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        Self { dilation, ..self }
    }

    /// The same with or without a last window that reaches past the padding.
    #[must_use]
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        Self { ceil_mode, ..self }
    }

    /// The windows over a plane of `[height, width]`, in each direction.
    ///
    /// # Errors
    /// A kernel, stride or dilation of 0, sizes past an i32, or a plane that is smaller than the window.
    pub fn output(&self, op: &'static str, plane: [usize; 2]) -> Result<[usize; 2]> {
        let output = [self.along(op, plane[0], 0)?, self.along(op, plane[1], 1)?];
        numel(op, &output)?;
        Ok(output)
    }

    fn along(&self, op: &'static str, size: usize, d: usize) -> Result<usize> {
        let (kernel, stride, dilation) = (self.kernel[d], self.stride[d], self.dilation[d]);
        if kernel == 0 || stride == 0 || dilation == 0 {
            let got = format!("{kernel}, {stride} and {dilation}");
            let expected = "a kernel, stride and dilation of at least 1";
            return Err(Error::argument(op, expected, got));
        }
        // the largest coordinate that a kernel counts to, a stride past the padded plane, fits its i32
        let parts = [self.padding[d], self.padding_end[d], stride];
        let reach = dilation.saturating_mul(kernel);
        let most = parts.iter().fold(size.saturating_add(reach), |sum, &part| {
            sum.saturating_add(part)
        });
        to_i32(op, "a padded side, kernel and stride together", most)?;
        let (padded, extent) = (size + self.padding[d] + self.padding_end[d], self.extent(d));
        let Some(room) = padded.checked_sub(extent) else {
            let expected = format!("a padded side of at least {extent}, what a window spans");
            return Err(Error::shape(op, expected, format!("{padded}")));
        };
        let mut windows = room / stride + 1;
        let begins = windows * stride;
        if self.ceil_mode && room % stride != 0 && begins < size + self.padding[d] {
            windows += 1;
        }
        Ok(windows)
    }

    /// What a window spans, its holes included.
    pub(crate) fn extent(&self, d: usize) -> usize {
        (self.kernel[d] - 1) * self.dilation[d] + 1
    }

    /// The windows of `outputs` whose tap lies inside the side of `size`, in the direction `d`.
    #[inline(always)]
    pub(crate) fn inside(&self, d: usize, tap: usize, size: usize, outputs: usize) -> Range<usize> {
        let (padding, at, stride) = (self.padding[d], tap * self.dilation[d], self.stride[d]);
        let first = padding.saturating_sub(at).div_ceil(stride);
        let end = (size + padding).saturating_sub(at).div_ceil(stride);
        let end = end.min(outputs);
        first.min(end)..end
    }

    /// Where a window's tap stands, which must be inside.
    #[inline(always)]
    pub(crate) fn at(&self, d: usize, output: usize, tap: usize) -> usize {
        output * self.stride[d] + tap * self.dilation[d] - self.padding[d]
    }

    /// Errors unless every window at the edge sees more than padding, as pooling needs.
    pub(crate) fn check_padding(&self, op: &'static str) -> Result<()> {
        for d in 0..2 {
            let (most, extent) = (self.padding[d].max(self.padding_end[d]), self.extent(d));
            if most >= extent {
                let expected = format!("padding below {extent}, what a window spans");
                return Err(Error::argument(op, expected, most));
            }
        }
        Ok(())
    }
}

impl Launch<'_> {
    /// What the kernels take of a window: kernel, stride, padding and dilation, height first. [`Window::output`] has
    /// checked that they fit.
    pub(crate) fn window(self, window: &Window) -> Self {
        let pairs = [
            window.kernel,
            window.stride,
            window.padding,
            window.dilation,
        ];
        let scalars = pairs.iter().flatten();
        scalars.fold(self, |launch, &scalar| launch.scalar(scalar as i32))
    }
}

/// The sides of a tensor (N, C, H, W).
pub(crate) fn split(op: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape
        .try_into()
        .map_err(|_| Error::shape(op, "a shape (N, C, H, W)", format!("{shape:?}")))
}

/// Errors unless all elements can be counted by a kernel's i32.
pub(crate) fn check_count(op: &'static str, shape: &[usize]) -> Result<usize> {
    let count = numel(op, shape)?;
    to_i32(op, "elements of a tensor", count)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_as_pytorch_counts_them() {
        let count = |window: Window, size| window.output("test", [size, size]).unwrap()[0];
        let three = Window::new([3, 3]).stride([2, 2]);
        assert_eq!(count(three, 55), 27);
        assert_eq!(count(three, 6), 2);
        assert_eq!(count(three.ceil_mode(true), 6), 3);
        // a last window that would begin in the padding is none
        let one = Window::new([1, 1]).stride([2, 2]);
        assert_eq!(count(one.ceil_mode(true), 2), 1);
        assert_eq!(count(three.padding([1, 1]).ceil_mode(true), 4), 3);
        assert_eq!(
            count(Window::new([2, 2]).dilation([3, 3]).stride([1, 1]), 4),
            1
        );
        assert_eq!(
            count(Window::new([3, 3]).stride([1, 1]).padding([1, 1]), 7),
            7
        );
    }

    #[test]
    fn windows_that_cannot_be() {
        let said =
            |window: Window, size| window.output("test", [size, size]).unwrap_err().to_string();
        assert!(said(Window::new([0, 1]), 3).contains("at least 1"));
        assert!(said(Window::new([4, 4]), 3).contains("at least 4"));
        assert!(said(Window::new([usize::MAX, 1]), 3).contains("at most"));
        let far = Window::new([1, 1]).padding([usize::MAX, usize::MAX]);
        assert!(said(far, 3).contains("at most"));
    }
}
