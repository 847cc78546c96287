//! The convolution of images.

use super::fused::Fused;
use super::precision::{AnyTensor, Precision};
use super::{Layer, Parameter, kept_as};
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::{self, Activation, Conv2dOptions, conv2d_backward_bias_activated_out};
use crate::random::Generator;
use crate::tensor::Tensor;

/// `y = conv2d(x, W) + b` (`torch.nn.Conv2d`): x (N, C, H, W), W (O, C / groups, kh, kw), b (O).
#[derive(Debug)]
pub struct Conv2d {
    weight: Parameter,
    bias: Option<Parameter>,
    options: Conv2dOptions,
    fused: Fused,
    input: Option<AnyTensor>,
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
        })
    }

    /// Writes the gradients of the parameters; answers that of the convolution.
    fn gradients<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let (input, options) = (kept_as("Conv2d", &self.input)?, &self.options);
        let (bias, summed) = (self.bias.as_mut(), conv2d_backward_bias_activated_out);
        let before = self.fused.backward("Conv2d", grad, bias, summed)?;
        let dy = before.as_ref().unwrap_or(grad);
        let weight = &mut self.weight;
        weight.write_grad(|dw| ops::conv2d_backward_weight_out(dy, input, options, dw))?;
        if let (Some(bias), None) = (&mut self.bias, &before) {
            bias.write_grad(|db| ops::conv2d_backward_bias_out(grad, db))?;
        }
        Ok(before.unwrap_or_else(|| grad.clone()))
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
        let bias = self.bias.as_mut().map(Parameter::compute).transpose()?;
        let options = Conv2dOptions {
            activation: self.fused.activation(),
            ..self.options
        };
        let output = input.conv2d(self.weight.compute()?, bias, &options)?;
        self.input = Some(AnyTensor::of(input)?);
        self.fused.keep(&output)?;
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let dy = self.gradients(grad)?;
        let input = kept_as::<T>("Conv2d", &self.input)?;
        ops::conv2d_backward_input(&dy, self.weight.computed()?, input.shape(), &self.options)
    }

    fn backward_parameters<T: Float>(&mut self, grad: &Tensor<T>) -> Result<()> {
        self.gradients(grad).map(drop)
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
