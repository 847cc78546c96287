//! The convolution of images.

use super::{Module, Parameter, kept};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::ops::{self, Conv2dOptions};
use crate::random::Generator;
use crate::tensor::Tensor;

/// `y = conv2d(x, W) + b` (`torch.nn.Conv2d`): x (N, C, H, W), W (O, C / groups, kh, kw), b (O).
#[derive(Debug)]
pub struct Conv2d {
    weight: Parameter,
    bias: Option<Parameter>,
    options: Conv2dOptions,
    input: Option<Tensor<f32>>,
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
        let groups = options.groups;
        let whole = groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
        let [kh, kw] = kernel;
        if !whole || inputs == 0 || outputs == 0 || kh == 0 || kw == 0 {
            return Err(Error::argument(
                "Conv2d",
                "channels in whole groups, and a kernel",
                format!("{inputs} and {outputs} channels in {groups} groups, a kernel {kernel:?}"),
            ));
        }
        let shape = [outputs, inputs / groups, kh, kw];
        let bound = 1.0 / (shape[1] as f32 * kh as f32 * kw as f32).sqrt();
        let weight = Tensor::uniform(&shape, -bound, bound, generator, device)?;
        let bias = Tensor::uniform(&[outputs], -bound, bound, generator, device)?;
        Self::from_parts(weight, Some(bias), options)
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
        Ok(Self {
            weight: Parameter::new(weight)?,
            bias: bias.map(Parameter::new).transpose()?,
            options,
            input: None,
        })
    }
}

impl Module for Conv2d {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let bias = self.bias.as_ref().map(|bias| &bias.value);
        let output = input.conv2d(&self.weight.value, bias, &self.options)?;
        self.input = Some(input.clone());
        Ok(output)
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.backward_parameters(grad)?;
        let input = kept("Conv2d", &self.input)?;
        ops::conv2d_backward_input(grad, &self.weight.value, input.shape(), &self.options)
    }

    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        let input = kept("Conv2d", &self.input)?;
        ops::conv2d_backward_weight_out(grad, input, &self.options, &mut self.weight.grad)?;
        match &mut self.bias {
            Some(bias) => ops::conv2d_backward_bias_out(grad, &mut bias.grad),
            None => Ok(()),
        }
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut named = vec![("weight".into(), &mut self.weight)];
        named.extend(self.bias.as_mut().map(|bias| ("bias".into(), bias)));
        named
    }
}
