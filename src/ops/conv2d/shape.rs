//! What a convolution is asked to do, and the checks on it.

use crate::error::{Error, Result, to_i32};
use crate::ops::activation::Activation;
use crate::ops::window::{Window, check_count, split};

pub(super) const BIAS: &str = "conv2d_backward_bias";

/// The longest side that a kernel counts to, in half a register: padding, stride and window included.
const LONGEST: usize = i16::MAX as usize;

/// How the windows of a convolution slide, and over which channels; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// Steps from one window to the next, height first, as in all of these.
    pub stride: [usize; 2],
    /// Zeros above and to the left.
    pub padding: [usize; 2],
    /// Zeros below and to the right; PyTorch has as many as in `padding`.
    pub padding_end: [usize; 2],
    /// Steps from one tap to the next.
    pub dilation: [usize; 2],
    /// Groups of channels, each convolved for itself.
    pub groups: usize,
    /// Applied to the output after the bias; the gradients are of what is before it.
    pub activation: Activation,
    /// On CUDA, `f32` factors may be rounded to tf32 (10 bits of fraction) for the sake of Tensor Cores (PyTorch's
    /// `torch.backends.cudnn.allow_tf32`). Without effect where there are none.
    pub allow_tf32: bool,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [0; 2],
            padding_end: [0; 2],
            dilation: [1; 2],
            groups: 1,
            activation: Activation::None,
            allow_tf32: false,
        }
    }
}

impl Conv2dOptions {
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

    /// The same with so many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

/// A convolution of given shapes: everything has been checked against the kernels' limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv {
    pub(crate) images: usize,
    pub(crate) groups: usize,
    /// Channels of one group.
    pub(crate) inputs: usize,
    /// Channels of one group.
    pub(crate) outputs: usize,
    pub(crate) plane: [usize; 2],
    pub(crate) output: [usize; 2],
    pub(crate) window: Window,
    pub(crate) activation: Activation,
    pub(crate) allow_tf32: bool,
}

impl Conv {
    pub(crate) fn new(
        op: &'static str,
        input: &[usize],
        weight: &[usize],
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let [n, c, h, w] = split(op, input)?;
        let &[all_outputs, inputs, kh, kw] = weight else {
            let expected = "weights (O, C / groups, kh, kw)";
            return Err(Error::shape(op, expected, format!("{weight:?}")));
        };
        let groups = options.groups;
        if groups == 0 || inputs.checked_mul(groups) != Some(c) || all_outputs % groups != 0 {
            let expected =
                "weights (O, C / groups, kh, kw) with C that of the input and O whole groups";
            let got = format!("weights {weight:?} in {groups} groups for an input {input:?}");
            return Err(Error::shape(op, expected, got));
        }
        let window = Window {
            kernel: [kh, kw],
            stride: options.stride,
            padding: options.padding,
            padding_end: options.padding_end,
            dilation: options.dilation,
            ceil_mode: false,
        };
        let output = window.output(op, [h, w])?;
        for d in 0..2 {
            let paddings = window.padding[d] + window.padding_end[d];
            let longest = [h, w][d] + paddings + window.stride[d] + window.extent(d);
            if longest > LONGEST {
                return Err(Error::TooLarge {
                    op,
                    what: "a padded side, stride and window together",
                    limit: LONGEST,
                    value: longest,
                });
            }
        }
        let conv = Self {
            images: n,
            groups,
            inputs,
            outputs: all_outputs / groups,
            plane: [h, w],
            output,
            window,
            activation: options.activation,
            allow_tf32: options.allow_tf32,
        };
        check_count(op, input)?;
        check_count(op, weight)?;
        check_count(op, &conv.output_shape())?;
        // rows and columns of the products are counted past their ends, to those of tiles
        let positions = n.saturating_mul(h.max(output[0]) * w.max(output[1]));
        let terms = conv.terms().max(conv.outputs.saturating_mul(conv.taps()));
        to_i32(op, "positions or terms", positions.max(terms) + 256)?;
        Ok(conv)
    }

    /// The convolution of this one's output that gives the gradient of its input, with the taps from the last to the first: where
    /// windows move by one, and the padding is no more than what windows reach over.
    pub(super) fn mirrored(&self) -> Option<Self> {
        let Window {
            stride, padding, ..
        } = self.window;
        let beyond = [0, 1].map(|d| (self.window.extent(d) - 1).checked_sub(padding[d]));
        let [Some(down), Some(across)] = beyond else {
            return None;
        };
        (stride == [1; 2]).then_some(Self {
            inputs: self.outputs,
            outputs: self.inputs,
            plane: self.output,
            output: self.plane,
            window: Window {
                padding: [down, across],
                ..self.window
            },
            activation: Activation::None,
            ..*self
        })
    }

    pub(crate) fn output_shape(&self) -> [usize; 4] {
        let [h, w] = self.output;
        [self.images, self.groups * self.outputs, h, w]
    }

    pub(super) fn input_shape(&self) -> [usize; 4] {
        let [h, w] = self.plane;
        [self.images, self.groups * self.inputs, h, w]
    }

    pub(super) fn weight_shape(&self) -> [usize; 4] {
        let [kh, kw] = self.window.kernel;
        [self.groups * self.outputs, self.inputs, kh, kw]
    }

    /// Elements of one channel's plane, of the input and of the output.
    pub(crate) fn planes(&self) -> [usize; 2] {
        [self.plane, self.output].map(|[h, w]| h * w)
    }

    /// Products that an output is the sum of.
    pub(crate) fn terms(&self) -> usize {
        self.inputs * self.taps()
    }

    pub(crate) fn taps(&self) -> usize {
        self.window.kernel.iter().product()
    }

    /// Elements of the input, the weights and the output.
    pub(crate) fn counts(&self) -> [usize; 3] {
        let [input, output] = self.planes();
        let channels = self.images * self.groups;
        [
            channels * self.inputs * input,
            self.groups * self.outputs * self.terms(),
            channels * self.outputs * output,
        ]
    }
}

/// The shape of an output's gradient.
pub(super) fn gradient(shape: &[usize]) -> Result<[usize; 4]> {
    check_count(BIAS, shape)?;
    split(BIAS, shape)
}
