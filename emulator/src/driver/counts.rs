//! What launches did, if somebody wants to know: `CUDA_EMULATOR_COUNT`, and two functions beside the driver's own.

use super::entry::{Out, say};
use cuda_emulator_counts::{Counts, Kernels, table, to_json};
use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

static WANTED: AtomicBool = AtomicBool::new(false);
static KERNELS: Mutex<Kernels> = Mutex::new(Kernels::new());
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

/// Adds what a launch of a kernel did.
pub fn add(kernel: &str, counts: &Counts) {
    let mut kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
    kernels.entry(kernel.to_owned()).or_default().add(counts);
}

extern "C" fn write() {
    let kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
    match OUTPUT.get() {
        Some(Some(path)) => {
            if let Err(error) = std::fs::write(path, to_json(&kernels)) {
                say(format!("CUDA_EMULATOR_COUNT: {path}: {error}"));
            }
        }
        Some(None) => say(format!("counts\n{}", table(&kernels))),
        None => {}
    }
}

/// Starts counting with nothing counted (1), or stops (0).
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_count(on: u32) {
    if on != 0 {
        KERNELS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
    WANTED.store(on != 0, Ordering::Relaxed);
}

/// What was counted, as JSON: writes as much as there is room for, with a NUL, and answers the room that all of it needs.
#[unsafe(no_mangle)]
pub extern "C" fn cuda_emulator_counts(json: Out<c_char>, room: usize) -> usize {
    let text = to_json(&KERNELS.lock().unwrap_or_else(PoisonError::into_inner));
    if room > 0 {
        let _ = json.set_text(&text, room);
    }
    text.len() + 1
}
