//! Where tensors live and ops run.

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, CudaStream, DriverError};

use crate::cpu;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::kernels;
use crate::runtime::memory::{DeviceSlice, keep_freed, trim};
use crate::runtime::probe::probe;
use crate::runtime::report;
use crate::runtime::turn::{is_captured, turn_outside};

/// A device: the CPU, or a CUDA GPU with the stream that its work is queued on.
///
/// ```
/// use warpsmith::Device;
///
/// let device = Device::best();
/// println!("running on {device}");
/// # Ok::<(), warpsmith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The CPU, with rayon's threads.
    Cpu,
    /// A CUDA GPU.
    Cuda(CudaDevice),
}

/// A CUDA GPU and the stream on which every op of its tensors is queued, in order and asynchronously.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDevice {
    stream: Arc<CudaStream>,
}

impl Device {
    /// The first GPU, if there is one that works, else the CPU.
    ///
    /// One works where a driver answers, this build holds kernels that it takes, and one of them runs and leaves what it
    /// should. [`Device::cuda`] says why the first GPU does not; so does, with `WARPSMITH_VERBOSE=1` in the environment, a
    /// line on stderr the first time that the CPU is taken.
    pub fn best() -> Self {
        match Self::cuda(0).and_then(Self::probed) {
            Ok(device) => device,
            Err(reason) => {
                say_once(&reason);
                Self::Cpu
            }
        }
    }

    /// The GPU with this ordinal. Asked again for the same ordinal, it gives the same stream. The first time one small kernel
    /// is loaded and run, so that whatever keeps kernels from running is said here.
    ///
    /// # Errors
    /// No kernels in this build, no driver or one older than R470, no such GPU, one older than compute capability 7.5, a
    /// driver older than the PTX ([`Error::PtxTooNew`]), or whatever else it answers to a launch.
    pub fn cuda(ordinal: usize) -> Result<Self> {
        static OPEN: LazyLock<Mutex<Vec<(usize, CudaDevice)>>> = LazyLock::new(Mutex::default);
        let count = Self::cuda_count()?;
        if ordinal >= count {
            return Err(Error::argument(
                "cuda",
                format!("a device ordinal below {count}"),
                ordinal,
            ));
        }
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, device)) = open.iter().find(|(o, _)| *o == ordinal) {
            return Ok(Self::Cuda(device.clone()));
        }
        let device = CudaDevice::open(ordinal)?;
        probe(&device.stream)?;
        open.push((ordinal, device.clone()));
        Ok(Self::Cuda(device))
    }

    /// The device, if it still runs kernels: after a kernel's fault none does.
    fn probed(self) -> Result<Self> {
        if let Some(stream) = self.stream() {
            probe(stream)?;
        }
        Ok(self)
    }

    /// A device on a stream that the program already has; its tensors share that stream's context.
    ///
    /// # Errors
    /// No kernels in this build, a driver older than R470, or a GPU older than compute capability 7.5.
    pub fn from_stream(stream: Arc<CudaStream>) -> Result<Self> {
        kernels::check(stream.context())?;
        Ok(Self::Cuda(CudaDevice { stream }))
    }

    /// How many GPUs the driver sees.
    ///
    /// # Errors
    /// No driver, or one that does not start.
    pub fn cuda_count() -> Result<usize> {
        // cudarc panics where it finds no driver, so the question comes first
        static PRESENT: LazyLock<bool> = LazyLock::new(|| {
            // SAFETY: opening the driver library runs only its initialisers.
            unsafe { sys::is_culib_present() }
        });
        if !*PRESENT {
            return Err(Error::NoDriver(
                "libcuda was not found; is an NVIDIA driver installed?".into(),
            ));
        }
        let count = CudaContext::device_count().map_err(no_driver)?;
        usize::try_from(count).map_err(|_| Error::NoDriver(format!("it counts {count} devices")))
    }

    /// Waits until everything queued on the device is done, and reports what went wrong with it.
    ///
    /// # Errors
    /// Whatever an earlier, asynchronous launch ended with; an index out of range that one came upon ([`Error::Index`]), once.
    pub fn synchronize(&self) -> Result<()> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda(device) => {
                const OP: &str = "synchronize";
                let reason = "it waits for work that does not run yet";
                let _turn = turn_outside(&device.stream, OP, reason)?;
                let done = device.stream.synchronize();
                done.map_err(|e| Error::driver(OP, e))?;
                report::check(&device.stream)
            }
        }
    }

    /// Loads kernels ahead of time, several at once, so that the driver compiles none of them at first use; without this each
    /// is loaded when it is first launched. `wanted` is asked for each op (a file of `cuda/`) and entry point of this build;
    /// on the CPU there is nothing to load.
    ///
    /// ```
    /// # use warpsmith::{Device, Result};
    /// # fn main() -> Result<()> {
    /// Device::best().prepare(|op, kernel| op == "softmax" && kernel.ends_with("_f32"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn prepare(&self, wanted: impl Fn(&str, &str) -> bool) -> Result<()> {
        match self.stream() {
            Some(stream) => kernels::prepare(stream.context(), wanted),
            None => Ok(()),
        }
    }

    /// Gives back the memory that is kept to be used again (`torch.cuda.empty_cache`).
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn empty_cache(&self) -> Result<()> {
        match self {
            Self::Cpu => {
                cpu::clear_pools();
                Ok(())
            }
            Self::Cuda(device) => {
                self.synchronize()?;
                trim(device.stream.context()).map_err(|e| Error::driver("empty_cache", e))
            }
        }
    }

    /// Whether this is a GPU of an emulated driver, such as the tests': what it computes is right, but how long it takes
    /// means nothing. It is told by the name that the driver gives its devices.
    pub fn is_emulated(&self) -> bool {
        let name = self.as_cuda().map(CudaDevice::name);
        name.is_some_and(|name| name.is_ok_and(|name| name.contains("emulator")))
    }

    /// Whether this device's work is being captured as a graph.
    pub(crate) fn is_capturing(&self) -> bool {
        self.stream().is_some_and(|stream| is_captured(stream))
    }

    /// The stream that work is queued on, where this is a GPU.
    pub(crate) fn stream(&self) -> Option<&Arc<CudaStream>> {
        self.as_cuda().map(CudaDevice::stream)
    }

    /// The CUDA side, where this is a GPU.
    pub fn as_cuda(&self) -> Option<&CudaDevice> {
        match self {
            Self::Cpu => None,
            Self::Cuda(device) => Some(device),
        }
    }
}

