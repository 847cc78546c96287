//! What an optimizer remembers of each parameter, and how it is saved.

use std::collections::BTreeMap;

use super::{OptimizerState, Target};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::state::fitting;
use crate::ops::optimizer::At;
use crate::ops::{HalfCopy, Slot};
use crate::runtime::live::{self, Counter, Setting};
use crate::tensor::Tensor;

/// A parameter by its key.
pub(super) type Named<'a> = (&'a str, &'a Tensor<f32>);

/// An optimizer's name, and PyTorch's names for what it remembers.
pub(super) struct Kind {
    pub(super) optimizer: &'static str,
    pub(super) names: &'static [&'static str],
}

/// The learning rate, as many tensors of each parameter's shape as the kind has names, made on the first step, and how
/// many steps there were.
#[derive(Debug)]
pub(super) struct State {
    lr: Setting,
    steps: Counter,
    /// What the tensors of each parameter are.
    names: &'static [&'static str],
    tensors: Vec<Vec<Tensor<f32>>>,
}

impl State {
    pub(super) fn new(lr: f64) -> Self {
        Self {
            lr: Setting::new(lr),
            steps: Counter::default(),
            names: &[],
            tensors: Vec::new(),
        }
    }

    pub(super) fn lr(&self) -> f64 {
        self.lr.get()
    }

    pub(super) fn set_lr(&mut self, lr: f64) {
        self.lr.set(lr);
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Makes a step over every parameter with its gradient and its state. `live` answers, from the number of a step and the
    /// learning rate, those `width` scalars that its kernel reads from memory where it is captured for steps to come;
    /// `step` gets the learning rate of now. An error where the parameters are not those of the first step.
    pub(super) fn step<const N: usize>(
        &mut self,
        kind: &Kind,
        targets: &mut [Target<'_>],
        width: usize,
        live: impl Fn(u64, f64) -> Result<Vec<f32>> + Send + 'static,
        step: impl FnOnce(&mut [Slot<'_, f32, N>], &At, f64) -> Result<()>,
    ) -> Result<()> {
        let device = targets.first().map(|t| t.param.device().clone());
        let device = device.unwrap_or(Device::Cpu);
        let lr = self.lr.clone();
        let words = move |made| {
            let scalars = live(made + 1, lr.get())?.into_iter();
            Ok(scalars.map(|s| s.to_bits() as i32).collect())
        };
        let (counter, lr) = (self.steps.clone(), self.lr());
        let mut slots = self.slots::<N>(kind, targets)?;
        let at = At {
            step: counter.get() + 1,
            live: live::live(device.stream(), kind.optimizer, &counter, width, words)?,
        };
        step(&mut slots, &at, lr)?;
        if at.live.is_none() {
            counter.advance();
        }
        Ok(())
    }

    /// The parameters with their states; those that are missing, before the first step all, are zeros.
    fn slots<'a, const N: usize>(
        &'a mut self,
        kind: &Kind,
        targets: &'a mut [Target<'_>],
    ) -> Result<Vec<Slot<'a, f32, N>>> {
        if !self.tensors.is_empty() {
            self.check(kind, targets.iter().map(|t| &*t.param))?;
        }
        if self.tensors.is_empty() || self.names != kind.names {
            self.tensors = self.made(kind, targets)?;
            self.names = kind.names;
        }
        let slot = |(target, states): (&'a mut Target<'_>, &'a mut Vec<Tensor<f32>>)| {
            let states = states.first_chunk_mut();
            let states = states
                .ok_or_else(|| Error::argument(kind.optimizer, format!("{N} states"), "fewer"))?;
            Ok(Slot {
                param: &mut *target.param,
                grad: target.grad,
                states: states.each_mut(),
                copy: target.copy.as_mut().map(HalfCopy::reborrow),
            })
        };
        let states = self.tensors.iter_mut();
        targets.iter_mut().zip(states).map(slot).collect()
    }

    /// States for these names: those that are there, which options of other steps may have kept, else zeros.
    fn made(&self, kind: &Kind, targets: &[Target<'_>]) -> Result<Vec<Vec<Tensor<f32>>>> {
        let made = |(i, target): (usize, &Target<'_>)| {
            let p = &*target.param;
            let state = |name: &&str| {
                let at = self.names.iter().position(|own| own == name);
                let there = at.and_then(|at| self.tensors.get(i)?.get(at));
                if let Some(there) = there {
                    return Ok(there.clone());
                }
                if p.device().is_capturing() {
                    let reason = "the first step makes the optimizer's state, and every replay would make it anew; \
                                  make one step before";
                    let op = kind.optimizer;
                    return Err(Error::Capture { op, reason });
                }
                Tensor::zeros(p.shape(), p.device())
            };
            kind.names.iter().map(state).collect()
        };
        targets.iter().enumerate().map(made).collect()
    }

    /// Whether these are the parameters of the first step.
    fn check<'a>(
        &self,
        kind: &Kind,
        parameters: impl ExactSizeIterator<Item = &'a Tensor<f32>>,
    ) -> Result<()> {
        let (own, got) = (self.tensors.len(), parameters.len());
        let same = |(states, p): (&Vec<Tensor<f32>>, &Tensor<f32>)| {
            states.iter().all(|s| s.shape() == p.shape())
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

    pub(super) fn state_dict(&self, kind: &Kind, named: &[Named<'_>]) -> Result<OptimizerState> {
        let mut tensors = BTreeMap::new();
        if !self.tensors.is_empty() {
            self.check(kind, named.iter().map(|(_, p)| *p))?;
        }
        for ((parameter, _), states) in named.iter().zip(&self.tensors) {
            for (name, state) in self.names.iter().zip(states) {
                kind.insert(&mut tensors, format!("{parameter}.{name}"), state)?;
            }
        }
        let step = self.steps.get();
        Ok(OptimizerState { step, tensors })
    }

    pub(super) fn load_state_dict(
        &mut self,
        kind: &Kind,
        named: &[Named<'_>],
        state: &OptimizerState,
    ) -> Result<()> {
        let (mut keys, mut like) = (Vec::new(), BTreeMap::new());
        // before the first step there is nothing to remember
        if state.step > 0 || !state.tensors.is_empty() {
            for (parameter, p) in named {
                let key = |name: &&str| format!("{parameter}.{name}");
                let own: Vec<String> = kind.names.iter().map(key).collect();
                for key in &own {
                    kind.insert(&mut like, key.clone(), p)?;
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
            tensors.push(keys.iter().map(&mut take).collect::<Result<Vec<_>>>()?);
        }
        let begun = !tensors.is_empty();
        self.replace(tensors)?;
        if begun {
            self.names = kind.names;
        }
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
            for states in &self.tensors {
                new.push(states.iter().map(zero).collect::<Result<_>>()?);
            }
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

impl Kind {
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
