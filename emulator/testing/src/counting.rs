//! What kernels do, counted by the emulator.

use super::{LIBRARY, emulated};
use cuda_emulator_counts::{Kernels, from_json};
use libloading::os::unix::{Library, Symbol};
use std::ffi::{c_char, c_uint};

/// Runs `work` and tells what the kernels that it launched did, by their names. Launches of other threads count too.
///
/// # Panics
/// On a real driver, which counts nothing: ask [`emulated`] first.
pub fn count(work: impl FnOnce()) -> Kernels {
    assert!(emulated(), "only the emulator counts");
    let library = LIBRARY.get().expect("install() keeps the library");
    count_in(library, work).expect("the emulator tells what it has counted")
}

fn count_in(library: &Library, work: impl FnOnce()) -> Option<Kernels> {
    type Count = extern "C" fn(c_uint);
    type Counts = unsafe extern "C" fn(*mut c_char, usize) -> usize;
    // SAFETY: the signatures are those of the emulator's `driver/counts.rs`.
    let (count, counts): (Symbol<Count>, Symbol<Counts>) = unsafe {
        let count = library.get(b"cuda_emulator_count\0").ok()?;
        (count, library.get(b"cuda_emulator_counts\0").ok()?)
    };
    count(1);
    work();
    count(0);
    // SAFETY: null is allowed where there is no room.
    let room = unsafe { counts(std::ptr::null_mut(), 0) };
    let mut json = vec![0u8; room];
    // SAFETY: `json` has the room it says.
    unsafe { counts(json.as_mut_ptr().cast(), room) };
    json.pop();
    from_json(std::str::from_utf8(&json).ok()?).ok()
}