impl CudaDevice {
    fn open(ordinal: usize) -> Result<Self> {
        let context = CudaContext::new(ordinal).map_err(no_driver)?;
        kernels::check(&context)?;
        // SAFETY: slices of this context are owned by tensors, which use them on this one stream only (ops compare
        // devices, and with them streams), so no event is needed to order their uses.
        unsafe { context.disable_event_tracking() };
        let stream = context
            .new_stream()
            .map_err(|e| Error::driver("new stream", e))?;
        keep_freed(&context).map_err(|e| Error::driver("memory pool", e))?;
        Ok(Self { stream })
    }

    /// The stream that this device's work is queued on.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// The device's own name, as the driver gives it.
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn name(&self) -> Result<String> {
        self.stream
            .context()
            .name()
            .map_err(|e| Error::driver("device name", e))
    }

    /// Major and minor compute capability.
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn compute_capability(&self) -> Result<(i32, i32)> {
        self.stream
            .context()
            .compute_capability()
            .map_err(|e| Error::driver("compute capability", e))
    }

    /// Memory for a tensor's elements, holding whatever it held; the caller writes every one.
    pub(crate) fn alloc<T: Element>(&self, len: usize) -> Result<DeviceSlice<T>> {
        DeviceSlice::alloc(&self.stream, len).map_err(|e| match e {
            Error::Driver {
                code: CUresult::CUDA_ERROR_OUT_OF_MEMORY,
                ..
            } => Error::OutOfMemory {
                device: Device::Cuda(self.clone()).to_string(),
                bytes: len * size_of::<T>(),
            },
            other => other,
        })
    }
}

/// Says on stderr why the CPU is taken, where the environment asks for it.
fn say_once(reason: &Error) {
    static SAID: Once = Once::new();
    let verbose = env::var_os("WARPSMITH_VERBOSE");
    if verbose.is_some_and(|value| !value.is_empty() && value != "0") {
        SAID.call_once(|| {
            // a closed stderr is no reason to fail
            let _ = writeln!(
                io::stderr(),
                "warpsmith: Device::best() takes the CPU: {reason}"
            );
        });
    }
}

fn no_driver(error: DriverError) -> Error {
    match error.0 {
        CUresult::CUDA_ERROR_NO_DEVICE => Error::NoDriver("it sees no device".into()),
        code => Error::NoDriver(format!("it answered {code:?} when it was started")),
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(device) => {
                let ordinal = device.stream.context().ordinal();
                let name = device.name().unwrap_or_else(|_| "unknown".into());
                write!(f, "cuda:{ordinal} ({name})")
            }
        }
    }
}

/// `cpu`, `cuda`, `cuda:N`, or `auto` for [`Device::best`].
impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::argument("device", "auto, cpu, cuda or cuda:N", text);
        match text {
            "auto" => Ok(Self::best()),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Self::cuda(0),
            _ => Self::cuda(
                text.strip_prefix("cuda:")
                    .and_then(|n| n.parse().ok())
                    .ok_or_else(unknown)?,
            ),
        }
    }
}
