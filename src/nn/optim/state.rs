//! What an optimizer remembers of each parameter, and how it is saved.

use std::collections::BTreeMap;

use super::OptimizerState;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::state::fitting;
use crate::nn::{Module, Parameter};
use crate::ops::Slot;
use crate::ops::optimizer::At;
use crate::runtime::live::{self, Counter};
use crate::tensor::Tensor;

/// An optimizer's name, and PyTorch's names for what it remembers.
pub(super) struct Kind<const N: usize> {
    pub(super) optimizer: &'static str,
    pub(super) names: [&'static str; N],
}

/// `N` tensors of each parameter's shape, made on the first step, and how many steps there were.
#[derive(Debug)]
pub(super) struct State<const N: usize> {
    steps: Counter,
    tensors: Vec<[Tensor<f32>; N]>,
}

impl<const N: usize> Default for State<N> {
    fn default() -> Self {
        Self {
            steps: Counter::default(),
            tensors: Vec::new(),
        }
    }
}

impl<const N: usize> State<N> {
    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Makes a step over every parameter with its gradient and its state. `live` answers those `width` scalars of a step
    /// that its kernel reads from memory where it is captured for steps to come. An error where the model is not the one
    /// of the first step.
    pub(super) fn step(
        &mut self,
        kind: &Kind<N>,
        parameters: Vec<&mut Parameter>,
        width: usize,
        live: impl Fn(u64) -> Result<Vec<f32>> + Send + 'static,
        step: impl FnOnce(&mut [Slot<'_, f32, N>], &At) -> Result<()>,
    ) -> Result<()> {
        let device = parameters.first().map(|p| p.value.device().clone());
        let device = device.unwrap_or(Device::Cpu);
        let words = move |made| {
            let scalars = live(made + 1)?.into_iter();
            Ok(scalars.map(|s| s.to_bits() as i32).collect())
        };
        let counter = self.steps.clone();
        let mut slots = self.slots(kind, parameters)?;
        let at = At {
            step: counter.get() + 1,
            live: live::live(device.stream(), kind.optimizer, &counter, width, words)?,
        };
        step(&mut slots, &at)?;
        if at.live.is_none() {
            counter.advance();
        }
        Ok(())
    }

    fn slots<'a>(
        &'a mut self,
        kind: &Kind<N>,
        parameters: Vec<&'a mut Parameter>,
    ) -> Result<Vec<Slot<'a, f32, N>>> {
        if self.tensors.is_empty() {
            let capturing = |p: &&mut Parameter| p.value.device().is_capturing();
            if N > 0 && parameters.iter().any(capturing) {
                let reason = "the first step makes the optimizer's state, and every replay would make it anew; \
                              make one step before";
                let op = kind.optimizer;
                return Err(Error::Capture { op, reason });
            }
            let zeros = |p: &&mut Parameter| {
                let zero = Tensor::zeros(p.value.shape(), p.value.device())?;
                Ok(std::array::from_fn(|_| zero.clone()))
            };
            self.tensors = parameters.iter().map(zeros).collect::<Result<_>>()?;
        }
        self.check(kind, parameters.iter().map(|p| &**p))?;
        let states = self.tensors.iter_mut();
        let slot = |(p, states): (&'a mut Parameter, &'a mut [Tensor<f32>; N])| Slot {
            param: &mut p.value,
            grad: &p.grad,
            states: states.each_mut(),
        };
        Ok(parameters.into_iter().zip(states).map(slot).collect())
    }

    /// Whether these are the parameters of the first step.
    fn check<'a>(
        &self,
        kind: &Kind<N>,
        parameters: impl ExactSizeIterator<Item = &'a Parameter>,
    ) -> Result<()> {
        let (own, got) = (self.tensors.len(), parameters.len());
        let same = |(state, p): (&[Tensor<f32>; N], &Parameter)| {
            state.iter().all(|s| s.shape() == p.value.shape())
        };
        match own == got && self.tensors.iter().zip(parameters).all(same) {
            true => Ok(()),
            false => Err(Error::argument(
                kind.optimizer,
                format!("the model of the first step, {own} parameters"),
                format!("{got} parameters, or of other shapes"),
            )),
        }
    }

    pub(super) fn state_dict(
        &self,
        kind: &Kind<N>,
        model: &mut dyn Module,
    ) -> Result<OptimizerState> {
        let named = model.named_parameters();
        let mut tensors = BTreeMap::new();
        if !self.tensors.is_empty() {
            self.check(kind, named.iter().map(|(_, p)| &**p))?;
        }
        for ((parameter, _), states) in named.iter().zip(&self.tensors) {
            for (name, state) in kind.names.iter().zip(states) {
                kind.insert(&mut tensors, format!("{parameter}.{name}"), state)?;
            }
        }
        let step = self.steps.get();
        Ok(OptimizerState { step, tensors })
    }

    pub(super) fn load_state_dict(
        &mut self,
        kind: &Kind<N>,
        model: &mut dyn Module,
        state: &OptimizerState,
    ) -> Result<()> {
        let (mut keys, mut like) = (Vec::new(), BTreeMap::new());
        // before the first step there is nothing to remember
        if state.step > 0 || !state.tensors.is_empty() {
            for (parameter, p) in model.named_parameters() {
                let own = kind.names.map(|name| format!("{parameter}.{name}"));
                for key in &own {
                    kind.insert(&mut like, key.clone(), &p.value)?;
                }
                keys.push(own);
            }
        }
        let mut new = fitting(
            kind.optimizer,
            "the keys of its state",
            like,
            &state.tensors,
        )?;
        let mut take = |key: &String| {
            let missing = || Error::argument(kind.optimizer, key.as_str(), "none");
            new.remove(key).ok_or_else(missing)
        };
        let mut tensors = Vec::with_capacity(keys.len());
        for keys in &keys {
            let of: Vec<Tensor<f32>> = keys.iter().map(&mut take).collect::<Result<_>>()?;
            tensors.extend(<[_; N]>::try_from(of));
        }
        self.replace(tensors)?;
        self.steps.set(state.step);
        Ok(())
    }

    /// Takes other tensors; those that a graph has the memory of get their values.
    fn replace(&mut self, mut new: Vec<[Tensor<f32>; N]>) -> Result<()> {
        if !self.tensors.as_flattened().iter().any(Tensor::is_pinned) {
            self.tensors = new;
            return Ok(());
        }
        if new.is_empty() {
            let zero = |t: &Tensor<f32>| Tensor::zeros(t.shape(), t.device());
            for states in &self.tensors {
                let zeros: Vec<_> = states.iter().map(zero).collect::<Result<_>>()?;
                new.extend(<[_; N]>::try_from(zeros));
            }
        }
        let old = self.tensors.as_flattened_mut().iter_mut();
        for (old, new) in old.zip(new.into_iter().flatten()) {
            old.replace(new)?;
        }
        Ok(())
    }
}

impl<const N: usize> Kind<N> {
    /// Adds a tensor under a key of its own.
    fn insert(
        &self,
        tensors: &mut BTreeMap<String, Tensor<f32>>,
        key: String,
        tensor: &Tensor<f32>,
    ) -> Result<()> {
        match tensors.insert(key.clone(), tensor.clone()) {
            None => Ok(()),
            Some(_) => Err(Error::argument(
                self.optimizer,
                "layers of different names",
                format!("two {key:?}"),
            )),
        }
    }
}
