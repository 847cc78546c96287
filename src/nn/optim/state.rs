//! What an optimizer remembers of each parameter, and how it is saved.

use std::collections::BTreeMap;

use super::{OptimizerState, Scaling, Target};
use crate::checks::{expect_shape, same_device};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::state::fitting;
use crate::ops::optimizer::{At, LIVE, Rates};
use crate::ops::{HalfCopy, Slot, amp, dispatch};
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
    /// Where a device decides which steps are made, its count of them, from the first of these on.
    counted: Option<Counted>,
    /// What the tensors of each parameter are.
    names: &'static [&'static str],
    tensors: Vec<Vec<Tensor<f32>>>,
}

/// How many steps a CUDA device has made, and what follows from that for the next.
#[derive(Debug)]
struct Counted {
    steps: Tensor<i64>,
    live: Tensor<f32>,
}

impl State {
    pub(super) fn new(lr: f64) -> Self {
        Self {
            lr: Setting::new(lr),
            steps: Counter::default(),
            counted: None,
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

    pub(super) fn steps(&self) -> Result<u64> {
        match &self.counted {
            None => Ok(self.steps.get()),
            Some(counted) => Ok(counted.steps.item()?.unsigned_abs()),
        }
    }

    /// Makes a step over every parameter with its gradient and its state. `rates` answers, from a learning rate, what the
    /// scalars of a step follow from; `step` gets the learning rate of now. An error where the parameters are not those of
    /// the first step.
    pub(super) fn step<const N: usize>(
        &mut self,
        kind: &Kind,
        targets: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
        rates: impl Fn(f64) -> Result<Rates> + Send + 'static,
        step: impl FnOnce(&mut [Slot<'_, f32, N>], &At<'_>, f64) -> Result<()>,
    ) -> Result<()> {
        let device = targets.first().map(|t| t.param.device().clone());
        let device = device.unwrap_or(Device::Cpu);
        if let Some(Scaling { scale, found_inf }) = scaling {
            for x in [scale, Some(found_inf)].into_iter().flatten() {
                expect_shape(kind.optimizer, &[], x.shape())?;
                same_device(kind.optimizer, &[&device, x.device()])?;
            }
        }
        let on_cpu = device == Device::Cpu;
        if !on_cpu && (scaling.is_some() || self.counted.is_some()) {
            let mut counted = match self.counted.take() {
                Some(counted) => counted,
                None => Counted::new(kind, self.steps.get(), &device)?,
            };
            let made = self.step_counted(kind, targets, scaling, &mut counted, rates, step);
            self.counted = Some(counted);
            return made;
        }
        let lr = self.lr.clone();
        let words = move |made| {
            let scalars = rates(lr.get())?.at(made + 1).into_iter();
            Ok(scalars.map(|s| s.to_bits() as i32).collect())
        };
        let (counter, lr) = (self.steps.clone(), self.lr());
        let mut slots = self.slots::<N>(kind, targets)?;
        if let Some(Scaling { found_inf, .. }) = scaling.filter(|_| on_cpu)
            && found_inf.item()? != 0.0
        {
            return Ok(());
        }
        let at = At {
            step: counter.get() + 1,
            live: live::live(device.stream(), kind.optimizer, &counter, LIVE, words)?,
            scaling,
            ..At::default()
        };
        step(&mut slots, &at, lr)?;
        if at.live.is_none() {
            counter.advance();
        }
        Ok(())
    }

    /// [`State::step`] where the device counts: it knows whether the step is made, and so what its number is.
    fn step_counted<const N: usize>(
        &mut self,
        kind: &Kind,
        targets: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
        counted: &mut Counted,
        rates: impl Fn(f64) -> Result<Rates> + Send + 'static,
        step: impl FnOnce(&mut [Slot<'_, f32, N>], &At<'_>, f64) -> Result<()>,
    ) -> Result<()> {
        let (lr, next) = (self.lr(), self.lr.clone());
        let now = rates(lr)?;
        let words = move |_| {
            let bits = rates(next.get())?.lr.to_bits();
            Ok(vec![bits as i32, (bits >> 32) as i32])
        };
        // whatever is wrong with the tensors is said before a step is counted
        let mut slots = self.slots::<N>(kind, targets)?;
        dispatch::fitting(kind.optimizer, &slots)?;
        let stream = counted.steps.device().clone();
        let place = live::live(
            stream.stream(),
            kind.optimizer,
            &Counter::default(),
            2,
            words,
        )?;
        let found_inf = scaling.map(|scaling| scaling.found_inf);
        let Counted { steps, live } = counted;
        amp::advance(&now, place.as_ref(), found_inf, steps, live)?;
        let at = At {
            // of what follows from it the device has its own
            step: 1,
            counted: Some(live),
            scaling,
            ..At::default()
        };
        step(&mut slots, &at, lr)
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
                    return Err(made_in_capture(kind.optimizer));
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
        let step = self.steps()?;
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
        let counted = self.counted.as_ref();
        let counted = counted.map(|counted| number(state.step, counted.steps.device()));
        let counted = counted.transpose()?;
        self.replace(tensors)?;
        if let (Some(own), Some(new)) = (&mut self.counted, counted) {
            own.steps.replace(new)?;
        }
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

impl Counted {
    fn new(kind: &Kind, steps: u64, device: &Device) -> Result<Self> {
        if device.is_capturing() {
            return Err(made_in_capture(kind.optimizer));
        }
        Ok(Self {
            steps: number(steps, device)?,
            live: Tensor::zeros(&[LIVE], device)?,
        })
    }
}

/// A count on a device.
fn number(steps: u64, device: &Device) -> Result<Tensor<i64>> {
    Tensor::full(&[], i64::try_from(steps).unwrap_or(i64::MAX), device)
}

fn made_in_capture(op: &'static str) -> Error {
    let reason = "the first step makes the optimizer's state, and every replay would make it anew; make one step before";
    Error::Capture { op, reason }
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
