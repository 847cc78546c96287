//! What kernels do, counted by the emulator.

use super::{LIBRARY, emulated};
use cuda_emulator_counts::{Kernels, Launch, from_json};
use libloading::os::unix::{Library, Symbol};
use std::ffi::{c_char, c_uint};

/// Runs `work` and tells what the kernels that it launched did, by their names. Launches of other threads count too.
///
/// # Panics
/// On a real driver, which counts nothing: ask [`emulated`] first.
pub fn count(work: impl FnOnce()) -> Kernels {
    from_json(&counted(1, b"cuda_emulator_counts\0", work)).expect("what the emulator has counted")
}

/// As [`count`], launch by launch, in their order.
///
/// # Panics
/// As [`count`].
pub fn launches(work: impl FnOnce()) -> Vec<Launch> {
    from_json(&counted(2, b"cuda_emulator_launches\0", work))
        .expect("what the emulator has counted")
}

/// What the library tells by a function of this name when it has counted `work` in this way.
fn counted(way: c_uint, told_by: &[u8], work: impl FnOnce()) -> String {
    assert!(emulated(), "only the emulator counts");
    let library = LIBRARY.get().expect("install() keeps the library");
    counted_in(library, way, told_by, work).expect("the emulator tells what it has counted")
}

fn counted_in(
    library: &Library,
    way: c_uint,
    told_by: &[u8],
    work: impl FnOnce(),
) -> Option<String> {
    type Count = extern "C" fn(c_uint);
    type Told = unsafe extern "C" fn(*mut c_char, usize) -> usize;
    // SAFETY: the signatures are those of the emulator's `driver/counts.rs`.
    let (count, told): (Symbol<Count>, Symbol<Told>) = unsafe {
        let count = library.get(b"cuda_emulator_count\0").ok()?;
        (count, library.get(told_by).ok()?)
    };
    count(way);
    work();
    count(0);
    // SAFETY: null is allowed where there is no room.
    let room = unsafe { told(std::ptr::null_mut(), 0) };
    let mut json = vec![0u8; room];
    // SAFETY: `json` has the room it says.
    unsafe { told(json.as_mut_ptr().cast(), room) };
    json.pop();
    String::from_utf8(json).ok()
}
