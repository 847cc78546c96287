//! Which rank a process is: the variables of PyTorch's `torchrun`.

use std::env;

use crate::error::{Error, Result};

/// What the environment says.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) rank: usize,
    pub(super) world_size: usize,
    /// Which device of its machine the rank has.
    pub(super) local_rank: usize,
    /// Where rank 0 waits for the others, as `host:port`.
    pub(super) master: String,
}

impl Environment {
    /// Reads it; where there is one rank alone, nobody has to be met.
    pub(super) fn read() -> Result<Self> {
        let world_size = number("WORLD_SIZE")?;
        let rank = number("RANK")?;
        if world_size == 0 || i32::try_from(world_size).is_err() {
            return Err(wrong("a WORLD_SIZE of at least 1", world_size));
        }
        if rank >= world_size {
            return Err(wrong(
                format!("a RANK below WORLD_SIZE = {world_size}"),
                rank,
            ));
        }
        let master = match world_size {
            1 => String::new(),
            _ => {
                let host = text("MASTER_ADDR")?;
                let port = number("MASTER_PORT")?;
                let port = u16::try_from(port).ok().filter(|&port| port > 0);
                let port = port.ok_or_else(|| {
                    let got = env::var("MASTER_PORT").unwrap_or_default();
                    wrong("a MASTER_PORT in 1..65536", got)
                })?;
                match host.contains(':') && !host.starts_with('[') {
                    true => format!("[{host}]:{port}"),
                    false => format!("{host}:{port}"),
                }
            }
        };
        Ok(Self {
            rank,
            world_size,
            local_rank: number("LOCAL_RANK")?,
            master,
        })
    }
}

fn wrong(expected: impl Into<String>, got: impl ToString) -> Error {
    Error::argument("from_env", expected, got)
}

fn text(name: &str) -> Result<String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        let expected = format!("{name} in the environment, as torchrun and scripts/launch set it");
        wrong(expected, "none")
    })
}

fn number(name: &str) -> Result<usize> {
    let value = text(name)?;
    let number = value.trim().parse();
    number.map_err(|_| wrong(format!("a number in {name}"), format!("{value:?}")))
}
