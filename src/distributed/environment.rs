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
    /// The variable that says another port.
    pub(super) port_variable: &'static str,
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
        let (master, port_variable) = match world_size {
            1 => (String::new(), MASTER_PORT),
            _ => {
                let host = text("MASTER_ADDR")?;
                let (port, variable) = port()?;
                let master = match host.contains(':') && !host.starts_with('[') {
                    true => format!("[{host}]:{port}"),
                    false => format!("{host}:{port}"),
                };
                (master, variable)
            }
        };
        Ok(Self {
            rank,
            world_size,
            local_rank: number("LOCAL_RANK")?,
            master,
            port_variable,
        })
    }
}

const MASTER_PORT: &str = "MASTER_PORT";
const OWN_PORT: &str = "WARPSMITH_MASTER_PORT";
/// Says whether torchrun's agent listens at `MASTER_PORT` of the first machine.
const AGENT_STORE: &str = "TORCHELASTIC_USE_AGENT_STORE";

/// The port where ranks meet, and the variable that says another one. `MASTER_PORT` itself is taken where torchrun's agent
/// keeps its store there, as it says it does; the next one is then theirs.
fn port() -> Result<(u16, &'static str)> {
    if is_set(OWN_PORT) {
        return Ok((port_in(OWN_PORT)?, OWN_PORT));
    }
    let port = port_in(MASTER_PORT)?;
    if !env::var(AGENT_STORE).is_ok_and(|kept| kept.eq_ignore_ascii_case("true")) {
        return Ok((port, MASTER_PORT));
    }
    let next = port.checked_add(1).ok_or_else(|| {
        let expected = format!("a port for the ranks in {OWN_PORT}, as torchrun has MASTER_PORT");
        wrong(expected, port)
    })?;
    Ok((next, OWN_PORT))
}

fn port_in(name: &'static str) -> Result<u16> {
    let port = u16::try_from(number(name)?).ok().filter(|&port| port > 0);
    port.ok_or_else(|| {
        let got = env::var(name).unwrap_or_default();
        wrong(format!("a {name} in 1..65536"), got)
    })
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
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
