//! Gives tests a CUDA device: the real driver where there is one, else the emulator.
//!
//! Call [`install`] before the first use of the driver API, in the one place where tests get their context:
//!
//! ```no_run
//! # fn context() {
//! cuda_emulator_testing::install();
//! // let context = cudarc::driver::CudaContext::new(0)?;
//! # }
//! ```
//!
//! The emulator is asked for by its path and loaded under the name `libcuda.so`, so that cudarc, or anything else
//! that looks for the driver by name later on, finds it. Programs need not know. [`install_nccl`] does the same for NCCL.

mod counting;

pub use counting::{count, launches};
pub use cuda_emulator_counts as counts;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW, Symbol};
use std::ffi::{c_char, c_int, c_uint};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What [`install`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// A real driver that initialises.
    Real,
    /// The emulator.
    Emulated,
}

const FILE: &str = "libcuda_emulator.so";
const NCCL: &str = "libnccl_emulator.so";
const SUCCESS: c_uint = 0;

/// Makes sure that the CUDA driver API can be used, and says with what.
///
/// A real driver is preferred, unless the environment has `WARPSMITH_DEVICE=emulator`. Which of the two it is goes to
/// stderr, once, also where the test runner captures what tests print.
///
/// # Panics
/// Where there is no driver and the emulator's library is missing: this crate must be a dependency of the package
/// under test, so that cargo builds it.
pub fn install() -> Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let wants_emulator = std::env::var("WARPSMITH_DEVICE").is_ok_and(|d| d == "emulator");
        let found = if wants_emulator { None } else { real_driver() };
        let (installed, name) = found.unwrap_or_else(emulator);
        let _ = writeln!(std::io::stderr().lock(), "CUDA tests run on: {name}");
        installed
    })
}

/// Whether the device is the emulator: for what only it can show, and for benchmarks, which must not run on it.
pub fn emulated() -> bool {
    install() == Installed::Emulated
}

fn real_driver() -> Option<(Installed, String)> {
    // SAFETY: libcuda's constructors have no requirements on the caller.
    let library = unsafe { Library::open(Some("libcuda.so.1"), RTLD_NOW | RTLD_LOCAL) }.ok()?;
    let name = first_device(&library)?;
    // The emulator under the driver's name, as `scripts/emulate` puts it, is still the emulator.
    let emulated = marked(&library);
    keep(library);
    Some((
        if emulated {
            Installed::Emulated
        } else {
            Installed::Real
        },
        name,
    ))
}

/// Makes sure that NCCL found by name, as cudarc looks for it (`libnccl.so`), is one that works on the driver which
/// [`install`] has: between emulated devices the stand-in, between real ones whatever library there is, or none.
///
/// # Panics
/// As [`install`].
pub fn install_nccl() -> Installed {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    let installed = install();
    if installed == Installed::Emulated {
        LIBRARY.get_or_init(|| built(NCCL));
    }
    installed
}

fn emulator() -> (Installed, String) {
    let library = built(FILE);
    assert!(marked(&library), "{FILE} is not the emulator");
    let name = first_device(&library).expect("the emulator initialises; its message is above");
    keep(library);
    (Installed::Emulated, name)
}

/// A library of this workspace, loaded from where cargo puts it.
fn built(file: &str) -> Library {
    let candidates = candidates(file);
    let path = candidates
        .iter()
        .find(|path| path.is_file())
        .map_or(Path::new(file), PathBuf::as_path);
    // SAFETY: the emulator and its NCCL have no constructors with requirements. Global, since others must find the name.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    library.unwrap_or_else(|error| {
        panic!(
            "nothing real to run on, and nothing emulated: {error}\nlooked for {candidates:#?}\n\
             make cuda-emulator-testing a dependency of the package, or run `cargo build -p cuda-emulator-testing`"
        )
    })
}

/// Where cargo puts a library, seen from a test, a program or an example.
fn candidates(file: &str) -> Vec<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new("."));
    ["deps", "../deps", "."]
        .map(|to| folder.join(to).join(file))
        .into()
}

/// The library, which must outlive every pointer into it that others have by now.
static LIBRARY: OnceLock<Library> = OnceLock::new();

fn keep(library: Library) {
    let _ = LIBRARY.set(library);
}

fn marked(library: &Library) -> bool {
    // SAFETY: only whether the symbol exists is asked.
    unsafe { library.get::<extern "C" fn() -> c_uint>(b"cuda_emulator_capability\0") }.is_ok()
}

/// The name of device 0, if the driver initialises and has one.
fn first_device(library: &Library) -> Option<String> {
    type Init = unsafe extern "C" fn(c_uint) -> c_uint;
    type GetName = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_uint;
    let mut name = [0u8; 256];
    // SAFETY: the signatures are those of cuda.h; `name` has the room it says.
    unsafe {
        let init: Symbol<Init> = library.get(b"cuInit\0").ok()?;
        let get_name: Symbol<GetName> = library.get(b"cuDeviceGetName\0").ok()?;
        if init(0) != SUCCESS
            || get_name(name.as_mut_ptr().cast(), name.len() as c_int, 0) != SUCCESS
        {
            return None;
        }
    }
    Some(
        name.iter()
            .take_while(|&&b| b != 0)
            .map(|&b| char::from(b))
            .collect(),
    )
}
