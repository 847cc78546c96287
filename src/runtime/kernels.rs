//! The table that `build.rs` writes (op, PTX per architecture, entry points) and the loader over it.
//!
//! A module is loaded once per context, when its first kernel is asked for. Loaded modules, and with them the
//! contexts they live in, are kept until the process ends.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cudarc::driver::sys::{CUdevice_attribute, CUresult, cuDriverGetVersion};
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, DriverError};
use cudarc::nvrtc::Ptx;
use flate2::read::ZlibDecoder;

use super::relaxed::relaxed;
use crate::error::{Error, Result};

/// One `.cu` file, compiled.
pub(crate) struct Module {
    pub(crate) op: &'static str,
    /// Packed (zlib), in the order of [`ARCHITECTURES`]: a tenth of the text, in every program that links this crate.
    pub(crate) ptx: [&'static [u8]; ARCHITECTURES.len()],
    pub(crate) entries: &'static [Entry],
}

/// One `__global__` function.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Bytes of each parameter, as the PTX declares them.
    pub(crate) params: &'static [usize],
    /// For which of [`ARCHITECTURES`] it was compiled.
    pub(crate) compiled: [bool; ARCHITECTURES.len()],
}

include!(concat!(env!("OUT_DIR"), "/kernels_table.rs"));

/// An architecture that PTX is embedded for, and the devices that run it.
struct Architecture {
    name: &'static str,
    runs_on: fn((i32, i32)) -> bool,
}

/// Oldest first, as in `build.rs`. PTX for `sm_90a` uses instructions that only 9.0 has.
const ARCHITECTURES: [Architecture; 3] = [
    Architecture {
        name: "sm_75",
        runs_on: |cc| cc >= (7, 5),
    },
    Architecture {
        name: "sm_80",
        runs_on: |cc| cc >= (8, 0),
    },
    Architecture {
        name: "sm_90a",
        runs_on: |cc| cc == (9, 0),
    },
];

/// The oldest driver with every call that this crate makes: a graph is instantiated by `cuGraphInstantiateWithFlags`. Newer
/// ones are Hopper's tensor maps alone, whose PTX asks for their driver anyway.
const OLDEST_DRIVER: i32 = 11040;

/// A kernel that is ready to launch: the driver's function and what the PTX says of its parameters.
#[derive(Clone)]
pub(crate) struct Kernel {
    pub(crate) function: CudaFunction,
    pub(crate) entry: &'static Entry,
}

