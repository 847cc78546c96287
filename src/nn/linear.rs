//! The fully connected layer.

use super::{Module, Parameter, kept};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::ops::{self, MatmulOptions};
use crate::random::Generator;
use crate::tensor::Tensor;

/// `y = x Wᵀ + b` (`torch.nn.Linear`): x (n, in), W (out, in), b (out), y (n, out).
#[derive(Debug)]
pub struct Linear {
    weight: Parameter,
    bias: Parameter,
    input: Option<Tensor<f32>>,
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
            input: None,
        })
    }
}

impl Module for Linear {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let output = ops::linear(input, &self.weight.value, Some(&self.bias.value))?;
        self.input = Some(input.clone());
        Ok(output)
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.backward_parameters(grad)?;
        // dx = dy W
        grad.matmul(&self.weight.value)
    }

    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        let input = kept("Linear", &self.input)?;
        // dW = dyᵀ x, db = the column sums of dy
        let transposed = MatmulOptions {
            transpose_a: true,
            ..Default::default()
        };
        ops::matmul_with_out(grad, input, &transposed, &mut self.weight.grad)?;
        ops::column_sum_out(grad, &mut self.bias.grad)
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        vec![
            ("weight".into(), &mut self.weight),
            ("bias".into(), &mut self.bias),
        ]
    }
}
