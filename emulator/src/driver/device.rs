//! The one device: `cuDevice*`.

use super::attributes::{self, Profile};
use super::entry::{Out, Text, api, say};
use super::error::{Error, Outcome};
use super::findings;
use super::heap::Heap;
use super::release::{Release, release};
use crate::check::Checks;
use crate::exec::float::blurred;
use crate::exec::order::Order;
use crate::exec::{ComputeCapability, Options};
use std::env;
use std::ffi::c_char;
use std::str::FromStr;
use std::sync::OnceLock;

/// Device memory unless CUDA_EMULATOR_MEMORY says otherwise.
const DEFAULT_MEMORY: usize = 4 << 30;

/// A device ordinal as the API hands it out.
pub type Ordinal = i32;

pub struct Device {
    pub profile: &'static Profile,
    pub capability: ComputeCapability,
    pub release: Release,
    pub heap: Heap,
    pub options: Options,
    /// Whether streams keep their work until somebody waits for it.
    pub deferred: bool,
}

static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();

/// `cuInit`: reads the environment once.
pub fn initialise() -> Outcome {
    match DEVICE.get_or_init(Device::from_environment) {
        Ok(_) => Ok(()),
        Err(message) => {
            say(message);
            Err(Error::NO_DEVICE)
        }
    }
}

/// The device, if `cuInit` was called.
pub fn device() -> Outcome<&'static Device> {
    super::host::refuse_inside_callback()?;
    match DEVICE.get() {
        Some(Ok(device)) => Ok(device),
        _ => Err(Error::NOT_INITIALIZED),
    }
}

fn at(ordinal: Ordinal) -> Outcome<&'static Device> {
    let device = device()?;
    if ordinal == 0 {
        Ok(device)
    } else {
        Err(Error::INVALID_DEVICE)
    }
}

/// Refuses any ordinal but the one there is.
pub fn check(ordinal: Ordinal) -> Outcome {
    at(ordinal).map(|_| ())
}

impl Device {
    fn from_environment() -> Result<Device, String> {
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
        super::counts::initialise();
        let goes_on = findings::initialise()?;
        let order = number_from("CUDA_EMULATOR_ORDER", "a seed")?.map(Order);
        if let Some(seed) = number_from::<u64>("CUDA_EMULATOR_APPROXIMATE", "a seed")? {
            // 0 is a seed too
            blurred::switch(seed.wrapping_add(1).max(1));
        }
        let sums_backward = match env::var("CUDA_EMULATOR_ACCUMULATE")
            .as_deref()
            .map(str::trim)
        {
            Err(_) | Ok("" | "forward") => false,
            Ok("backward") => true,
            Ok(other) => {
                return Err(format!(
                    "CUDA_EMULATOR_ACCUMULATE is {other:?}; it can be forward or backward"
                ));
            }
        };
        let deferred = match env::var("CUDA_EMULATOR_STREAMS").as_deref().map(str::trim) {
            Err(_) | Ok("" | "eager") => false,
            Ok("deferred") => true,
            Ok(other) => {
                return Err(format!(
                    "CUDA_EMULATOR_STREAMS is {other:?}; it can be eager or deferred"
                ));
            }
        };
        let time_limit = number_from("CUDA_EMULATOR_TIME_LIMIT", "a number of seconds")?;
        Ok(Device {
            profile,
            capability: ComputeCapability {
                major: profile.capability.0 as u32,
                minor: profile.capability.1 as u32,
            },
            release: release()?,
            heap: Heap::new(memory),
            deferred,
            options: Options {
                checks: checks()?,
                goes_on,
                time_limit,
                order,
                sums_backward,
                ..Options::default()
            },
        })
    }

    pub fn name(&self) -> String {
        let (major, minor) = self.profile.capability;
        format!("CUDA emulator on the CPU (sm_{major}{minor})")
    }

