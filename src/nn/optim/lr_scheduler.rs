//! Learning rates that change with time: PyTorch's `torch.optim.lr_scheduler`, in closed form.
//!
//! A schedule is a function of the number of epochs (or steps: whatever the program counts); [`LrScheduler`] counts them
//! and sets the optimizer's rate.

use std::f64::consts::PI;
use std::fmt;

use super::Optimizer;
use crate::error::{Error, Result};

/// A learning rate as a function of time.
pub trait LrSchedule: Send {
    /// The rate of an epoch, the first being 0, from the one that the optimizer was made with.
    fn lr(&self, base_lr: f64, epoch: u64) -> f64;
}

/// `base_lr * gamma^floor(epoch / step_size)` (`torch.optim.lr_scheduler.StepLR`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLr {
    step_size: u64,
    gamma: f64,
}

impl StepLr {
    /// The rate times `gamma` (PyTorch's default is 0.1) after every `step_size` epochs.
    ///
    /// # Errors
    /// A `step_size` of 0, a `gamma` below 0 or not finite.
    pub fn new(step_size: u64, gamma: f64) -> Result<Self> {
        at_least_1("StepLr", "step_size", step_size)?;
        let ok = gamma.is_finite() && gamma >= 0.0;
        checked("StepLr", ok, "a gamma of at least 0", gamma)?;
        Ok(Self { step_size, gamma })
    }
}

impl LrSchedule for StepLr {
    fn lr(&self, base_lr: f64, epoch: u64) -> f64 {
        base_lr * self.gamma.powf((epoch / self.step_size) as f64)
    }
}

/// `eta_min + (base_lr - eta_min) (1 + cos(pi epoch / t_max)) / 2` (`torch.optim.lr_scheduler.CosineAnnealingLR`): from the
/// optimizer's rate down to `eta_min` in `t_max` epochs, and, as in PyTorch, up again after them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineAnnealingLr {
    t_max: u64,
    eta_min: f64,
}

impl CosineAnnealingLr {
    /// Half a period of `t_max` epochs, and the smallest rate (PyTorch's default is 0).
    ///
    /// # Errors
    /// A `t_max` of 0, an `eta_min` below 0 or not finite.
    pub fn new(t_max: u64, eta_min: f64) -> Result<Self> {
        at_least_1("CosineAnnealingLr", "t_max", t_max)?;
        let ok = eta_min.is_finite() && eta_min >= 0.0;
        checked("CosineAnnealingLr", ok, "an eta_min of at least 0", eta_min)?;
        Ok(Self { t_max, eta_min })
    }
}

impl LrSchedule for CosineAnnealingLr {
    fn lr(&self, base_lr: f64, epoch: u64) -> f64 {
        // whole periods say nothing, and a cosine of few of them has more digits
        let phase = (epoch % self.t_max.saturating_mul(2)) as f64 / self.t_max as f64;
        self.eta_min + (base_lr - self.eta_min) * (1.0 + (PI * phase).cos()) / 2.0
    }
}

/// `base_lr` times a factor that goes from `start_factor` to `end_factor` in `total_iters` epochs and stays there
/// (`torch.optim.lr_scheduler.LinearLR`): a warm-up, where it rises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearLr {
    start_factor: f64,
    end_factor: f64,
    total_iters: u64,
}

impl LinearLr {
    /// The factors at the start and after `total_iters` epochs (PyTorch's defaults are 1/3, 1 and 5).
    ///
    /// # Errors
    /// As PyTorch: a `start_factor` outside (0, 1], an `end_factor` outside [0, 1]; and a `total_iters` of 0.
    pub fn new(start_factor: f64, end_factor: f64, total_iters: u64) -> Result<Self> {
        const OP: &str = "LinearLr";
        at_least_1(OP, "total_iters", total_iters)?;
        let ok = start_factor > 0.0 && start_factor <= 1.0;
        checked(OP, ok, "a start_factor in (0, 1]", start_factor)?;
        let ok = (0.0..=1.0).contains(&end_factor);
        checked(OP, ok, "an end_factor in [0, 1]", end_factor)?;
        Ok(Self {
            start_factor,
            end_factor,
            total_iters,
        })
    }
}

impl LrSchedule for LinearLr {
    fn lr(&self, base_lr: f64, epoch: u64) -> f64 {
        let done = epoch.min(self.total_iters) as f64 / self.total_iters as f64;
        base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done)
    }
}

