//! NCCL's element types, operators and results.

/// The types of NCCL 2.22, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DataType {
    Int8,
    Uint8,
    Int32,
    Uint32,
    Int64,
    Uint64,
    Float16,
    Float32,
    Float64,
    Bfloat16,
}

impl DataType {
    /// All of them, by number.
    pub const ALL: [Self; 10] = [
        Self::Int8,
        Self::Uint8,
        Self::Int32,
        Self::Uint32,
        Self::Int64,
        Self::Uint64,
        Self::Float16,
        Self::Float32,
        Self::Float64,
        Self::Bfloat16,
    ];

    /// The type that `ncclDataType_t` has under this number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Int8 | Self::Uint8 => 1,
            Self::Float16 | Self::Bfloat16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float32 => 4,
            Self::Int64 | Self::Uint64 | Self::Float64 => 8,
        }
    }
}

/// A reduction operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `ncclSum`
    Sum,
    /// `ncclProd`
    Prod,
    /// `ncclMax`
    Max,
    /// `ncclMin`
    Min,
    /// `ncclAvg`: floats are multiplied by 1/n before they are added, sums of integers divided afterwards.
    Avg,
    /// Of `ncclRedOpCreatePreMulSum`: what this rank sends is multiplied by a scalar first. The scalar's bytes, zeros behind.
    PreMulSum([u8; 8]),
}

impl Op {
    /// The operator that `ncclRedOp_t` has under this number; those that a program makes have others.
    pub fn from_code(code: u32) -> Option<Self> {
        [Self::Sum, Self::Prod, Self::Max, Self::Min, Self::Avg]
            .get(code as usize)
            .copied()
    }

    /// Whether two ranks ask for the same: scalars are each rank's own.
    pub fn matches(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Its name in `nccl.h`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "ncclSum",
            Self::Prod => "ncclProd",
            Self::Max => "ncclMax",
            Self::Min => "ncclMin",
            Self::Avg => "ncclAvg",
            Self::PreMulSum(_) => "a PreMulSum",
        }
    }
}

/// What a call answers, other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "the names are those of ncclResult_t")]
pub enum Code {
    UnhandledCudaError = 1,
    SystemError = 2,
    InternalError = 3,
    InvalidArgument = 4,
    InvalidUsage = 5,
    RemoteError = 6,
    /// No failure: what was asked for goes on behind the call.
    InProgress = 7,
}

impl Code {
    /// The code with this number; another number is an internal error.
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::UnhandledCudaError,
            2 => Self::SystemError,
            4 => Self::InvalidArgument,
            5 => Self::InvalidUsage,
            6 => Self::RemoteError,
            7 => Self::InProgress,
            _ => Self::InternalError,
        }
    }
}

/// Why a call, or all of a communicator, failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the C function answers.
    pub code: Code,
    /// What is reported.
    pub text: String,
}

impl Failure {
    /// A failure with what is to be said of it.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}
