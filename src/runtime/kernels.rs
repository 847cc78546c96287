//! The loader: an entry point of the table becomes a function of the driver.
//!
//! Each entry point is a module of its own, loaded once per context, when it is first asked for: the driver compiles what is
//! launched and nothing else. Loaded kernels, and with them the contexts they live in, are kept until the process ends.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cudarc::driver::sys::{CUdevice_attribute, CUresult, cuDriverGetVersion};
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, DriverError};
use cudarc::nvrtc::Ptx;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::relaxed::relaxed;
use super::table::{ARCHITECTURES, Entry, MODULES, Module, NO_KERNELS, all, find, text};
use crate::error::{Error, Result};

/// The oldest driver with every call that this crate makes: a graph is instantiated by `cuGraphInstantiateWithFlags`. Newer
/// ones are Hopper's tensor maps alone, whose PTX asks for their driver anyway.
const OLDEST_DRIVER: i32 = 11040;

/// A kernel that is ready to launch: the driver's function and what the PTX says of its parameters.
#[derive(Clone)]
pub(crate) struct Kernel {
    pub(crate) function: CudaFunction,
    pub(crate) entry: &'static Entry,
}

/// Where a kernel of one context comes to lie, and how often it was asked for. Whoever loads it holds this lock, not that of
/// all kernels.
type Slot = Arc<Mutex<(Option<Kernel>, u64)>>;

