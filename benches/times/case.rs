//! What a case is.

use warpsmith::{Device, Result};

/// One run of a case.
pub type Run = Box<dyn FnMut() -> Result<()>>;

/// Makes a set of buffers on a device, and the closure that runs the op on it.
pub type Make = Box<dyn Fn(&Device) -> Result<Run>>;

/// What bounds an op.
pub enum Work {
    /// Each input byte read once, each output byte written once.
    Bytes(f64),
    /// Two for each multiply-add.
    Flop(f64),
    /// Many kernels of either kind.
    Both,
}

/// One line of the report.
pub struct Case {
    pub op: &'static str,
    pub shape: Vec<usize>,
    pub dtype: &'static str,
    pub work: Work,
    /// Bytes of one set of buffers.
    pub footprint: usize,
    pub make: Make,
}
