//! What is no fault and yet worth a line when the process ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Kernel, line of the PTX, and what happens there.
type Place = (String, u32, &'static str);

static NOTES: Mutex<BTreeMap<Place, u64>> = Mutex::new(BTreeMap::new());

/// Notes that something happened at a line of a kernel.
#[cold]
pub fn note(kernel: &str, line: u32, what: &'static str) {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    *notes.entry((kernel.to_owned(), line, what)).or_default() += 1;
}

/// A line for each place with the number of times; none are left.
pub fn take_notes() -> Vec<String> {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = std::mem::take(&mut *notes).into_iter();
    taken
        .map(|((kernel, line, what), times)| {
            format!("note: {kernel}, PTX line {line}: {what} ({times} times)")
        })
        .collect()
}