#[derive(Default)]
struct Loaded {
    modules: HashMap<(usize, &'static str), Arc<CudaModule>>,
    kernels: HashMap<(usize, &'static str), Kernel>,
}

static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

/// Finds a kernel for the context's device, loading its module if this is the first one asked of it.
pub(crate) fn kernel(context: &Arc<CudaContext>, op: &'static str, name: &str) -> Result<Kernel> {
    let (module, entry) = find(op, name)?;
    let key = context.cu_ctx() as usize;
    // a panic while it was held would leave at worst a module that is not cached
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kernel) = loaded.kernels.get(&(key, entry.name)) {
        return Ok(kernel.clone());
    }
    let variant = variant(context)?;
    if !entry.compiled[variant] {
        let (kernel, architecture) = (entry.name.to_string(), ARCHITECTURES[variant].name);
        return Err(Error::KernelUnavailable {
            op,
            kernel,
            architecture,
        });
    }
    let cu_module = match loaded.modules.get(&(key, op)) {
        Some(found) => found.clone(),
        None => {
            let fresh = load(context, module, variant)?;
            loaded.modules.insert((key, op), fresh.clone());
            fresh
        }
    };
    let function = cu_module
        .load_function(entry.name)
        .map_err(|e| Error::driver(op, e))?;
    let kernel = Kernel { function, entry };
    loaded.kernels.insert((key, entry.name), kernel.clone());
    Ok(kernel)
}

/// Fails where this build holds no kernels, the driver lacks calls or the device runs none of the kernels' architectures.
pub(crate) fn check(context: &Arc<CudaContext>) -> Result<()> {
    if MODULES.is_empty() {
        return Err(Error::NoKernels(NO_KERNELS));
    }
    let driver = driver_version().map_err(|e| Error::driver("driver version", e))?;
    if driver < OLDEST_DRIVER {
        let (is, needs) = (dotted(driver), dotted(OLDEST_DRIVER));
        return Err(Error::NoDriver(format!(
            "it is for CUDA {is}; expected {needs} (R470) or newer"
        )));
    }
    variant(context).map(drop)
}

/// Whether the context's device runs an entry point, without loading it.
pub(crate) fn is_available(context: &Arc<CudaContext>, op: &'static str, name: &str) -> bool {
    match (find(op, name), variant(context)) {
        (Ok((_, entry)), Ok(variant)) => entry.compiled[variant],
        _ => false,
    }
}

/// Every entry point in this build as (op, name), in the table's order; empty where NVRTC was not found.
pub fn entry_points() -> impl Iterator<Item = (&'static str, &'static str)> {
    MODULES
        .iter()
        .flat_map(|m| m.entries.iter().map(|e| (m.op, e.name)))
}

/// The PTX of one op for one architecture (`sm_75`, `sm_80`, `sm_90a`), as this build embeds it.
///
/// For a program that launches kernels itself and wants nothing else of this crate: `examples/ptx` launches softmax so.
/// Parameters and grids stand on top of each file in `cuda/`.
pub fn ptx(op: &str, architecture: &str) -> Option<String> {
    let index = ARCHITECTURES.iter().position(|a| a.name == architecture)?;
    let module = MODULES.iter().find(|m| m.op == op)?;
    unpack(module, index).ok()
}

/// Whether an entry point has been asked for in this process. Tests use it to see that they launch what they claim.
#[doc(hidden)]
pub fn is_loaded(name: &str) -> bool {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.kernels.keys().any(|(_, entry)| *entry == name)
}

/// Whether the context's device has an entry point: some are left out for older architectures.
#[doc(hidden)]
pub fn is_on(context: &Arc<CudaContext>, name: &str) -> bool {
    let mut modules = MODULES.iter();
    let module = modules.find(|m| m.entries.iter().any(|e| e.name == name));
    module.is_some_and(|module| is_available(context, module.op, name))
}

fn find(op: &'static str, name: &str) -> Result<(&'static Module, &'static Entry)> {
    let module = MODULES.iter().find(|m| m.op == op);
    let entry = module.and_then(|m| m.entries.iter().find(|e| e.name == name).map(|e| (m, e)));
    entry.ok_or_else(|| match MODULES.is_empty() {
        true => Error::NoKernels(NO_KERNELS),
        false => Error::argument(op, "an entry point of this build", name),
    })
}

/// The newest architecture that the device runs.
fn variant(context: &Arc<CudaContext>) -> Result<usize> {
    let attribute = |which| {
        context
            .attribute(which)
            .map_err(|e| Error::driver("compute capability", e))
    };
    let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    ARCHITECTURES
        .iter()
        .rposition(|a| (a.runs_on)((major, minor)))
        .ok_or_else(|| {
            let device = context
                .name()
                .unwrap_or_else(|_| format!("cuda:{}", context.ordinal()));
            Error::Unsupported {
                device,
                major,
                minor,
            }
        })
}

fn unpack(module: &Module, variant: usize) -> Result<String> {
    let mut text = String::new();
    ZlibDecoder::new(module.ptx[variant])
        .read_to_string(&mut text)
        .map_err(|e| Error::argument(module.op, "PTX as the build packed it", e))?;
    Ok(text)
}

fn load(
    context: &Arc<CudaContext>,
    module: &'static Module,
    variant: usize,
) -> Result<Arc<CudaModule>> {
    let ptx = unpack(module, variant)?;
    // a program's own capture would be spoilt by it
    relaxed(|| context.load_module(Ptx::from_src(&ptx))).map_err(|e| match e.0 {
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => Error::PtxTooNew {
            op: module.op,
            ptx: version(&ptx).to_string(),
            driver: driver_version().map_or_else(|e| format!("{e:?}"), dotted),
        },
        _ => Error::driver(module.op, e),
    })
}

fn version(ptx: &str) -> &str {
    ptx.lines()
        .find_map(|line| line.strip_prefix(".version "))
        .unwrap_or("unknown")
        .trim()
}

/// The CUDA version that the driver supports, in thousands and tens.
fn driver_version() -> Result<i32, DriverError> {
    let mut version = 0;
    // SAFETY: the driver is loaded (its callers have a context) and writes one int through the pointer.
    unsafe { cuDriverGetVersion(&mut version) }.result()?;
    Ok(version)
}

fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_since_turing_has_an_architecture() {
        let best = |cc| {
            ARCHITECTURES
                .iter()
                .rposition(|a| (a.runs_on)(cc))
                .map(|i| ARCHITECTURES[i].name)
        };
        assert_eq!(best((7, 0)), None);
        assert_eq!(best((7, 5)), Some("sm_75"));
        assert_eq!(best((8, 6)), Some("sm_80"));
        assert_eq!(best((9, 0)), Some("sm_90a"));
        assert_eq!(best((12, 0)), Some("sm_80"));
    }

    #[test]
    fn every_packed_text_comes_back() {
        for module in MODULES {
            for architecture in &ARCHITECTURES {
                let text = ptx(module.op, architecture.name).unwrap_or_default();
                let target = format!(".target {}", architecture.name);
                assert!(text.contains(&target), "{} {target}", module.op);
            }
        }
        assert_eq!(ptx("no such op", "sm_80"), None);
    }

    #[test]
    fn the_version_is_read_from_the_ptx() {
        assert_eq!(version("//\n.version 7.0\n.target sm_80\n"), "7.0");
    }
}
