//! Seeded random numbers: the same on every device and platform, because they are always made on the CPU.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// A stream of random numbers (PyTorch's `torch.Generator`).
#[derive(Debug)]
pub struct Generator(ChaCha8Rng);

impl Generator {
    /// A generator that gives the same numbers for the same seed, always and everywhere.
    pub fn manual_seed(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The next number, uniform in [low, high).
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// The next number of the standard normal distribution.
    pub fn normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.0)
    }

    /// The numbers 0..n in random order (`torch.randperm`).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.0);
        order
    }
}

impl<T: Float> Tensor<T> {
    /// Uniform in [0, 1), as `torch.rand`.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn rand(shape: &[usize], generator: &mut Generator, device: &Device) -> Result<Self> {
        Self::uniform(shape, 0.0, 1.0, generator, device)
    }

    /// Uniform in [low, high), as `torch.nn.init.uniform_`.
    ///
    /// # Errors
    /// Where `low` and `high` are not finite and in order, or the shape is too large for memory.
    pub fn uniform(
        shape: &[usize],
        low: f32,
        high: f32,
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        if !((high - low).is_finite() && low <= high) {
            return Err(Error::argument(
                "uniform",
                "finite low <= high",
                format!("{low} and {high}"),
            ));
        }
        Self::from_fn(shape, device, || generator.uniform(low, high))
    }

    /// Standard normal, as `torch.randn`.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn randn(shape: &[usize], generator: &mut Generator, device: &Device) -> Result<Self> {
        Self::from_fn(shape, device, || generator.normal())
    }

    fn from_fn(shape: &[usize], device: &Device, mut f: impl FnMut() -> f32) -> Result<Self> {
        let mut host = Self::empty(shape, &Device::Cpu)?;
        host.fill_with(|| T::from_f32(f()))?;
        host.to(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut generator = Generator::manual_seed(7);
        let first = [
            generator.uniform(0.0, 1.0),
            generator.uniform(-2.0, 2.0),
            generator.normal(),
        ];
        let mut again = Generator::manual_seed(7);
        assert_eq!(
            first,
            [
                again.uniform(0.0, 1.0),
                again.uniform(-2.0, 2.0),
                again.normal()
            ]
        );
        assert_ne!(Generator::manual_seed(8).uniform(0.0, 1.0), first[0]);
    }

    #[test]
    fn uniform_refuses_what_is_no_interval() {
        let mut g = Generator::manual_seed(0);
        assert!(Tensor::<f32>::uniform(&[2], 1.0, 0.0, &mut g, &Device::Cpu).is_err());
        assert!(Tensor::<f32>::uniform(&[2], f32::NAN, 0.0, &mut g, &Device::Cpu).is_err());
    }
}