static LOADED: LazyLock<Mutex<HashMap<(usize, &'static str), Slot>>> =
    LazyLock::new(Mutex::default);

/// Finds a kernel for the context's device, loading it if this is the first time that it is asked for.
pub(crate) fn kernel(context: &Arc<CudaContext>, op: &'static str, name: &str) -> Result<Kernel> {
    let (module, entry) = find(op, name)?;
    let key = (context.cu_ctx() as usize, entry.name);
    // a panic while a lock was held would leave at worst a kernel that is not kept
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = loaded.entry(key).or_default().clone();
    drop(loaded);
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let (kernel, times) = &mut *slot;
    *times += 1;
    if let Some(kernel) = kernel {
        return Ok(kernel.clone());
    }
    let function = load(context, module, entry)?
        .load_function(entry.name)
        .map_err(|e| Error::driver(op, e))?;
    Ok(kernel.insert(Kernel { function, entry }).clone())
}

/// Loads ahead of time, on rayon's threads, what `wanted` says of op and entry point, and the device has.
pub(crate) fn prepare(
    context: &Arc<CudaContext>,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<()> {
    let variant = variant(context)?;
    let chosen: Vec<_> = all()
        .filter(|(m, e)| e.runs_on(variant) && wanted(m.op, e.name))
        .collect();
    let each = chosen.into_par_iter();
    each.try_for_each(|(module, entry)| kernel(context, module.op, entry.name).map(drop))
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
        (Ok((_, entry)), Ok(variant)) => entry.runs_on(variant),
        _ => false,
    }
}

/// Every entry point in this build as (op, name), in the table's order; empty where NVRTC was not found.
pub fn entry_points() -> impl Iterator<Item = (&'static str, &'static str)> {
    all().map(|(module, entry)| (module.op, entry.name))
}

/// The PTX of one entry point (`softmax_f32`) that an architecture (`sm_75`, `sm_80`, `sm_90a`) takes, as this build embeds
/// it: a module with that kernel alone. It may say an older one, where a newer has nothing to add. `None` where there is no
/// such kernel, or none for that architecture.
///
/// For a program that launches kernels itself and wants nothing else of this crate: `examples/ptx` launches softmax so.
/// Parameters and grids stand on top of each file in `cuda/`.
pub fn ptx(name: &str, architecture: &str) -> Option<String> {
    let index = ARCHITECTURES.iter().position(|a| a.name == architecture)?;
    let (module, entry) = all().find(|(_, entry)| entry.name == name)?;
    text(module, entry, index).ok()?
}

/// How often an entry point has been asked for in this process. Tests use it to see that they launch what they claim.
#[doc(hidden)]
pub fn times_asked(name: &str) -> u64 {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let slots: Vec<Slot> = loaded
        .iter()
        .filter(|((_, entry), _)| *entry == name)
        .map(|(_, slot)| slot.clone())
        .collect();
    drop(loaded);
    let times = |slot: &Slot| slot.lock().unwrap_or_else(PoisonError::into_inner).1;
    slots.iter().map(times).sum()
}

/// Whether the context's device has an entry point: some are left out for older architectures.
#[doc(hidden)]
pub fn is_on(context: &Arc<CudaContext>, name: &str) -> bool {
    let found = all().find(|(_, entry)| entry.name == name);
    found.is_some_and(|(module, _)| is_available(context, module.op, name))
}

/// The newest architecture that the device runs and its driver takes.
fn variant(context: &Arc<CudaContext>) -> Result<usize> {
    let attribute = |which| {
        context
            .attribute(which)
            .map_err(|e| Error::driver("compute capability", e))
    };
    let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let driver = driver_version().map_err(|e| Error::driver("driver version", e))?;
    newest((major, minor), driver).ok_or_else(|| {
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

/// Which of [`ARCHITECTURES`] a device of this compute capability takes, with a driver for this version of CUDA.
fn newest(capability: (i32, i32), driver: i32) -> Option<usize> {
    ARCHITECTURES
        .iter()
        .rposition(|a| (a.runs_on)(capability) && a.driver <= driver)
}

fn load(
    context: &Arc<CudaContext>,
    module: &'static Module,
    entry: &'static Entry,
) -> Result<Arc<CudaModule>> {
    let variant = variant(context)?;
    let Some(ptx) = text(module, entry, variant)? else {
        let (kernel, architecture) = (entry.name.to_string(), ARCHITECTURES[variant].name);
        return Err(Error::KernelUnavailable {
            op: module.op,
            kernel,
            architecture,
        });
    };
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
        let best = |cc, driver| newest(cc, driver).map(|i| ARCHITECTURES[i].name);
        assert_eq!(best((7, 0), 12080), None);
        assert_eq!(best((7, 5), 11040), Some("sm_75"));
        assert_eq!(best((8, 6), 11040), Some("sm_80"));
        assert_eq!(best((9, 0), 11080), Some("sm_80"));
        assert_eq!(best((9, 0), 12000), Some("sm_90a"));
        assert_eq!(best((12, 0), 12080), Some("sm_80"));
    }

    #[test]
    #[cfg_attr(
        not(warpsmith_kernels),
        ignore = "this build holds no kernels: NVRTC was not found"
    )]
    fn every_packed_text_comes_back_with_its_kernel_alone() {
        let mut own = [0; ARCHITECTURES.len()];
        for (_, name) in entry_points() {
            // the architecture's line and the version above it are all that may differ
            let mut older = None;
            for (architecture, own) in ARCHITECTURES.iter().zip(&mut own) {
                let Some(text) = ptx(name, architecture.name) else {
                    continue;
                };
                let entries: Vec<_> = text.match_indices(".entry ").collect();
                let this = format!(".entry {name}(");
                assert!(entries.len() == 1 && text.contains(&this), "{name}");
                if text.contains(&format!(".target {}", architecture.name)) {
                    *own += 1;
                    let (_, body) = text.split_once(".address_size").unwrap();
                    let body = body.to_string();
                    assert!(older.as_ref() != Some(&body), "{name} is there twice");
                    older = Some(body);
                }
            }
        }
        assert!(
            own[0] >= own[1] && own.iter().all(|&own| own > 0),
            "{own:?}"
        );
        assert_eq!(ptx("no such kernel", "sm_80"), None);
        assert_eq!(ptx("softmax_f32", "sm_70"), None);
    }

    #[test]
    #[cfg_attr(
        not(warpsmith_kernels),
        ignore = "this build holds no kernels: NVRTC was not found"
    )]
    fn an_architecture_takes_the_newest_text_that_it_runs() {
        let target = |name, architecture| {
            let text = ptx(name, architecture)?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(".target "))?;
            Some(line.trim().to_string())
        };
        let is = |text: Option<String>, target: &str| text.as_deref() == Some(target);
        assert!(is(target("softmax_f32", "sm_90a"), "sm_75"));
        assert!(is(target("softmax_bf16", "sm_75"), "sm_75"));
        assert!(is(target("softmax_bf16", "sm_90a"), "sm_80"));
        assert!(is(target("matmul_wgmma_nn_bf16", "sm_90a"), "sm_90a"));
        assert_eq!(target("matmul_wgmma_nn_bf16", "sm_80"), None);
    }

    #[test]
    fn the_version_is_read_from_the_ptx() {
        assert_eq!(version("//\n.version 7.0\n.target sm_80\n"), "7.0");
    }
}
