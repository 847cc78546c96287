//! What a caller says to load and to launch.

use super::order::Order;
use crate::check::Checks;
use std::fmt;

/// A device generation, such as 9.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComputeCapability {
    /// 9 of 9.0.
    pub major: u32,
    /// 0 of 9.0.
    pub minor: u32,
}

/// Why a module was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadErrorKind {
    /// The text is not PTX (CUDA_ERROR_INVALID_PTX).
    Syntax,
    /// A legal instruction or form that is not emulated (CUDA_ERROR_INVALID_PTX).
    Unsupported,
    /// The text is of a newer version than the driver takes (CUDA_ERROR_UNSUPPORTED_PTX_VERSION).
    TooNew,
    /// The module is for another device (CUDA_ERROR_NO_BINARY_FOR_GPU).
    WrongTarget,
    /// A name that nothing defines.
    Unresolved,
    /// Device memory ran out.
    OutOfMemory,
}

/// Why and where a module was refused.
#[derive(Clone, Debug)]
pub struct LoadError {
    /// Line of the PTX, from 1.
    pub line: u32,
    /// What kind of error.
    pub kind: LoadErrorKind,
    /// What is wrong, with the opcode where there is one.
    pub message: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PTX line {}: {}", self.line, self.message)
    }
}

/// One kernel parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Byte offset in the parameter block.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
}

/// The shape of a launch.
#[derive(Clone, Copy, Debug)]
pub struct LaunchConfig {
    /// Blocks in x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block in x, y, z.
    pub block: [u32; 3],
    /// Bytes of shared memory beyond the static.
    pub dynamic_shared: u32,
    /// Blocks of a cluster in x, y, z; the kernel's own if `None`.
    pub cluster: Option<[u32; 3]>,
    /// Whether all blocks must make progress together.
    pub cooperative: bool,
}

/// How to execute.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What to check.
    pub checks: Checks,
    /// An access that is wrong is reported and left out, a block that cannot go on is ended, and the launch goes on;
    /// else it ends.
    pub goes_on: bool,
    /// Seconds in which nothing changes after which a spinning kernel is called deadlocked, if that is checked.
    pub patience: u32,
    /// Seconds after which a kernel is ended, as a display's watchdog does; none is the default.
    pub time_limit: Option<u32>,
    /// Another order of blocks and warps than from the first to the last.
    pub order: Option<Order>,
    /// Matrix products are summed from the last term on, each sum truncated, instead of from the first, rounded.
    pub sums_backward: bool,
    /// Clusters of a launch that run at most, spread over its grid, and what they did is counted for all. What a program
    /// computes is then wrong.
    pub sample: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            checks: Checks::ALL,
            goes_on: false,
            patience: 30,
            time_limit: None,
            order: None,
            sums_backward: false,
            sample: None,
        }
    }
}
