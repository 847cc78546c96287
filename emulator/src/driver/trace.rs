//! `CUDA_EMULATOR_TRACE=1`: every call with its arguments and what it answered, and at the end what a program looked for
//! and did not find.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Numbers from here on are addresses, handles or flags, and read better so.
const HEXADECIMAL: u64 = 1 << 24;

/// Whether calls are shown.
pub fn on() -> bool {
    static TRACE: OnceLock<bool> = OnceLock::new();
    *TRACE.get_or_init(|| std::env::var_os("CUDA_EMULATOR_TRACE").is_some_and(|v| v != "0"))
}

/// An argument as a trace shows it.
pub trait Shown {
    fn shown(&self) -> String;
}

fn number(value: u64) -> String {
    if value < HEXADECIMAL {
        value.to_string()
    } else {
        format!("{value:#x}")
    }
}

/// An address, or null.
pub fn pointer(address: usize) -> String {
    match address {
        0 => "null".to_owned(),
        _ => format!("{address:#x}"),
    }
}

macro_rules! numbers {
    ($($t:ty)*) => {$(
        impl Shown for $t {
            fn shown(&self) -> String {
                number(*self as u64)
            }
        }
    )*};
}
numbers!(u8 u16 u32 u64 usize);

macro_rules! functions {
    ($($t:ty)*) => {$(
        impl Shown for Option<$t> {
            fn shown(&self) -> String {
                pointer(self.map_or(0, |f| f as usize))
            }
        }
    )*};
}
functions!(extern "C" fn(usize) extern "C" fn(usize, u32, usize) extern "C" fn(i32) -> usize);

impl Shown for i32 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for f32 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

/// Characters of a text that are shown.
const MOST_SHOWN: usize = 80;

impl Shown for str {
    fn shown(&self) -> String {
        match self.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => format!("{:?}...", &self[..end]),
            None => format!("{self:?}"),
        }
    }
}

static MISSED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes that a program looked for a function that is not there.
pub fn missed(name: &str) {
    if !on() {
        return;
    }
    let mut missed = MISSED.lock().unwrap_or_else(PoisonError::into_inner);
    if missed.is_empty() {
        // SAFETY: the function takes and gives nothing, and this library is never unloaded before the process ends.
        unsafe { libc::atexit(at_exit) };
    }
    missed.insert(name.to_owned());
}

extern "C" fn at_exit() {
    let missed = MISSED.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<&str> = missed.iter().map(String::as_str).collect();
    let names = names.join(", ");
    eprintln!("cuda-emulator: cuGetProcAddress did not find: {names}");
}
