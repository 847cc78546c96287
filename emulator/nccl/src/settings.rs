//! What the environment asks for.

use std::time::Duration;

/// Settings of the process that makes the unique id hold for all ranks.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a call waits for the other ranks: `CUDA_EMULATOR_NCCL_TIME_LIMIT` in seconds, 30 where it is not set.
    pub limit: Duration,
    /// `CUDA_EMULATOR_ORDER`: another order of additions and arrivals.
    pub order: Option<u64>,
}

impl Settings {
    /// What this process's environment says. What is no number counts as not set.
    pub fn from_environment() -> Self {
        let number = |name| std::env::var(name).ok()?.trim().parse::<f64>().ok();
        let limit = number("CUDA_EMULATOR_NCCL_TIME_LIMIT")
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(Duration::from_secs(30));
        Self {
            limit,
            order: number("CUDA_EMULATOR_ORDER").map(|seed| seed as u64),
        }
    }
}
