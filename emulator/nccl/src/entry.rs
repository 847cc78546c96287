//! The C boundary: no panic crosses it, failures are reported there, and callers' pointers are followed nowhere else.

use crate::comm::say;
use crate::types::{Code, Failure};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a C function's body answers.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Declares exported functions.
macro_rules! api {
    ($(fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block)*) => {$(
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $ty),*) -> u32 {
            $crate::entry::guard(stringify!($name), move || -> $crate::entry::Outcome { $body })
        }
    )*};
}
pub(crate) use api;

/// Runs `body` and makes an `ncclResult_t` of what it answers.
pub fn guard(name: &str, body: impl FnOnce() -> Outcome) -> u32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(failure)) => {
            if failure.code != Code::InProgress {
                say(name, &failure.text);
            }
            failure.code as u32
        }
        Err(_) => {
            say(name, "a bug of the emulator: it panicked (message above)");
            Code::InternalError as u32
        }
    }
}

/// A wrong argument.
pub fn invalid<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Failure::new(Code::InvalidArgument, text))
}

/// Where a result goes.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// Refuses null.
    pub fn check(self) -> Outcome {
        if self.0.is_null() {
            return invalid("a result has no place to go: null");
        }
        Ok(())
    }

    /// Writes the result.
    pub fn set(self, value: T) -> Outcome {
        self.check()?;
        // SAFETY: not null; the API's contract is that there is room for one.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Where it goes, as a number.
    pub fn address(self) -> usize {
        self.0.expose_provenance()
    }

    /// The place of the `i`-th of several.
    pub fn at(self, i: usize) -> Self {
        Self(self.0.wrapping_add(i))
    }
}

/// What the caller hands in by pointer.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct In<T>(*const T);

impl<T: Copy> In<T> {
    /// Whether there is none.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The first `count` of them.
    pub fn list(self, count: usize) -> Outcome<Vec<T>> {
        if self.0.is_null() {
            return invalid("null, where something is to be read");
        }
        // SAFETY: not null; the API's contract is that `count` lie there.
        Ok((0..count)
            .map(|i| unsafe { self.0.add(i).read_unaligned() })
            .collect())
    }
}
