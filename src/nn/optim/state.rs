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

/// Tensors of each parameter's shape, made on the first step, and how many steps there were.
#[derive(Debug, Default)]
pub(super) struct State {
    steps: Counter,
    tensors: Vec<Vec<Tensor<f32>>>,
}

impl State {
    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Makes a step over every parameter with its gradient and its state. `live` answers those `width` scalars of a step
    /// that its kernel reads from memory where it is captured for steps to come. An error where the model is not the one
    /// of the first step.
    pub(super) fn step<const N: usize>(
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

    /// The parameters with their states; those that are missing, before the first step all, are zeros.
    fn slots<'a, const N: usize>(
        &'a mut self,
        kind: &Kind<N>,
        parameters: Vec<&'a mut Parameter>,
    ) -> Result<Vec<Slot<'a, f32, N>>> {
        if !self.tensors.is_empty() {
            self.check(kind, parameters.iter().map(|p| &**p))?;
        }
        let missing = |(i, p): (usize, &&mut Parameter)| {
            let there = self.tensors.get(i).map_or(0, Vec::len);
            if there < N && p.value.device().is_capturing() {
                let reason = "the first step makes the optimizer's state, and every replay would make it anew; \
                              make one step before";
                let op = kind.optimizer;
                return Err(Error::Capture { op, reason });
            }
            let zeros = |_| Tensor::zeros(p.value.shape(), p.value.device());
            (there..N).map(zeros).collect()
        };
        let missing = parameters.iter().enumerate().map(missing);
        let missing: Vec<Vec<_>> = missing.collect::<Result<_>>()?;
        self.tensors.resize_with(parameters.len(), Vec::new);
        let states = self.tensors.iter_mut().zip(missing);
        let slot = |(p, (states, missing)): (&'a mut Parameter, (&'a mut Vec<_>, _))| {
            states.extend(missing);
            let states = states
                .first_chunk_mut()
                .ok_or_else(|| Error::argument(kind.optimizer, format!("{N} states"), "fewer"))?;
            Ok(Slot {
                param: &mut p.value,
                grad: &p.grad,
                states: states.each_mut(),
            })
        };
        parameters.into_iter().zip(states).map(slot).collect()
    }

    /// Whether these are the parameters of the first step.
    fn check<'a, const N: usize>(
        &self,
        kind: &Kind<N>,
        parameters: impl ExactSizeIterator<Item = &'a Parameter>,
    ) -> Result<()> {
        let (own, got) = (self.tensors.len(), parameters.len());
        let same = |(state, p): (&Vec<Tensor<f32>>, &Parameter)| {
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

    pub(super) fn state_dict<const N: usize>(
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

    pub(super) fn load_state_dict<const N: usize>(
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
            tensors.push(keys.iter().map(&mut take).collect::<Result<_>>()?);
        }
        self.replace(tensors)?;
        self.steps.set(state.step);
        Ok(())
    }

    /// Takes other tensors; those that a graph has the memory of get their values.
    fn replace(&mut self, mut new: Vec<Vec<Tensor<f32>>>) -> Result<()> {
        if !self.tensors.iter().flatten().any(Tensor::is_pinned) {
            self.tensors = new;
            return Ok(());
        }
        if new.is_empty() {
            let zero = |t: &Tensor<f32>| Tensor::zeros(t.shape(), t.device());
            let zeros = |states: &Vec<_>| states.iter().map(zero).collect();
            new = self.tensors.iter().map(zeros).collect::<Result<_>>()?;
        }
        for (old, new) in self.tensors.iter_mut().zip(new) {
            let mut new = new.into_iter();
            for (old, new) in old.iter_mut().zip(&mut new) {
                old.replace(new)?;
            }
            old.extend(new);
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
