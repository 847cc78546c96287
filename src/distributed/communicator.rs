//! The ranks that a program has, and what they do together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::board::Board;
use super::environment::Environment;
use super::lifeline::Lifeline;
use super::rendezvous;
use super::seat::Seat;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::runtime::nccl::{Overlap, Peers, Rank, ReduceOp, UniqueId, unique_id};
use crate::tensor::Tensor;

/// PyTorch's for NCCL.
const TIMEOUT: Duration = Duration::from_secs(600);

/// One rank's way to the others (`torch.distributed`'s default process group, over NCCL). A clone is the same one.
///
/// Every call is queued on the device's stream, behind what is queued there, and the host does not wait; only
/// [`Communicator::barrier`] does. All ranks make the same calls, with the same types and sizes, in the same order. Tensors
/// are on the rank's device.
///
/// ```no_run
/// use warpsmith::distributed::{Communicator, ReduceOp};
/// use warpsmith::Tensor;
///
/// // in each of the processes that torchrun or scripts/launch has started
/// let ranks = Communicator::from_env()?;
/// let mut x = Tensor::full(&[3], ranks.rank() as f32, ranks.device())?;
/// ranks.all_reduce(&mut x, ReduceOp::Sum)?;
/// println!("{x}");
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// # When a rank fails
/// A rank that ends, by itself or killed, that fails, or that does not come to a call within the time limit (10 minutes, or
/// what [`Communicator::from_env_within`] says) ends the calls of the others: their streams go on, and the next call, or
/// whoever waits for the device (`item`, `to_vec`, `synchronize`), gets an [`Error::Distributed`] that names it. What the
/// device has computed since is no result; no more calls are made over this communicator.
#[derive(Clone)]
pub struct Communicator {
    pub(super) rank: Arc<Rank>,
    device: Device,
}

impl Communicator {
    /// A rank for each device, all in this process (`ncclCommInitAll`); each is best used on a thread of its own. One
    /// thread for all has to say which calls belong together: [`group`](super::group).
    ///
    /// # Errors
    /// No NCCL ([`Error::NoNccl`]); no devices, one that is no GPU, or one that is there twice.
    pub fn init_all(devices: &[Device]) -> Result<Vec<Self>> {
        Self::init_all_within(devices, TIMEOUT)
    }

    /// [`Communicator::init_all`] with another time limit for calls.
    ///
    /// # Errors
    /// Those of [`Communicator::init_all`].
    pub fn init_all_within(devices: &[Device], timeout: Duration) -> Result<Vec<Self>> {
        const OP: &str = "init_all";
        if devices.is_empty() {
            return Err(Error::argument(OP, "at least one device", "none"));
        }
        let board = Board::new(devices.len());
        let mut own = Vec::with_capacity(devices.len());
        let mut ordinals = Vec::with_capacity(devices.len());
        for (rank, device) in devices.iter().enumerate() {
            let cuda = device.as_cuda();
            let cuda = cuda.ok_or_else(|| Error::argument(OP, "CUDA devices", device))?;
            let ordinal = cuda.stream().context().ordinal();
            if ordinals.contains(&ordinal) {
                let got = format!("{device} twice");
                return Err(Error::argument(OP, "each device once", got));
            }
            ordinals.push(ordinal);
            let board = board.clone();
            let seat = Seat {
                board,
                rank,
                lifeline: None,
            };
            own.push((
                rank,
                cuda.stream().clone(),
                Box::new(seat) as Box<dyn Peers>,
            ));
        }
        let refused = |reason| Error::distributed(OP, [0, devices.len()], reason);
        let made = unique_id()?.map_err(refused);
        let ranks = Rank::begin(made?, devices.len(), own, timeout)?;
        let ranks = ranks.into_iter().zip(devices.iter().cloned());
        Ok(ranks.map(|(rank, device)| Self { rank, device }).collect())
    }

