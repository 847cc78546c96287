//! How many GPUs learn together.

use std::convert::Infallible;
use std::env;
use std::num::NonZeroUsize;
use std::str::FromStr;

use warpsmith::distributed::Communicator;
use warpsmith::{Device, Error, Result};

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

/// The ranks of this process: its own where a launcher has started it, one for each GPU that is asked for, none where one
/// device learns alone.
pub fn ranks(devices: Option<Devices>) -> Result<Vec<Communicator>> {
    let launched = env::var_os("WORLD_SIZE").is_some();
    match devices {
        None if launched => Ok(vec![Communicator::from_env()?]),
        None => Ok(Vec::new()),
        Some(devices) => {
            let n = match devices {
                Devices::All => Device::cuda_count()?,
                Devices::First(n) => n.get(),
                Devices::Unknown(text) => {
                    let expected = "a number of devices, or all".into();
                    let (op, got) = ("--devices", text);
                    return Err(Error::Argument { op, expected, got });
                }
            };
            let devices: Result<Vec<Device>> = (0..n).map(Device::cuda).collect();
            Communicator::init_all(&devices?)
        }
    }
}
