//! The one error type: every message names the operation, what it expected and what it got.

use std::path::Path;

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;

/// `Result` with warpsmith's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, with what was expected and what came instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shape, length or rank that the operation cannot take.
    #[error("{op}: expected {expected}, got {got}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// What it takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// An argument outside its range.
    #[error("{op}: expected {expected}, got {got}")]
    Argument {
        /// The operation.
        op: &'static str,
        /// What it takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// Tensors that live on different devices.
    #[error("{op}: expected all tensors on one device, got {}", devices.join(" and "))]
    Device {
        /// The operation.
        op: &'static str,
        /// The devices, each once, in the order of the arguments; with their streams where these alone differ.
        devices: Vec<String>,
    },
    /// A size past what the kernel or the grid can index.
    #[error("{op}: expected {what} of at most {limit}, got {value}")]
    TooLarge {
        /// The operation.
        op: &'static str,
        /// Which size.
        what: &'static str,
        /// The largest that fits.
        limit: usize,
        /// What came.
        value: usize,
    },
    /// A label outside the classes.
    #[error("{op}: expected class labels in 0..{classes}, got {label} in row {row}")]
    Label {
        /// The operation.
        op: &'static str,
        /// How many classes there are.
        classes: usize,
        /// The label.
        label: i64,
        /// The row it stands in.
        row: usize,
    },
    /// An index outside its dimension.
    #[error("{op}: expected indices in 0..{size} along dimension {dim}, got {index}")]
    Index {
        /// The operation.
        op: &'static str,
        /// The dimension that it is an index of.
        dim: usize,
        /// The dimension's size.
        size: usize,
        /// The index; where several are outside, one of them.
        index: i64,
    },
    /// A file that is missing or does not hold what it should.
    #[error("{}: expected {expected}, got {got}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What it should be.
        expected: String,
        /// What came.
        got: String,
    },
    /// The crate was built without kernels.
    #[error("no CUDA kernels in this build: {0}")]
    NoKernels(&'static str),
    /// There is no CUDA driver, it does not start, or it is older than every call that is made needs.
    #[error("no CUDA driver: {0}")]
    NoDriver(String),
    /// The device is older than the oldest architecture that kernels are built for.
    #[error("{device}: expected compute capability 7.5 or newer, got {major}.{minor}")]
    Unsupported {
        /// The device's name.
        device: String,
        /// Major compute capability.
        major: i32,
        /// Minor compute capability.
        minor: i32,
    },
    /// A kernel that is not compiled for this device's architecture.
    #[error(
        "{op}: kernel {kernel} needs a newer architecture than {architecture}, which this device runs"
    )]
    KernelUnavailable {
        /// The operation.
        op: &'static str,
        /// The entry point.
        kernel: String,
        /// The newest embedded architecture that the device runs.
        architecture: &'static str,
    },
    /// The driver is older than the PTX.
    #[error(
        "{op}: expected a driver that takes PTX ISA {ptx} (R525 or newer for 8.0), got one for CUDA {driver}"
    )]
    PtxTooNew {
        /// The module that was loaded.
        op: &'static str,
        /// The `.version` of the PTX.
        ptx: String,
        /// The CUDA version that the driver supports.
        driver: String,
    },
    /// Work that cannot be part of a captured graph.
    #[error("{op}: not possible while a graph is captured: {reason}")]
    Capture {
        /// The operation.
        op: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// There is no NCCL, or one that lacks what is called.
    #[error("no NCCL: {0}")]
    NoNccl(String),
    /// What ranks do together failed: a call, or their meeting.
    #[error("{op}: rank {rank} of {world_size}: {reason}")]
    Distributed {
        /// The call.
        op: &'static str,
        /// Whose call it was.
        rank: usize,
        /// How many ranks there are.
        world_size: usize,
        /// What went wrong, and on which rank where that is known.
        reason: String,
    },
    /// Device memory ran out.
    #[error("{device} is out of memory: expected room for {bytes} bytes")]
    OutOfMemory {
        /// The device.
        device: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// The driver answered with an error.
    #[error("{op}: the CUDA driver answered {code:?} ({text})")]
    Driver {
        /// What was being done.
        op: &'static str,
        /// The driver's code.
        code: CUresult,
        /// The driver's text for the code.
        text: String,
    },
}

impl Error {
    pub(crate) fn shape(
        op: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        let (expected, got) = (expected.into(), got.into());
        Self::Shape { op, expected, got }
    }

    /// What ranks do together went wrong.
    pub(crate) fn distributed(
        op: &'static str,
        [rank, world_size]: [usize; 2],
        reason: impl Into<String>,
    ) -> Self {
        Self::Distributed {
            op,
            rank,
            world_size,
            reason: reason.into(),
        }
    }

    pub(crate) fn argument(
        op: &'static str,
        expected: impl Into<String>,
        got: impl ToString,
    ) -> Self {
        let (expected, got) = (expected.into(), got.to_string());
        Self::Argument { op, expected, got }
    }

    pub(crate) fn file(path: &Path, expected: impl Into<String>, got: impl ToString) -> Self {
        let (path, expected, got) = (path.into(), expected.into(), got.to_string());
        Self::File {
            path,
            expected,
            got,
        }
    }

    pub(crate) fn driver(op: &'static str, error: DriverError) -> Self {
        let text = error
            .error_string()
            .map(|s| s.to_string_lossy().into_owned());
        let text = text.unwrap_or_else(|_| "no text".into());
        Self::Driver {
            op,
            code: error.0,
            text,
        }
    }
}

/// A size as the `i32` that a kernel indexes with.
pub(crate) fn to_i32(op: &'static str, what: &'static str, value: usize) -> Result<i32> {
    let limit = i32::MAX as usize;
    i32::try_from(value).map_err(|_| Error::TooLarge {
        op,
        what,
        limit,
        value,
    })
}

/// The product of a shape, or an error where it overflows.
pub(crate) fn numel(op: &'static str, shape: &[usize]) -> Result<usize> {
    // a slice of more than isize::MAX bytes cannot exist, whatever its element
    let limit = isize::MAX as usize / 8;
    let product = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    product.filter(|&n| n <= limit).ok_or_else(|| {
        Error::shape(
            op,
            format!("a shape of at most {limit} elements"),
            format!("{shape:?}"),
        )
    })
}
