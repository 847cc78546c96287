//! How many GPUs learn together, and what each of them asks the others.

use std::convert::Infallible;
use std::env;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread;

use indicatif::ProgressBar;
use warpsmith::distributed::{Communicator, DistributedSampler, ReduceOp};
use warpsmith::{Device, Error, Result, Tensor};

type Answer<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What `--devices` says.
#[derive(Clone, Debug)]
pub enum Devices {
    /// Every GPU.
    All,
    /// The first so many.
    First(NonZeroUsize),
    /// What is neither.
    Unknown(String),
}

impl FromStr for Devices {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.parse()) {
            ("all", _) => Self::All,
            (_, Ok(n)) => Self::First(n),
            _ => Self::Unknown(text.into()),
        })
    }
}

fn refused(expected: &str, got: impl Into<String>) -> Error {
    let (op, expected, got) = ("--devices", expected.into(), got.into());
    Error::Argument { op, expected, got }
}

/// The ranks of this process: its own where a launcher has started it, one for each GPU that is asked for, none where one
/// device learns alone.
fn communicators(devices: Option<&Devices>) -> Result<Vec<Communicator>> {
    let launched = env::var_os("WORLD_SIZE").is_some();
    let n = match devices {
        None if launched => return Ok(vec![Communicator::from_env()?]),
        None => return Ok(Vec::new()),
        Some(_) if launched => {
            let got = "both: each rank that a launcher starts has one";
            return Err(refused("--devices or a launcher's WORLD_SIZE", got));
        }
        Some(Devices::All) => Device::cuda_count()?,
        Some(Devices::First(n)) => n.get(),
        Some(Devices::Unknown(text)) => {
            return Err(refused("a number of devices, or all", text));
        }
    };
    let devices: Result<Vec<Device>> = (0..n).map(Device::cuda).collect();
    Communicator::init_all(&devices?)
}

/// Does `work` on each of `devices`, on a thread each and as ranks; as the rank that a launcher has made of this process; or,
/// where neither is, on `device` alone.
///
/// # Errors
/// Those of every rank, and of whoever makes them ranks.
pub fn on_each(
    devices: Option<&Devices>,
    device: &Device,
    work: impl Fn(&Ranks) -> Answer + Sync,
) -> Answer {
    let all = communicators(devices)?;
    if all.is_empty() {
        return work(&Ranks::alone(device));
    }
    let failed: Vec<String> = thread::scope(|scope| {
        let work = &work;
        let begin = |own: Communicator| {
            scope.spawn(move || work(&Ranks::of(own)).map_err(|error| error.to_string()))
        };
        let threads: Vec<_> = all.into_iter().map(begin).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        let ended = ended.map(|ended| ended.unwrap_or_else(|_| Err("a thread panicked".into())));
        ended.filter_map(std::result::Result::err).collect()
    });
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("\n       ").into()),
    }
}

/// A device that learns, alone or as a rank among others.
#[derive(Clone, Debug)]
pub struct Ranks {
    device: Device,
    own: Option<Communicator>,
}

impl Ranks {
    /// One device without others.
    pub fn alone(device: &Device) -> Self {
        let device = device.clone();
        Self { device, own: None }
    }

    /// A rank, on its device.
    pub fn of(own: Communicator) -> Self {
        let device = own.device().clone();
        let own = Some(own);
        Self { device, own }
    }

    /// Where this one learns.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The way to the others, where there are any.
    pub fn communicator(&self) -> Option<&Communicator> {
        self.own.as_ref()
    }

    /// Which one this is; 0 alone.
    pub fn rank(&self) -> usize {
        self.own.as_ref().map_or(0, Communicator::rank)
    }

    /// How many there are; 1 alone.
    pub fn count(&self) -> usize {
        self.own.as_ref().map_or(1, Communicator::world_size)
    }

    /// Whether this is the one that says and writes what there is.
    pub fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// A bar as of [`progress`](crate::progress), which is seen of the one that leads.
    pub fn progress(&self, steps: u64, template: &'static str, name: &str) -> ProgressBar {
        match self.leads() {
            true => crate::progress(steps, template, name),
            false => ProgressBar::hidden(),
        }
    }

    /// This one's part of a batch.
    ///
    /// # Errors
    /// A batch that the devices do not divide.
    pub fn part_of(&self, batch: usize) -> Answer<usize> {
        let n = self.count();
        match batch.is_multiple_of(n) {
            true => Ok(batch / n),
            false => Err(format!("{n} devices do not divide a batch of {batch}").into()),
        }
    }

    /// Who deals out so many samples to learn from.
    ///
    /// # Errors
    /// No samples.
    pub fn sampler(&self, samples: usize) -> Result<DistributedSampler> {
        DistributedSampler::of(self.rank(), self.count(), samples)
    }

    /// This one's share of so many samples that are each to be looked at once: nobody gets one a second time, as from a
    /// sampler.
    pub fn share_of(&self, samples: usize) -> Vec<usize> {
        (self.rank()..samples).step_by(self.count()).collect()
    }

    /// The sums of what all have counted.
    ///
    /// # Errors
    /// A rank that has failed.
    pub fn sums<const N: usize>(&self, counts: [usize; N]) -> Result<[usize; N]> {
        let Some(own) = &self.own else {
            return Ok(counts);
        };
        let counts = counts.map(|count| count as i64);
        let mut all = Tensor::from_slice(&counts, &[N], &self.device)?;
        own.all_reduce(&mut all, ReduceOp::Sum)?;
        let all = all.to_vec()?;
        Ok(std::array::from_fn(|i| all[i] as usize))
    }

    /// The mean of a loss over all, on the device.
    ///
    /// # Errors
    /// A rank that has failed.
    pub fn mean(&self, loss: &mut Tensor<f32>) -> Result<()> {
        let all_reduce = |own: &Communicator| own.all_reduce(loss, ReduceOp::Avg);
        self.own.as_ref().map_or(Ok(()), all_reduce)
    }

    /// Does `work`, which writes files, on the one that leads; the others wait.
    ///
    /// # Errors
    /// Those of `work`, on every rank.
    pub fn write(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        match &self.own {
            None => work(),
            Some(own) => own.on_rank_0(work),
        }
    }

    /// Does `work`, which reads a file, on every rank, or none goes on.
    ///
    /// # Errors
    /// Those of `work`, on every rank.
    pub fn read(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        match &self.own {
            None => work(),
            Some(own) => own.on_all_ranks(work),
        }
    }
}

impl fmt::Display for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device: {}", self.device)?;
        match self.own {
            None => Ok(()),
            Some(_) => write!(f, " (rank {} of {})", self.rank(), self.count()),
        }
    }
}