/// One schedule after the other (`torch.optim.lr_scheduler.SequentialLR`), each of them counting from 0 and from the
/// optimizer's own rate: a warm-up, and what follows it.
pub struct SequentialLr {
    schedules: Vec<Box<dyn LrSchedule>>,
    milestones: Vec<u64>,
}

impl SequentialLr {
    /// The schedules, and the epoch at which each but the first begins.
    ///
    /// # Errors
    /// No schedule, or milestones that do not rise or are not one fewer than the schedules.
    pub fn new(schedules: Vec<Box<dyn LrSchedule>>, milestones: Vec<u64>) -> Result<Self> {
        let fit = schedules.len() == milestones.len() + 1;
        let ok = fit && milestones.is_sorted_by(|a, b| a < b);
        let got = format!("{} and {milestones:?}", schedules.len());
        let expected = "schedules, and rising milestones between them";
        checked("SequentialLr", ok, expected, got)?;
        Ok(Self {
            schedules,
            milestones,
        })
    }
}

impl fmt::Debug for SequentialLr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SequentialLr");
        debug.field("milestones", &self.milestones);
        debug.finish_non_exhaustive()
    }
}

impl LrSchedule for SequentialLr {
    fn lr(&self, base_lr: f64, epoch: u64) -> f64 {
        let at = self.milestones.partition_point(|&begin| begin <= epoch);
        let begin = match at {
            0 => 0,
            _ => self.milestones[at - 1],
        };
        self.schedules[at].lr(base_lr, epoch - begin)
    }
}

/// Counts epochs, and sets an optimizer's learning rate by a schedule (`torch.optim.lr_scheduler.LRScheduler`).
///
/// ```
/// use warpsmith::nn::optim::{Adam, CosineAnnealingLr, LinearLr, LrScheduler, Optimizer, SequentialLr};
///
/// let mut adam = Adam::new(1e-3);
/// let (warm_up, rest) = (LinearLr::new(0.1, 1.0, 5)?, CosineAnnealingLr::new(95, 0.0)?);
/// let schedule = SequentialLr::new(vec![Box::new(warm_up), Box::new(rest)], vec![5])?;
/// let mut scheduler = LrScheduler::new(schedule, &mut adam);
/// for _epoch in 0..100 {
///     // the steps of an epoch, then
///     scheduler.step(&mut adam);
/// }
/// assert!(adam.lr() < 1e-9);
/// # Ok::<(), warpsmith::Error>(())
/// ```
pub struct LrScheduler {
    schedule: Box<dyn LrSchedule>,
    base_lr: f64,
    last_epoch: u64,
}

impl fmt::Debug for LrScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("LrScheduler");
        debug.field("base_lr", &self.base_lr);
        debug.field("last_epoch", &self.last_epoch);
        debug.finish_non_exhaustive()
    }
}

impl LrScheduler {
    /// Takes the optimizer's rate for the one that the schedule is of, and sets that of epoch 0.
    pub fn new(schedule: impl LrSchedule + 'static, optimizer: &mut dyn Optimizer) -> Self {
        let scheduler = Self {
            schedule: Box::new(schedule),
            base_lr: optimizer.lr(),
            last_epoch: 0,
        };
        optimizer.set_lr(scheduler.last_lr());
        scheduler
    }

    /// Ends an epoch, and sets the rate of the next.
    pub fn step(&mut self, optimizer: &mut dyn Optimizer) {
        self.set_last_epoch(self.last_epoch.saturating_add(1), optimizer);
    }

    /// Goes on at an epoch, as after [`load_checkpoint`](crate::nn::load_checkpoint).
    pub fn set_last_epoch(&mut self, epoch: u64, optimizer: &mut dyn Optimizer) {
        self.last_epoch = epoch;
        optimizer.set_lr(self.last_lr());
    }

    /// Epochs ended.
    pub fn last_epoch(&self) -> u64 {
        self.last_epoch
    }

    /// The rate that was set last.
    pub fn last_lr(&self) -> f64 {
        self.schedule.lr(self.base_lr, self.last_epoch)
    }
}

fn at_least_1(op: &'static str, name: &str, value: u64) -> Result<()> {
    checked(op, value > 0, &format!("a {name} of at least 1"), value)
}

fn checked(op: &'static str, ok: bool, expected: &str, got: impl ToString) -> Result<()> {
    match ok {
        true => Ok(()),
        false => Err(Error::argument(op, expected, got)),
    }
}
