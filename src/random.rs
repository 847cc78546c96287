//! Seeded random numbers: the same on every device and platform, because they are always made on the CPU.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::device::Device;
use crate::element::{Float, Number};
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

    /// The next number, uniform in [low, high); `low` where that is empty or has no finite end.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        self.within(low, high)
    }

    /// The next number of `T`, uniform in [low, high), which holds one.
    ///
    /// What rounding takes out of the range is drawn again: so every number keeps the share that rounds to it. Rounding
    /// down instead would move the mean, of bf16 by a thousandth, and change every number of every seed.
    fn within<T: Float>(&mut self, low: f32, high: f32) -> T {
        if !(low < high && low.is_finite() && high.is_finite()) {
            return T::from_f32(low);
        }
        loop {
            let share = self.0.random::<f32>();
            let value = match high - low {
                span if span.is_finite() => low + span * share,
                _ => low * (1.0 - share) + high * share,
            };
            let value = T::from_f32(value);
            if (low..high).contains(&value.to_f32()) {
                return value;
            }
        }
    }

    /// The next number of the standard normal distribution.
    pub fn normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.0)
    }

    /// A seed for something that draws its own numbers, such as [`Dropout`](crate::nn::Dropout).
    pub fn seed(&mut self) -> u64 {
        self.0.random()
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

    /// Uniform in [low, high), as `torch.nn.init.uniform_`: `high` is never reached, in no type. Where the two are equal,
    /// every element is `low`, as with PyTorch and NumPy.
    ///
    /// # Errors
    /// Where `low` and `high` are not in order or not finite in `T`, where they differ but `T` has no number from the one
    /// to below the other, or where the shape is too large for memory.
    pub fn uniform(
        shape: &[usize],
        low: f32,
        high: f32,
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        const OP: &str = "uniform";
        let ends = [low, high].map(|end| T::from_f32(end).to_f32());
        let range = || format!("{low} and {high}");
        if !(low <= high && ends.iter().all(|end| end.is_finite())) {
            let expected = format!("low <= high, finite in {}", T::NAME);
            return Err(Error::argument(OP, expected, range()));
        }
        // between two neighbours of T the middle rounds to one of them, and else to what lies between
        let middle = T::from_f32(ends[0] / 2.0 + ends[1] / 2.0).to_f32();
        let holds = [ends[0], middle, ends[1]]
            .iter()
            .any(|x| (low..high).contains(x));
        if low < high && !holds {
            let expected = format!("a number of {} from low to below high", T::NAME);
            return Err(Error::argument(OP, expected, range()));
        }
        Self::from_fn(shape, device, || generator.within(low, high))
    }

    /// Standard normal, as `torch.randn`.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn randn(shape: &[usize], generator: &mut Generator, device: &Device) -> Result<Self> {
        Self::from_fn(shape, device, || T::from_f32(generator.normal()))
    }

    /// [`Tensor::rand`] of another's shape, on its device.
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn rand_like(&self, generator: &mut Generator) -> Result<Self> {
        Self::rand(self.shape(), generator, self.device())
    }

    /// [`Tensor::randn`] of another's shape, on its device.
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn randn_like(&self, generator: &mut Generator) -> Result<Self> {
        Self::randn(self.shape(), generator, self.device())
    }
}

impl<T: Number> Tensor<T> {
    /// Integers from `low` to below `high`, each as likely (`torch.randint`).
    ///
    /// # Errors
    /// Where `high` is not above `low`, or the shape is too large for memory.
    pub fn randint(
        low: i64,
        high: i64,
        shape: &[usize],
        generator: &mut Generator,
        device: &Device,
    ) -> Result<Self> {
        if low >= high {
            let got = format!("{low} and {high}");
            return Err(Error::argument("randint", "low below high", got));
        }
        Self::from_fn(shape, device, || {
            let mut made = [T::default()];
            T::block_from_i64(&[generator.0.random_range(low..high)], &mut made);
            made[0]
        })
    }

    /// [`Tensor::randint`] of another's shape, on its device.
    ///
    /// # Errors
    /// Those of [`Tensor::randint`].
    pub fn randint_like(&self, low: i64, high: i64, generator: &mut Generator) -> Result<Self> {
        Self::randint(low, high, self.shape(), generator, self.device())
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
        assert!(Tensor::<f32>::uniform(&[2], 0.0, f32::INFINITY, &mut g, &Device::Cpu).is_err());
        assert_eq!(g.uniform(2.0, 1.0), 2.0);
        assert_eq!(g.uniform(-1.0, f32::INFINITY), -1.0);
        assert!(g.uniform(f32::NAN, 1.0).is_nan());
    }
}
