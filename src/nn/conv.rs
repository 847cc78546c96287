//! The convolution of images.

use super::fused::Fused;
use super::precision::{AnyTensor, Precision};
use super::{Layer, Parameter, kept, kept_as};
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::conv2d::{Gradient, Kept, keeping};
use crate::ops::{Activation, Conv2dOptions};
use crate::random::Generator;
use crate::tensor::Tensor;

const NAME: &str = "Conv2d";

/// `y = conv2d(x, W) + b` (`torch.nn.Conv2d`): x (N, C, H, W), W (O, C / groups, kh, kw), b (O).
#[derive(Debug)]
pub struct Conv2d {
    weight: Parameter,
    bias: Option<Parameter>,
    options: Conv2dOptions,
    fused: Fused,
    /// The input of the last forward, or the copy of it that its kernels read, and which of the two.
    input: Option<AnyTensor>,
    kept: Option<Kept>,
}

impl Conv2d {
    /// A layer with weights and bias uniform in ±1/√(C / groups · kh · kw), as PyTorch starts them.
    ///
    /// # Errors
    /// Where the channels are not whole groups, a side is 0 or more than memory holds.
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        options: Conv2dOptions,
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        let shape = weight_shape(inputs, outputs, kernel, &options)?;
        let terms = shape[1] as f32 * kernel[0] as f32 * kernel[1] as f32;
        let bound = 1.0 / terms.sqrt();
        let weight = Tensor::uniform(&shape, -bound, bound, generator, device)?;
        let bias = Tensor::uniform(&[outputs], -bound, bound, generator, device)?;
        Self::from_parts(weight, Some(bias), options)
    }

    /// A layer without bias, for networks that normalise behind it, as residual ones start: weights normal with a deviation of
    /// √(2 / (O · kh · kw)) (`torch.nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")`).
    ///
    /// # Errors
    /// Those of [`Conv2d::new`].
    pub fn without_bias(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        options: Conv2dOptions,
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        let shape = weight_shape(inputs, outputs, kernel, &options)?;
        let mut weight = Tensor::randn(&shape, generator, device)?;
        let terms = outputs as f32 * kernel[0] as f32 * kernel[1] as f32;
        weight.mul_((2.0 / terms).sqrt())?;
        Self::from_parts(weight, None, options)
    }

    /// A layer with these weights (O, C / groups, kh, kw), and this bias (O) or none.
    ///
    /// # Errors
    /// Where the shapes do not fit each other.
    pub fn from_parts(
        weight: Tensor<f32>,
        bias: Option<Tensor<f32>>,
        options: Conv2dOptions,
    ) -> Result<Self> {
        let of_bias = bias.as_ref().map(Tensor::shape);
        match (weight.shape(), of_bias) {
            ([_, _, _, _], None) => {}
            ([outputs, _, _, _], Some([n])) if outputs == n => {}
            (w, b) => {
                return Err(Error::shape(
                    "Conv2d",
                    "weight (O, C / groups, kh, kw) and bias (O)",
                    format!("{w:?} and {b:?}"),
                ));
            }
        }
        let mut fused = Fused::default();
        fused.set(options.activation);
        Ok(Self {
            weight: Parameter::new(weight)?,
            bias: bias.map(Parameter::new).transpose()?,
            options: Conv2dOptions {
                activation: Activation::None,
                ..options
            },
            fused,
            input: None,
            kept: None,
        })
    }

    /// A forward of an input in `T`, or in f32.
    fn run<S: Float, T: Float>(&mut self, input: &Tensor<S>) -> Result<Tensor<T>> {
        let bias = self.bias.as_mut().map(Parameter::compute).transpose()?;
        let options = Conv2dOptions {
            activation: self.fused.activation(),
            ..self.options
        };
        let (output, input, kept) = keeping(input, self.weight.compute()?, bias, &options)?;
        self.input = Some(AnyTensor::of(&input)?);
        self.kept = Some(kept);
        self.fused.keep(&output)?;
        Ok(output)
    }

    /// Writes the gradients of the parameters; answers that of the convolution, to be read for the gradient of the input where
    /// `to_input` says so.
    fn gradients<T: Float>(&mut self, grad: &Tensor<T>, to_input: bool) -> Result<Gradient<T>> {
        let (kept, input) = (kept(NAME, &self.kept)?, kept_as(NAME, &self.input)?);
        let after = (self.fused.output(NAME)?, self.fused.activation());
        let mut before = None;
        let before = match &mut self.bias {
            Some(bias) => {
                bias.write_grad(|db| {
                    before = Some(kept.gradient(grad, after, Some(db), to_input)?);
                    Ok(())
                })?;
                before
            }
            None => Some(kept.gradient(grad, after, None, to_input)?),
        };
        let before = before.ok_or_else(|| Error::argument(NAME, "a gradient", "none"))?;
        let weight = &mut self.weight;
        weight.write_grad(|dw| kept.backward_weight(&before, input, dw))?;
        Ok(before)
    }
}

/// (O, C / groups, kh, kw), or what is wrong with it.
fn weight_shape(
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    options: &Conv2dOptions,
) -> Result<[usize; 4]> {
    let groups = options.groups;
    let whole = groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
    let [kh, kw] = kernel;
    if whole && inputs > 0 && outputs > 0 && kh > 0 && kw > 0 {
        return Ok([outputs, inputs / groups, kh, kw]);
    }
    Err(Error::argument(
        "Conv2d",
        "channels in whole groups, and a kernel",
        format!("{inputs} and {outputs} channels in {groups} groups, a kernel {kernel:?}"),
    ))
}

impl Layer for Conv2d {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        self.run(input)
    }

    fn forward_cast<T: Float>(&mut self, input: &Tensor<f32>) -> Result<Tensor<T>> {
        self.run(input)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let before = self.gradients(grad, true)?;
        kept(NAME, &self.kept)?.backward_input(&before, self.weight.computed()?)
    }

    fn backward_parameters<T: Float>(&mut self, grad: &Tensor<T>) -> Result<()> {
        self.gradients(grad, false).map(drop)
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut named = vec![("weight".into(), &mut self.weight)];
        named.extend(self.bias.as_mut().map(|bias| ("bias".into(), bias)));
        named
    }

    fn set_precision(&mut self, precision: Precision) {
        self.options.allow_tf32 = precision == Precision::Tf32;
    }

    fn fuse_activation(&mut self, activation: Activation) -> bool {
        self.fused.set(activation)
    }
}
