//! The fully connected layer.

use super::fused::Fused;
use super::precision::{AnyTensor, Precision};
use super::{Layer, Parameter, kept_as};
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::matmul::{self, MatmulOptions};
use crate::ops::{Activation, column_sum_activated_out, column_sum_out};
use crate::random::Generator;
use crate::tensor::Tensor;

/// `y = x Wᵀ + b` (`torch.nn.Linear`): x (n, in), W (out, in), b (out), y (n, out).
#[derive(Debug)]
pub struct Linear {
    weight: Parameter,
    bias: Parameter,
    allow_tf32: bool,
    fused: Fused,
    input: Option<AnyTensor>,
}

impl Linear {
    /// A layer with weights and bias uniform in ±1/√in, as PyTorch starts them.
    ///
    /// # Errors
    /// Where a side is 0 or more than memory holds.
    pub fn new(
        inputs: usize,
        outputs: usize,
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        if inputs == 0 || outputs == 0 {
            let got = format!("{inputs} and {outputs}");
            return Err(Error::argument(
                "Linear",
                "at least one input and one output",
                got,
            ));
        }
        let bound = 1.0 / (inputs as f32).sqrt();
        let weight = Tensor::uniform(&[outputs, inputs], -bound, bound, generator, device)?;
        let bias = Tensor::uniform(&[outputs], -bound, bound, generator, device)?;
        Self::from_parts(weight, bias)
    }

    /// A layer with these weights (out, in) and this bias (out).
    ///
    /// # Errors
    /// Where the shapes do not fit each other.
    pub fn from_parts(weight: Tensor<f32>, bias: Tensor<f32>) -> Result<Self> {
        match (weight.shape(), bias.shape()) {
            ([outputs, _], [n]) if outputs == n => {}
            (w, b) => {
                let got = format!("{w:?} and {b:?}");
                return Err(Error::shape(
                    "Linear",
                    "weight (out, in) and bias (out)",
                    got,
                ));
            }
        }
        Ok(Self {
            weight: Parameter::new(weight)?,
            bias: Parameter::new(bias)?,
            allow_tf32: false,
            fused: Fused::default(),
            input: None,
        })
    }

    /// Writes the gradients of the parameters; answers that of the product.
    fn gradients<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let input = kept_as("Linear", &self.input)?;
        let (bias, summed) = (&mut self.bias, column_sum_activated_out);
        let before = self.fused.backward("Linear", grad, bias, summed)?;
        let dy = before.as_ref().unwrap_or(grad);
        // dW = dyᵀ x, db = the column sums of dy
        let transposed = MatmulOptions {
            transpose_a: true,
            allow_tf32: self.allow_tf32,
            ..Default::default()
        };
        let weight = &mut self.weight;
        weight.write_grad(|dw| matmul::matmul_with_out(dy, input, &transposed, dw))?;
        if before.is_none() {
            self.bias.write_grad(|db| column_sum_out(grad, db))?;
        }
        Ok(before.unwrap_or_else(|| grad.clone()))
    }
}

impl Layer for Linear {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let (weight, bias) = (self.weight.compute()?, self.bias.compute()?);
        let output = matmul::linear_with(
            input,
            weight,
            Some(bias),
            self.fused.activation(),
            self.allow_tf32,
        )?;
        self.input = Some(AnyTensor::of(input)?);
        self.fused.keep(&output)?;
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let dy = self.gradients(grad)?;
        // dx = dy W
        let options = MatmulOptions {
            allow_tf32: self.allow_tf32,
            ..Default::default()
        };
        matmul::matmul_with(&dy, self.weight.computed()?, &options)
    }

    fn backward_parameters<T: Float>(&mut self, grad: &Tensor<T>) -> Result<()> {
        self.gradients(grad).map(drop)
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        vec![
            ("weight".into(), &mut self.weight),
            ("bias".into(), &mut self.bias),
        ]
    }

    fn set_precision(&mut self, precision: Precision) {
        self.allow_tf32 = precision == Precision::Tf32;
    }

    fn fuse_activation(&mut self, activation: Activation) -> bool {
        self.fused.set(activation)
    }
}
