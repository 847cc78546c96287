//! What ranks can ask of each other, and NCCL's numbers for it.

use std::ffi::c_uint;
use std::fmt;

use crate::element::Element;

/// How values of the ranks become one (`torch.distributed.ReduceOp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ReduceOp {
    /// Their sum.
    Sum = 0,
    /// Their product.
    Prod = 1,
    /// The largest.
    Max = 2,
    /// The smallest.
    Min = 3,
    /// Their mean; of integers what is left of it without its fraction.
    Avg = 4,
}

/// What ranks do together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    AllReduce(ReduceOp),
    Reduce(ReduceOp, usize),
    Broadcast(usize),
    ReduceScatter(ReduceOp),
    AllGather,
    Send(usize),
    Recv(usize),
}

impl Call {
    /// PyTorch's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllReduce(_) => "all_reduce",
            Self::Reduce(..) => "reduce",
            Self::Broadcast(_) => "broadcast",
            Self::ReduceScatter(_) => "reduce_scatter",
            Self::AllGather => "all_gather",
            Self::Send(_) => "send",
            Self::Recv(_) => "recv",
        }
    }

    /// With whom, where that is one other rank.
    fn with(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Send(to) => Some(("to", to)),
            Self::Recv(from) => Some(("from", from)),
            _ => None,
        }
    }

    /// Whether every rank makes it.
    pub(super) fn is_of_all(self) -> bool {
        self.with().is_none()
    }

    /// How many elements are given and got where each rank's part is `count`.
    pub(super) fn lengths(self, count: usize, ranks: usize) -> Option<(usize, usize)> {
        let all = count.checked_mul(ranks)?;
        Some(match self {
            Self::AllReduce(_) | Self::Reduce(..) | Self::Broadcast(_) => (count, count),
            Self::ReduceScatter(_) => (all, count),
            Self::AllGather => (count, all),
            Self::Send(_) => (count, 0),
            Self::Recv(_) => (0, count),
        })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.with() {
            None => f.write_str(self.name()),
            Some((way, rank)) => write!(f, "{} {way} rank {rank}", self.name()),
        }
    }
}

/// The number of an element's type in `ncclDataType_t`.
pub(super) fn data_type<T: Element>() -> c_uint {
    match T::NAME {
        "i32" => 2,
        "i64" => 4,
        "f16" => 6,
        "f32" => 7,
        "bf16" => 9,
        // u8 and bool, which is a byte
        _ => 1,
    }
}
