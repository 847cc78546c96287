//! Driver calls that a capture's stricter modes keep from a thread: loading code, and memory that is not a stream's.
//!
//! Such a call is refused while a program captures with cudarc, and spoils the capture. What this crate does so does no harm to
//! one, since it has nothing to do with any stream's work.

use cudarc::driver::DriverError;
use cudarc::driver::sys::{CUstreamCaptureMode, cuThreadExchangeStreamCaptureMode};

/// The mode that the thread goes back to.
struct Before(CUstreamCaptureMode);

/// Sets the thread's mode and answers the one before.
fn exchange(mut mode: CUstreamCaptureMode) -> Result<CUstreamCaptureMode, DriverError> {
    // SAFETY: the driver is loaded (its callers have a context), and reads and writes one mode through the pointer.
    unsafe { cuThreadExchangeStreamCaptureMode(&mut mode) }.result()?;
    Ok(mode)
}

impl Drop for Before {
    fn drop(&mut self) {
        // the driver refuses no mode that it gave
        let _ = exchange(self.0);
    }
}

/// Runs `call` with this thread's mode relaxed. However it ends, the mode is afterwards what it was.
pub(super) fn relaxed<R>(call: impl FnOnce() -> Result<R, DriverError>) -> Result<R, DriverError> {
    let _before = Before(exchange(
        CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED,
    )?);
    call()
}
