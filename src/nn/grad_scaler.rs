//! Gradients that f16 would round to 0, kept by a scaled loss.

use super::optim::{Optimizer, Scaling};
use super::{CrossEntropyLoss, Module};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::ops::{Growth, amp_non_finite_check, amp_unscale_, amp_update_scale_};
use crate::tensor::Tensor;

const SCALER: &str = "GradScaler";

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
///     scaler.update()?;
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// On CUDA the device decides and the host reads nothing: a kernel looks at all gradients, the optimizer's own divide by the
/// scale and leave everything as it is where one was not finite, and steps are counted there. So a step with a scaler can be
/// captured ([`CudaGraph`](crate::CudaGraph)); the first, which makes what is needed for that, cannot.
#[derive(Clone, Debug)]
pub struct GradScaler {
    enabled: bool,
    growth: Growth,
    /// Where it begins; once there are words, theirs is what counts.
    state: GradScalerState,
    words: Option<Words>,
    done: Done,
}

/// What changes from step to step, on the device of the loss.
#[derive(Clone, Debug)]
struct Words {
    scale: Tensor<f32>,
    found_inf: Tensor<f32>,
    /// Steps since the scale changed, and those that were skipped.
    counts: Tensor<i64>,
}

/// What has been done since the last update.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Done {
    Nothing,
    Unscaled,
    Stepped,
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
        let growth = Growth {
            growth_factor: 2.0,
            backoff_factor: 0.5,
            growth_interval: 2000,
        };
        Self {
            enabled: true,
            growth,
            state,
            words: None,
            done: Done::Nothing,
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
        self.growth.growth_factor = growth_factor;
        self
    }

    /// What the scale is multiplied with after a step that was skipped.
    #[must_use]
    pub fn backoff_factor(mut self, backoff_factor: f32) -> Self {
        self.growth.backoff_factor = backoff_factor;
        self
    }

    /// After so many steps in a row the scale grows.
    #[must_use]
    pub fn growth_interval(mut self, growth_interval: u64) -> Self {
        self.growth.growth_interval = i64::try_from(growth_interval).unwrap_or(i64::MAX);
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

    /// What the loss is multiplied with. The host waits for the device that knows.
    ///
    /// # Errors
    /// While a graph is captured, or whatever the device answers.
    pub fn scale(&self) -> Result<f32> {
        match (&self.words, self.enabled) {
            (_, false) => Ok(1.0),
            (None, _) => Ok(self.state.scale),
            (Some(words), _) => words.scale.item(),
        }
    }

    /// What it remembers, for a file. The host waits for the device that knows.
    ///
    /// # Errors
    /// While a graph is captured, or whatever the device answers.
    pub fn state_dict(&self) -> Result<GradScalerState> {
        let Some(words) = &self.words else {
            return Ok(self.state);
        };
        let counts = words.counts.to_vec()?;
        let count = |i: usize| counts.get(i).copied().unwrap_or_default().unsigned_abs();
        Ok(GradScalerState {
            scale: words.scale.item()?,
            growth_tracker: count(0),
            skipped: count(1),
        })
    }

    /// Goes on from what another one remembered; the replays of a step with this one too.
    ///
    /// # Errors
    /// A scale that is not above 0 and finite, while a graph is captured, or whatever the device answers.
    pub fn load_state_dict(&mut self, state: &GradScalerState) -> Result<()> {
        state.check()?;
        if let Some(words) = &mut self.words {
            let new = Words::new(state, words.scale.device())?;
            words.scale.replace(new.scale)?;
            words.found_inf.replace(new.found_inf)?;
            words.counts.replace(new.counts)?;
        }
        (self.state, self.done) = (*state, Done::Nothing);
        Ok(())
    }

    /// The gradient of the scaled loss's logits: PyTorch's `scaler.scale(loss).backward()`.
    ///
    /// # Errors
    /// Those of [`CrossEntropyLoss::backward`], a scale that is not above 0 and finite, or the first of all while a graph is
    /// captured.
    pub fn backward(&mut self, criterion: &CrossEntropyLoss) -> Result<Tensor<f32>> {
        if !self.enabled {
            return criterion.backward();
        }
        criterion.backward_scaled(|device| Ok(&self.words(device)?.scale))
    }

    /// Divides the gradients of all parameters by the scale, as for [`clip_grad_norm_`](super::clip_grad_norm_); otherwise the
    /// optimizer does, and leaves the gradients scaled.
    ///
    /// # Errors
    /// A second call, or one behind a step, before [`GradScaler::update`]; or whatever the device answers.
    pub fn unscale_(&mut self, model: &mut dyn Module) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        if self.done != Done::Nothing {
            let expected = "unscale_ once before each update";
            return Err(Error::argument(SCALER, expected, "a second"));
        }
        let parameters = model.parameters().into_iter();
        let mut grads: Vec<_> = parameters.map(|p| &mut p.grad).collect();
        if let Some(device) = grads.first().map(|grad| grad.device().clone()) {
            let Words {
                scale, found_inf, ..
            } = self.words(&device)?;
            amp_unscale_(&mut grads, scale, found_inf)?;
            all_have_found(model, found_inf)?;
        }
        self.done = Done::Unscaled;
        Ok(())
    }

    /// Has the optimizer step, with the gradients divided by the scale, unless one of them is not finite: then parameters
    /// and what the optimizer remembers stay as they are. [`GradScaler::state_dict`] knows how often that was.
    ///
    /// # Errors
    /// A second step before [`GradScaler::update`], or those of [`Optimizer::step`].
    pub fn step(&mut self, optimizer: &mut dyn Optimizer, model: &mut dyn Module) -> Result<()> {
        if !self.enabled {
            return optimizer.step(model);
        }
        if self.done == Done::Stepped {
            let expected = "an update between two steps";
            return Err(Error::argument(SCALER, expected, "none"));
        }
        let scaled = self.done == Done::Nothing;
        let parameters = model.parameters();
        let grads: Vec<_> = parameters.iter().map(|p| &p.grad).collect();
        let Some(device) = grads.first().map(|grad| grad.device().clone()) else {
            return optimizer.step(model);
        };
        let words = self.words(&device)?;
        if scaled {
            amp_non_finite_check(&grads, &words.scale, &mut words.found_inf)?;
            all_have_found(model, &mut words.found_inf)?;
        }
        let scaling = Scaling {
            scale: scaled.then_some(&words.scale),
            found_inf: &words.found_inf,
        };
        optimizer.step_scaled(model, Some(scaling))?;
        self.done = Done::Stepped;
        Ok(())
    }

    /// Chooses the scale of the next step: less after one that was skipped, more after an interval of those that were not.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn update(&mut self) -> Result<()> {
        if let (Some(words), true) = (&mut self.words, self.done != Done::Nothing) {
            let Words {
                scale,
                found_inf,
                counts,
            } = words;
            amp_update_scale_(scale, found_inf, counts, &self.growth)?;
        }
        self.done = Done::Nothing;
        Ok(())
    }

    /// The words, made on the device that first asks for them.
    fn words(&mut self, device: &Device) -> Result<&mut Words> {
        match &mut self.words {
            Some(words) => Ok(words),
            none => Ok(none.insert(Words::new(&self.state, device)?)),
        }
    }
}

/// What one rank has found in its share of the gradients, all skip the step for.
fn all_have_found(model: &dyn Module, found_inf: &mut Tensor<f32>) -> Result<()> {
    let shares = model.grad_shares();
    shares.map_or(Ok(()), |shares| shares.sum(found_inf))
}

impl Words {
    fn new(state: &GradScalerState, device: &Device) -> Result<Self> {
        state.check()?;
        if device.is_capturing() {
            let reason = "the first step makes the scaler's state, and every replay would make it anew; make one step before";
            return Err(Error::Capture { op: SCALER, reason });
        }
        let counts = [state.growth_tracker, state.skipped];
        let counts = counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        Ok(Self {
            scale: Tensor::full(&[], state.scale, device)?,
            found_inf: Tensor::zeros(&[], device)?,
            counts: Tensor::from_slice(&counts, &[2], device)?,
        })
    }
}

impl GradScalerState {
    /// Errors unless the scale is above 0 and finite.
    pub(super) fn check(&self) -> Result<()> {
        let scale = self.scale;
        match scale > 0.0 && scale.is_finite() {
            true => Ok(()),
            false => Err(Error::argument(SCALER, "a scale above 0 and finite", scale)),
        }
    }
}