    /// This process's rank among several, on one machine or many, as the variables of `torchrun` say: `RANK` of
    /// `WORLD_SIZE`, on the device `LOCAL_RANK`. Rank 0 listens at `MASTER_ADDR` and `MASTER_PORT`; the others come there
    /// for NCCL's unique id, so that address is to be one that only the ranks reach.
    ///
    /// Where torchrun's agent has `MASTER_PORT` for a store of its own, of which it sets `TORCHELASTIC_USE_AGENT_STORE`, ranks
    /// meet at the port behind it. `WARPSMITH_MASTER_PORT`, the same for all of them, is another.
    ///
    /// # Errors
    /// No NCCL ([`Error::NoNccl`]); variables that are missing or make no sense; a port in use, a rank that does not come
    /// within 10 minutes, or one that was told another `WORLD_SIZE` ([`Error::Distributed`], on every rank); those of
    /// [`Device::cuda`].
    pub fn from_env() -> Result<Self> {
        Self::from_env_within(TIMEOUT)
    }

    /// [`Communicator::from_env`] with another time limit, for the meeting and for every call.
    ///
    /// # Errors
    /// Those of [`Communicator::from_env`].
    pub fn from_env_within(timeout: Duration) -> Result<Self> {
        let environment = Environment::read()?;
        let Environment {
            rank, world_size, ..
        } = environment;
        let device = Device::cuda(environment.local_rank)?;
        let new_id = || {
            let refused = |reason| Error::distributed("from_env", [rank, world_size], reason);
            let id = unique_id()?.map_err(refused);
            id.map(|id| id.0)
        };
        let met = rendezvous::meet(&environment, timeout, new_id)?;
        let board = Board::new(world_size);
        let lifeline = match met.streams.is_empty() {
            true => None,
            false => Some(Lifeline::new(&board, rank, met.streams)?),
        };
        let seat = Seat {
            board,
            rank,
            lifeline,
        };
        let own = device.stream().map(|stream| {
            let seat: Box<dyn Peers> = Box::new(seat);
            (rank, stream.clone(), seat)
        });
        let own = own.into_iter().collect();
        let mut made = Rank::begin(UniqueId(met.id), world_size, own, timeout)?;
        let no_device = || Error::argument("from_env", "a CUDA device", &device);
        let rank = made.pop().ok_or_else(no_device)?;
        Ok(Self { rank, device })
    }

    /// Which rank this is (`torch.distributed.get_rank`).
    pub fn rank(&self) -> usize {
        self.rank.rank
    }

    /// How many ranks there are (`torch.distributed.get_world_size`).
    pub fn world_size(&self) -> usize {
        self.rank.ranks
    }

    /// The device that the rank has.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Waits until every rank is here and has done what is queued on its device (`torch.distributed.barrier`).
    ///
    /// # Errors
    /// While a graph is captured, a rank that has failed, or whatever the device's earlier work ended with.
    pub fn barrier(&self) -> Result<()> {
        self.all_reduce(
            &mut Tensor::<i32>::zeros(&[1], &self.device)?,
            ReduceOp::Sum,
        )?;
        self.device.synchronize()?;
        self.check()
    }

    /// Errors where a rank has failed, without waiting for any.
    ///
    /// # Errors
    /// [`Error::Distributed`] with what has failed first.
    pub fn check(&self) -> Result<()> {
        self.rank.look("check")
    }

    /// A stream beside the device's, for calls that go on while kernels run.
    pub(super) fn beside(&self) -> Result<Overlap> {
        Overlap::new(&self.rank.stream)
    }

    /// What went wrong together, as an error of `op`.
    pub(super) fn error(&self, op: &'static str, reason: impl Into<String>) -> Error {
        Error::distributed(op, [self.rank(), self.world_size()], reason)
    }

    /// Errors for a rank that there is not.
    pub(super) fn a_rank(&self, op: &'static str, rank: usize) -> Result<()> {
        match rank < self.world_size() {
            true => Ok(()),
            false => {
                let expected = format!("a rank below {}", self.world_size());
                Err(Error::argument(op, expected, rank))
            }
        }
    }
}

impl fmt::Debug for Communicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rank, world_size) = (self.rank(), self.world_size());
        write!(f, "rank {rank} of {world_size} on {}", self.device)
    }
}
