//! Calls back into the host program: `cuLaunchHostFunc`, `cuStreamAddCallback`, host nodes of graphs.

use super::entry::HostCall;
use super::error::{Error, Outcome};
use std::cell::Cell;

/// What lives as long as a host function may be called: it is released when no stream, graph or instance has the call any
/// more. (Programs have user objects for this, which are not emulated; the emulator's own libraries have it by the call.)
pub struct Kept(pub HostCall);

impl Drop for Kept {
    fn drop(&mut self) {
        call(self.0);
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A host function must not call the driver; the driver says so rather than deadlock.
pub fn refuse_inside_callback() -> Outcome {
    if INSIDE.get() {
        Err(Error::NOT_PERMITTED)
    } else {
        Ok(())
    }
}

/// Runs a host function on the calling thread.
pub fn call(host: HostCall) {
    inside(|| {
        if let Some(function) = host.function {
            function(host.argument);
        }
    });
}

/// Runs `body` as a host function.
pub fn inside(body: impl FnOnce()) {
    /// Resets the flag even where the host function unwinds.
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _reset = Reset(INSIDE.replace(true));
    body();
}
