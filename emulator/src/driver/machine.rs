//! What the environment asks for: devices of one kind, and how they run. It is read once, by `cuInit`.

use super::attributes::{self, Profile};
use super::entry::say;
use super::error::{Error, Outcome};
use super::findings;
use super::heap::Heap;
use super::release::{Release, release};
use crate::check::Checks;
use crate::exec::float::blurred;
use crate::exec::order::Order;
use crate::exec::{ComputeCapability, Options};
use std::env;
use std::str::FromStr;
use std::sync::OnceLock;

/// Device memory unless CUDA_EMULATOR_MEMORY says otherwise.
const DEFAULT_MEMORY: usize = 4 << 30;
/// Most devices of a machine.
const MOST_DEVICES: usize = 16;

/// A device's number as the API hands it out.
pub type Ordinal = i32;

/// All devices, and what they have in common.
pub struct Machine {
    pub profile: &'static Profile,
    pub capability: ComputeCapability,
    pub release: Release,
    pub options: Options,
    /// Whether streams keep their work until somebody waits for it.
    pub deferred: bool,
    pub devices: Vec<Device>,
}

pub struct Device {
    pub ordinal: Ordinal,
    pub heap: Heap,
}

static MACHINE: OnceLock<Result<Machine, String>> = OnceLock::new();

/// `cuInit`: reads the environment once.
pub fn initialise() -> Outcome {
    match MACHINE.get_or_init(Machine::from_environment) {
        Ok(_) => Ok(()),
        Err(message) => {
            say(message);
            Err(Error::NO_DEVICE)
        }
    }
}

/// The machine, if `cuInit` was called.
pub fn machine() -> Outcome<&'static Machine> {
    super::host::refuse_inside_callback()?;
    match MACHINE.get() {
        Some(Ok(machine)) => Ok(machine),
        _ => Err(Error::NOT_INITIALIZED),
    }
}

/// The device with a number.
pub fn device(ordinal: Ordinal) -> Outcome<&'static Device> {
    let machine = machine()?;
    let index = usize::try_from(ordinal).map_err(|_| Error::INVALID_DEVICE)?;
    machine.devices.get(index).ok_or(Error::INVALID_DEVICE)
}

/// The device whose memory holds an address; the first, which then says what is wrong with it, where none does.
pub fn holding(address: u64) -> Outcome<&'static Device> {
    let devices = &machine()?.devices;
    let holds = |device: &&Device| device.heap.memory.contains(address, 1);
    let found = devices.iter().find(holds).or(devices.first());
    found.ok_or(Error::NOT_INITIALIZED)
}

impl Machine {
    fn from_environment() -> Result<Machine, String> {
        let text = env::var("CUDA_EMULATOR_CC").unwrap_or_else(|_| "9.0".into());
        let wrong = || {
            format!(
                "CUDA_EMULATOR_CC is {text:?}; it can be {}",
                attributes::capabilities()
            )
        };
        let (major, minor) = text.trim().split_once('.').ok_or_else(wrong)?;
        let number = |part: &str| part.parse::<i32>().map_err(|_| wrong());
        let profile = attributes::profile((number(major)?, number(minor)?)).ok_or_else(wrong)?;
        let memory =
            number_from("CUDA_EMULATOR_MEMORY", "a number of bytes")?.unwrap_or(DEFAULT_MEMORY);
        let kind = format!("a number of devices from 1 to {MOST_DEVICES}");
        let devices = number_from("CUDA_EMULATOR_DEVICES", &kind)?.unwrap_or(1);
        if !(1..=MOST_DEVICES).contains(&devices) {
            return Err(format!(
                "CUDA_EMULATOR_DEVICES is {devices}; it must be {kind}"
            ));
        }
        super::counts::initialise();
        let goes_on = findings::initialise()?;
        let order = number_from("CUDA_EMULATOR_ORDER", "a seed")?.map(Order);
        if let Some(seed) = number_from::<u64>("CUDA_EMULATOR_APPROXIMATE", "a seed")? {
            // 0 is a seed too
            blurred::switch(seed.wrapping_add(1).max(1));
        }
        let sums_backward = one_of("CUDA_EMULATOR_ACCUMULATE", ["forward", "backward"])?;
        let deferred = one_of("CUDA_EMULATOR_STREAMS", ["eager", "deferred"])?;
        let sample = number_from::<u64>("CUDA_EMULATOR_SAMPLE", "a number of blocks")?;
        if let Some(most) = sample {
            say(format_args!(
                "CUDA_EMULATOR_SAMPLE={most}: of each launch so many blocks run, and results are wrong"
            ));
        }
        let time_limit = number_from("CUDA_EMULATOR_TIME_LIMIT", "a number of seconds")?;
        let device = |ordinal| Device {
            ordinal: ordinal as Ordinal,
            heap: Heap::new(memory),
        };
        Ok(Machine {
            profile,
            capability: ComputeCapability {
                major: profile.capability.0 as u32,
                minor: profile.capability.1 as u32,
            },
            release: release()?,
            options: Options {
                checks: checks()?,
                goes_on,
                time_limit,
                order,
                sums_backward,
                sample,
                ..Options::default()
            },
            deferred,
            devices: (0..devices).map(device).collect(),
        })
    }

    pub fn name(&self) -> String {
        let (major, minor) = self.profile.capability;
        format!("CUDA emulator on the CPU (sm_{major}{minor})")
    }
}

/// A variable that is a number of something, if it is set.
fn number_from<T: FromStr>(name: &str, of: &str) -> Result<Option<T>, String> {
    let Ok(text) = env::var(name) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{name} is {text:?}; it must be {of}")),
    }
}

/// Whether a variable is the second of its two words; the first is what it is unset.
fn one_of(name: &str, words: [&str; 2]) -> Result<bool, String> {
    let text = env::var(name).unwrap_or_default();
    match text.trim() {
        "" => Ok(false),
        word if words.contains(&word) => Ok(word == words[1]),
        other => Err(format!(
            "{name} is {other:?}; it can be {} or {}",
            words[0], words[1]
        )),
    }
}

fn checks() -> Result<Checks, String> {
    let text = env::var("CUDA_EMULATOR_CHECKS").unwrap_or_default();
    Checks::parse(&text)
        .map_err(|word| format!("CUDA_EMULATOR_CHECKS names {word:?}, which is no check"))
}
