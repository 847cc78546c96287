//! Gradients that f16 would round to 0, kept by a scaled loss.

use super::optim::Optimizer;
use super::{CrossEntropyLoss, Module};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Scales the loss, and with it every gradient, so that none is too small for f16; and where one becomes infinite or NaN,
/// skips the step and scales less (`torch.amp.GradScaler`, with its defaults).
///
/// ```
/// use warpsmith::nn::optim::Adam;
/// use warpsmith::nn::{CrossEntropyLoss, GradScaler, Linear, Module, Precision, Sequential};
/// use warpsmith::{Device, Generator, data};
///
/// let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
/// let (x, labels) = data::spiral(3, 100, &mut generator, &device)?;
/// let mut model = Sequential::new()
///     .push(Linear::new(2, 3, &mut generator, &device)?)
///     .precision(Precision::F16);
/// let (mut criterion, mut adam) = (CrossEntropyLoss::new(), Adam::new(1e-2));
/// let mut scaler = GradScaler::new();
/// for _ in 0..10 {
///     criterion.forward(&model.forward(&x)?, &labels)?;
///     model.backward_parameters(&scaler.backward(&criterion)?)?;
///     scaler.step(&mut adam, &mut model)?;
///     scaler.update();
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// Whether a gradient is finite decides if the optimizer steps at all, so the host reads one number of each step, as
/// PyTorch's does for optimizers that are not fused: a step with a scaler cannot be captured.
#[derive(Clone, Debug)]
pub struct GradScaler {
    enabled: bool,
    growth_factor: f32,
    backoff_factor: f32,
    growth_interval: u64,
    state: GradScalerState,
    /// What [`GradScaler::unscale_`] found since the last update: whether all gradients are finite.
    finite: Option<bool>,
}

/// What a scaler remembers between steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradScalerState {
    /// What the loss is multiplied with.
    pub scale: f32,
    /// Steps since the scale changed.
    pub growth_tracker: u64,
    /// Steps that were skipped.
    pub skipped: u64,
}

impl Default for GradScaler {
    fn default() -> Self {
        Self::new()
    }
}

impl GradScaler {
    /// A scale of 65536, halved where a gradient is not finite and doubled after 2000 steps of finite ones.
    pub fn new() -> Self {
        let state = GradScalerState {
            scale: 65536.0,
            growth_tracker: 0,
            skipped: 0,
        };
        Self {
            enabled: true,
            growth_factor: 2.0,
            backoff_factor: 0.5,
            growth_interval: 2000,
            state,
            finite: None,
        }
    }

    /// The scale to begin with.
    #[must_use]
    pub fn init_scale(mut self, init_scale: f32) -> Self {
        self.state.scale = init_scale;
        self
    }

    /// What the scale is multiplied with after an interval of steps.
    #[must_use]
    pub fn growth_factor(mut self, growth_factor: f32) -> Self {
        self.growth_factor = growth_factor;
        self
    }

    /// What the scale is multiplied with after a step that was skipped.
    #[must_use]
    pub fn backoff_factor(mut self, backoff_factor: f32) -> Self {
        self.backoff_factor = backoff_factor;
        self
    }

    /// After so many steps in a row the scale grows.
    #[must_use]
    pub fn growth_interval(mut self, growth_interval: u64) -> Self {
        self.growth_interval = growth_interval;
        self
    }

    /// Whether it does anything: one that is not enabled scales by 1 and makes every step.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether it does anything.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// What the loss is multiplied with.
    pub fn scale(&self) -> f32 {
        if self.enabled { self.state.scale } else { 1.0 }
    }

    /// What it remembers, for a file.
    pub fn state_dict(&self) -> GradScalerState {
        self.state
    }

    /// Goes on from what another one remembered.
    ///
    /// # Errors
    /// A scale that is not above 0 and finite.
    pub fn load_state_dict(&mut self, state: &GradScalerState) -> Result<()> {
        check(state.scale)?;
        (self.state, self.finite) = (*state, None);
        Ok(())
    }

    /// The gradient of the scaled loss's logits: PyTorch's `scaler.scale(loss).backward()`.
    ///
    /// # Errors
    /// Those of [`CrossEntropyLoss::backward`], or a scale that is not above 0 and finite.
    pub fn backward(&self, criterion: &CrossEntropyLoss) -> Result<Tensor<f32>> {
        if !self.enabled {
            return criterion.backward();
        }
        check(self.state.scale)?;
        criterion.backward_scaled(self.state.scale)
    }

    /// Divides the gradients of all parameters by the scale, as for [`clip_grad_norm_`](super::clip_grad_norm_); then
    /// [`GradScaler::step`] does not.
    ///
    /// # Errors
    /// A second call before [`GradScaler::update`], while a graph is captured, or whatever the device answers.
    pub fn unscale_(&mut self, model: &mut dyn Module) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        if self.finite.is_some() {
            let expected = "unscale_ once before each update";
            return Err(Error::argument("GradScaler", expected, "a second"));
        }
        let inverse = 1.0 / check(self.state.scale)?;
        let mut parameters = model.parameters();
        let Some(first) = parameters.first() else {
            self.finite = Some(true);
            return Ok(());
        };
        if first.grad.device().is_capturing() {
            let reason =
                "whether gradients are finite decides if the step is made, so the host reads it";
            let op = "GradScaler";
            return Err(Error::Capture { op, reason });
        }
        // 0 times what is not finite is NaN, and stays in the sum: one number to read for all of them
        let mut total = Tensor::zeros(&[], first.grad.device())?;
        for parameter in &mut parameters {
            parameter.grad.mul_(inverse)?;
            total.add_(&parameter.grad.sum()?.mul(0.0)?)?;
        }
        self.finite = Some(total.item()?.is_finite());
        Ok(())
    }

    /// Has the optimizer step, with the gradients divided by the scale, unless one of them is not finite; answers whether
    /// it did.
    ///
    /// # Errors
    /// Those of [`GradScaler::unscale_`] and of [`Optimizer::step`].
    pub fn step(&mut self, optimizer: &mut dyn Optimizer, model: &mut dyn Module) -> Result<bool> {
        if self.enabled && self.finite.is_none() {
            self.unscale_(model)?;
        }
        let finite = self.finite.unwrap_or(true);
        if finite {
            optimizer.step(model)?;
        }
        Ok(finite)
    }

    /// Chooses the scale of the next step: less after one that was skipped, more after an interval of those that were not.
    pub fn update(&mut self) {
        let state = &mut self.state;
        match self.finite.take() {
            None => {}
            Some(false) => {
                state.scale *= self.backoff_factor;
                state.growth_tracker = 0;
                state.skipped += 1;
            }
            Some(true) => {
                state.growth_tracker += 1;
                let grown = state.scale * self.growth_factor;
                if state.growth_tracker >= self.growth_interval {
                    state.growth_tracker = 0;
                    if grown.is_finite() {
                        state.scale = grown;
                    }
                }
            }
        }
    }
}

fn check(scale: f32) -> Result<f32> {
    match scale > 0.0 && scale.is_finite() {
        true => Ok(scale),
        false => Err(Error::argument(
            "GradScaler",
            "a scale above 0 and finite",
            scale,
        )),
    }
}
