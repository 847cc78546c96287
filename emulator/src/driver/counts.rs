//! What launches did, if somebody wants to know: `CUDA_EMULATOR_COUNT`, and two functions beside the driver's own.

use super::entry::{Out, say};
use crate::exec::LaunchConfig;
use cuda_emulator_counts::{Counts, Kernels, Launch, table, to_json};
use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

static WANTED: AtomicBool = AtomicBool::new(false);
static KERNELS: Mutex<Kernels> = Mutex::new(Kernels::new());
/// The launches one by one, if somebody wants those.
static LAUNCHES: Mutex<Option<Vec<Launch>>> = Mutex::new(None);
/// The file that the counts go to when the process ends; stderr if it has no name.
static OUTPUT: OnceLock<Option<String>> = OnceLock::new();

/// Reads the environment.
pub fn initialise() {
    let text = std::env::var("CUDA_EMULATOR_COUNT").unwrap_or_default();
    let file = match text.trim() {
        "" | "0" => return,
        "1" => None,
        path => Some(path.to_owned()),
    };
    if OUTPUT.set(file).is_ok() {
        WANTED.store(true, Ordering::Relaxed);
        // SAFETY: the function takes and gives nothing, and this library is never unloaded before the process ends.
        unsafe { libc::atexit(write) };
    }
}

/// Whether launches are counted.
pub fn wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds what a launch of a kernel did.
pub fn add(kernel: &str, config: &LaunchConfig, counts: Counts) {
    let mut kernels = locked(&KERNELS);
    kernels.entry(kernel.to_owned()).or_default().add(&counts);
    if let Some(launches) = &mut *locked(&LAUNCHES) {
        launches.push(Launch {
            kernel: kernel.to_owned(),
            grid: config.grid,
            block: config.block,
            counts,
        });
    }
}

extern "C" fn write() {
    let kernels = locked(&KERNELS);
    match OUTPUT.get() {
        Some(Some(path)) => {
            if let Err(error) = std::fs::write(path, to_json(&*kernels)) {
                say(format!("CUDA_EMULATOR_COUNT: {path}: {error}"));
            }
        }
        Some(None) => say(format!("counts\n{}", table(&kernels))),
        None => {}
    }
}

/// Starts counting with nothing counted, by kernel (1) or every launch by itself too (2), or stops (0).
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_count(on: u32) {
    if on != 0 {
        locked(&KERNELS).clear();
        *locked(&LAUNCHES) = (on == 2).then(Vec::new);
    }
    WANTED.store(on != 0, Ordering::Relaxed);
}

/// Writes as much of `text` as there is room for, with a NUL, and answers the room that all of it needs.
fn told(text: &str, to: Out<c_char>, room: usize) -> usize {
    if room > 0 {
        let _ = to.set_text(text, room);
    }
    text.len() + 1
}

/// What kernels did, as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_counts(json: Out<c_char>, room: usize) -> usize {
    told(&to_json(&*locked(&KERNELS)), json, room)
}

/// What launches did one by one, in their order, as JSON; nothing unless that was asked for.
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_launches(json: Out<c_char>, room: usize) -> usize {
    let launches = locked(&LAUNCHES);
    told(
        &to_json(&launches.as_deref().unwrap_or_default()),
        json,
        room,
    )
}
