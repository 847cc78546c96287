//! Dropout.

use super::{Layer, kept};
use crate::element::Float;
use crate::error::Result;
use crate::ops::DropoutOptions;
use crate::ops::dropout::dropout_at;
use crate::runtime::live::{Counter, Live, live};
use crate::tensor::Tensor;

/// In training, each element is zero with probability p, and the others are divided by 1 - p; in evaluation, what comes
/// goes (`torch.nn.Dropout`).
///
/// Every forward in training takes the next mask of the layer's seed, the same on every device; so does every replay of
/// a [`CudaGraph`](crate::CudaGraph).
#[derive(Debug)]
pub struct Dropout {
    options: DropoutOptions,
    /// Masks taken.
    calls: Counter,
    training: bool,
    /// What the last forward did: the mask it took, or nothing.
    last: Option<Option<Mask>>,
}

/// A mask, by number or, for a captured launch, where the number will be.
#[derive(Debug)]
struct Mask(DropoutOptions, Option<Live>);

impl Mask {
    fn apply<T: Float>(&self, op: &'static str, x: &Tensor<T>) -> Result<Tensor<T>> {
        let mut out = Tensor::empty(x.shape(), x.device())?;
        dropout_at(op, x, &self.0, self.1.as_ref(), &mut out)?;
        Ok(out)
    }
}

impl Dropout {
    /// The layer; it has no parameters. Layers of one network want seeds of their own.
    ///
    /// # Errors
    /// A p outside 0..=1.
    pub fn new(p: f64, seed: u64) -> Result<Self> {
        let options = DropoutOptions { p, seed, call: 0 };
        options.check("Dropout")?;
        Ok(Self {
            options,
            calls: Counter::default(),
            training: true,
            last: None,
        })
    }
}

/// How often a layer has done something, which checkpoints keep ([`Module::named_counts`](super::Module::named_counts)).
#[derive(Debug)]
pub struct Count<'a>(&'a Counter);

impl Count<'_> {
    /// How often, replays included.
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    /// Goes on from another number; replays too.
    pub fn set(&self, count: u64) {
        self.0.set(count);
    }
}

impl Layer for Dropout {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        if !self.training {
            self.last = Some(None);
            return Ok(input.clone());
        }
        let words = |call| Ok(DropoutOptions::words(call));
        let live = live(input.device().stream(), "Dropout", &self.calls, 2, words)?;
        let call = self.calls.get();
        let mask = Mask(
            DropoutOptions {
                call,
                ..self.options
            },
            live,
        );
        let output = mask.apply("dropout", input)?;
        if mask.1.is_none() {
            self.calls.advance();
        }
        self.last = Some(Some(mask));
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        match kept("Dropout", &self.last)? {
            Some(mask) => mask.apply("dropout_backward", grad),
            None => Ok(grad.clone()),
        }
    }

    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        vec![("masks".into(), Count(&self.calls))]
    }

    fn train(&mut self, training: bool) {
        self.training = training;
    }
}
