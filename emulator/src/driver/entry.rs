//! The C boundary: every exported function goes through [`guard`], and every pointer that a caller hands in goes
//! through one of the wrappers below, so that the unsafe code that trusts a caller stays in this file.

use super::error::{Error, Outcome};
use super::trace::{Shown, pointer};
use std::ffi::{CStr, c_char};
use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Declares exported driver functions. The body answers an [`Outcome`].
macro_rules! api {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $ty),*) -> u32 {
            let arguments: Option<Vec<String>> = $crate::driver::trace::on().then(|| {
                vec![$({
                    let shown = $crate::driver::trace::Shown::shown(&$arg);
                    format!("{} {shown}", stringify!($arg).trim_start_matches('_'))
                }),*]
            });
            $crate::driver::entry::guard(stringify!($name), arguments, move || -> $crate::driver::error::Outcome { $body })
        }
    )*};
}
pub(crate) use api;

/// Runs `body`, shows its arguments where calls are traced, turns its answer into a `CUresult` and keeps a panic from crossing the C boundary.
pub fn guard(
    name: &'static str,
    arguments: Option<Vec<String>>,
    body: impl FnOnce() -> Outcome,
) -> u32 {
    let mut body = Some(body);
    guarded(name, arguments, &mut || match body.take() {
        Some(body) => body(),
        None => Ok(()),
    })
}

/// As `guard`: one copy for all functions.
fn guarded(
    name: &'static str,
    arguments: Option<Vec<String>>,
    body: &mut dyn FnMut() -> Outcome,
) -> u32 {
    let code = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => error.0,
        Err(_) => {
            say(format_args!(
                "a bug of the emulator: {name} panicked (message above)"
            ));
            Error::UNKNOWN.0
        }
    };
    if let Some(arguments) = arguments {
        let list = arguments.join(", ");
        say(format_args!("{name}({list}) -> {code}"));
    }
    code
}

/// Writes a message to stderr in one piece, so that threads do not mix theirs.
pub fn say(message: impl Display) {
    let _ = std::io::stderr().write_all(format!("cuda-emulator: {message}\n").as_bytes());
}

/// Where a result goes. Null answers `CUDA_ERROR_INVALID_VALUE`.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// Refuses null; call it before any effect that would have to be undone.
    pub fn check(self) -> Outcome {
        if self.0.is_null() {
            Err(Error::INVALID_VALUE)
        } else {
            Ok(())
        }
    }

    /// Refuses null, and what does not lie at a multiple of `bytes`.
    pub fn aligned(self, bytes: usize) -> Outcome {
        self.check()?;
        if self.0.addr().is_multiple_of(bytes) {
            Ok(())
        } else {
            Err(Error::INVALID_VALUE)
        }
    }

    pub fn set(self, value: T) -> Outcome {
        self.check()?;
        // SAFETY: checked above to be non-null; the API's contract is that it has room for one T.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// For results that the caller may decline by passing null.
    pub fn set_if_wanted(self, value: T) {
        let _ = self.set(value);
    }

    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The value that is there now, for parameters that go both ways.
    pub fn get(self) -> Outcome<T>
    where
        T: Copy,
    {
        In(self.0.cast_const()).get()
    }

    /// Writes as many of `values` as the caller has room for.
    pub fn fill(self, values: impl IntoIterator<Item = T>, room: usize) -> Outcome {
        if room > 0 {
            self.check()?;
        }
        for (i, value) in values.into_iter().take(room).enumerate() {
            // SAFETY: non-null, and i < room, the number of elements that the caller says there are.
            unsafe { self.0.add(i).write_unaligned(value) };
        }
        Ok(())
    }

    pub fn cast<U>(self) -> Out<U> {
        Out(self.0.cast())
    }

    pub const fn from_raw(pointer: *mut T) -> Self {
        Out(pointer)
    }
}

impl Out<c_char> {
    /// Copies `text` with its NUL, cut to `room` bytes.
    pub fn set_text(self, text: &str, room: usize) -> Outcome {
        self.check()?;
        if room == 0 {
            return Err(Error::INVALID_VALUE);
        }
        let kept = &text.as_bytes()[..text.len().min(room - 1)];
        self.fill(kept.iter().map(|&b| b as c_char).chain([0]), room)
    }
}

/// A value, or the first of several, that the caller hands in by pointer.
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for In<T> {}

impl<T: Copy> In<T> {
    pub fn get(self) -> Outcome<T> {
        self.list(1).map(|list| list[0])
    }

    pub fn list(self, count: usize) -> Outcome<Vec<T>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if self.0.is_null() || count > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: non-null; the API's contract is that `count` elements lie there.
        Ok((0..count)
            .map(|i| unsafe { self.0.add(i).read_unaligned() })
            .collect())
    }

    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    pub const fn from_raw(pointer: *const T) -> Self {
        In(pointer)
    }
}

impl In<u8> {
    /// The bytes up to and without the first NUL.
    pub fn until_nul(self) -> Outcome<Vec<u8>> {
        if self.0.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        // SAFETY: non-null; the API's contract is that the text ends in NUL.
        Ok(unsafe { CStr::from_ptr(self.0.cast()) }.to_bytes().to_vec())
    }

    /// Whether the bytes start with `prefix`. Reads no further than the first byte that differs.
    pub fn starts_with(self, prefix: &[u8]) -> bool {
        // SAFETY: non-null, and a byte is read only after all before it matched a prefix without NUL, so that
        // NUL-terminated text is never read past its end.
        !self.0.is_null()
            && prefix
                .iter()
                .enumerate()
                .all(|(i, &b)| unsafe { *self.0.add(i) } == b)
    }
}

/// NUL-terminated text from the caller.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text(*const c_char);

impl Text {
    /// Null is no text.
    pub fn if_any(self) -> Outcome<Option<String>> {
        if self.0.is_null() {
            Ok(None)
        } else {
            self.get().map(Some)
        }
    }

    pub fn get(self) -> Outcome<String> {
        let bytes = In(self.0.cast::<u8>()).until_nul()?;
        String::from_utf8(bytes).map_err(|_| Error::INVALID_VALUE)
    }
}

/// A function of the caller's with its argument (`CUhostFn`).
#[derive(Clone, Copy)]
pub struct HostCall {
    pub function: Option<extern "C" fn(usize)>,
    pub argument: usize,
}

impl HostCall {
    pub fn check(self) -> Outcome<Self> {
        self.function.map(|_| self).ok_or(Error::INVALID_VALUE)
    }
}

impl<T> Shown for In<T> {
    fn shown(&self) -> String {
        pointer(self.0.addr())
    }
}

impl<T> Shown for Out<T> {
    fn shown(&self) -> String {
        pointer(self.0.addr())
    }
}

impl Shown for Text {
    fn shown(&self) -> String {
        match self.if_any() {
            Ok(Some(text)) => text.shown(),
            Ok(None) => pointer(0),
            Err(_) => "no text".to_owned(),
        }
    }
}

impl Shown for HostCall {
    fn shown(&self) -> String {
        let function = self.function.map_or(0, |f| f as usize);
        format!("{}({})", pointer(function), pointer(self.argument))
    }
}