    fn uuid(&self) -> [u8; 16] {
        let mut uuid = *b"cuda-emulator-00";
        uuid[14] += self.profile.capability.0 as u8;
        uuid[15] += self.profile.capability.1 as u8;
        uuid
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

fn checks() -> Result<Checks, String> {
    let text = env::var("CUDA_EMULATOR_CHECKS").unwrap_or_default();
    Checks::parse(&text)
        .map_err(|word| format!("CUDA_EMULATOR_CHECKS names {word:?}, which is no check"))
}

/// `CUdevprop`, the oldest way to ask.
#[repr(C)]
pub struct Properties {
    max_threads_per_block: i32,
    max_threads_dim: [i32; 3],
    max_grid_size: [i32; 3],
    shared_per_block: i32,
    constant_memory: i32,
    warp: i32,
    pitch: i32,
    registers_per_block: i32,
    clock_khz: i32,
    texture_align: i32,
}

api! {
    fn cuDeviceGet(device: Out<Ordinal>, ordinal: i32) {
        check(ordinal)?;
        device.set(ordinal)
    }

    fn cuDeviceGetCount(count: Out<i32>) {
        device()?;
        count.set(1)
    }

    fn cuDeviceGetName(name: Out<c_char>, room: i32, ordinal: Ordinal) {
        name.set_text(&at(ordinal)?.name(), usize::try_from(room).map_err(|_| Error::INVALID_VALUE)?)
    }

    fn cuDeviceGetAttribute(result: Out<i32>, attribute: i32, ordinal: Ordinal) {
        result.set(attributes::value(at(ordinal)?.profile, attribute).ok_or(Error::INVALID_VALUE)?)
    }

    fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, ordinal: Ordinal) {
        let capability = at(ordinal)?.profile.capability;
        major.set(capability.0)?;
        minor.set(capability.1)
    }

    fn cuDeviceGetProperties(properties: Out<Properties>, ordinal: Ordinal) {
        let profile = at(ordinal)?.profile;
        properties.set(Properties {
            max_threads_per_block: attributes::MAX_THREADS_PER_BLOCK,
            max_threads_dim: attributes::MAX_BLOCK.map(|n| n as i32),
            max_grid_size: attributes::MAX_GRID.map(|n| n as i32),
            shared_per_block: attributes::SHARED_PER_BLOCK,
            constant_memory: 64 << 10,
            warp: 32,
            pitch: i32::MAX,
            registers_per_block: attributes::REGISTERS,
            clock_khz: profile.clock_khz,
            texture_align: 512,
        })
    }

    fn cuDeviceTotalMem_v2(bytes: Out<usize>, ordinal: Ordinal) {
        bytes.set(at(ordinal)?.heap.capacity())
    }

    fn cuDeviceGetUuid(uuid: Out<[u8; 16]>, ordinal: Ordinal) {
        uuid.set(at(ordinal)?.uuid())
    }

    fn cuDeviceGetUuid_v2(uuid: Out<[u8; 16]>, ordinal: Ordinal) {
        uuid.set(at(ordinal)?.uuid())
    }

    fn cuDeviceGetPCIBusId(text: Out<c_char>, room: i32, ordinal: Ordinal) {
        check(ordinal)?;
        text.set_text("0000:00:00.0", usize::try_from(room).map_err(|_| Error::INVALID_VALUE)?)
    }

    fn cuDeviceGetByPCIBusId(result: Out<Ordinal>, text: Text) {
        device()?;
        match text.get()?.as_str() {
            "0000:00:00.0" | "0000:00:00" | "00:00.0" => result.set(0),
            _ => Err(Error::INVALID_DEVICE),
        }
    }

    fn cuDeviceCanAccessPeer(can: Out<i32>, ordinal: Ordinal, peer: Ordinal) {
        check(ordinal)?;
        check(peer)?;
        can.set(0)
    }

    fn cuDeviceGetExecAffinitySupport(result: Out<i32>, _kind: u32, ordinal: Ordinal) {
        check(ordinal)?;
        result.set(0)
    }
}
