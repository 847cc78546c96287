//! What one rank asks of a communicator.

use crate::types::{DataType, Op};
use std::fmt;

/// Which function was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of nccl.h")]
pub enum Kind {
    AllReduce,
    Reduce,
    Broadcast,
    AllGather,
    ReduceScatter,
    Send,
    Recv,
    CommSplit,
}

impl Kind {
    /// All of them, by the number that goes over the wire.
    pub const ALL: [Self; 8] = [
        Self::AllReduce,
        Self::Reduce,
        Self::Broadcast,
        Self::AllGather,
        Self::ReduceScatter,
        Self::Send,
        Self::Recv,
        Self::CommSplit,
    ];
}

/// A call with its arguments, but for the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub kind: Kind,
    /// Elements, as NCCL counts them for this function.
    pub count: u64,
    /// Their type.
    pub dtype: DataType,
    /// The operator, where `kind` has one; else `Sum`.
    pub op: Op,
    /// Root, peer, or colour; else 0.
    pub root: i32,
    /// The key of a split; else 0.
    pub key: i32,
}

impl Call {
    /// A call without operator and root.
    pub fn new(kind: Kind, count: u64, dtype: DataType) -> Self {
        Self {
            kind,
            count,
            dtype,
            op: Op::Sum,
            root: 0,
            key: 0,
        }
    }

    /// The same with an operator.
    pub fn op(self, op: Op) -> Self {
        Self { op, ..self }
    }

    /// The same with a root or a peer.
    pub fn root(self, root: i32) -> Self {
        Self { root, ..self }
    }

    fn bytes(&self, copies: usize) -> Option<usize> {
        usize::try_from(self.count)
            .ok()?
            .checked_mul(self.dtype.size())?
            .checked_mul(copies)
            .filter(|&bytes| bytes <= isize::MAX as usize)
    }

    /// Bytes that `rank` of `ranks` gives; none where they are more than there can be.
    pub fn sent(&self, rank: usize, ranks: usize) -> Option<usize> {
        match self.kind {
            Kind::ReduceScatter => self.bytes(ranks),
            Kind::Broadcast if !self.is_root(rank) => Some(0),
            Kind::Recv | Kind::CommSplit => Some(0),
            _ => self.bytes(1),
        }
    }

    /// Bytes that `rank` of `ranks` gets; none where they are more than there can be.
    pub fn received(&self, rank: usize, ranks: usize) -> Option<usize> {
        match self.kind {
            Kind::AllGather => self.bytes(ranks),
            Kind::Reduce if !self.is_root(rank) => Some(0),
            Kind::Send | Kind::CommSplit => Some(0),
            _ => self.bytes(1),
        }
    }

    /// Whether `rank` is the root.
    pub fn is_root(&self, rank: usize) -> bool {
        usize::try_from(self.root) == Ok(rank)
    }

    /// Whether it is a send or a receive, which match by pair; the others are collective.
    pub fn is_pair(&self) -> bool {
        matches!(self.kind, Kind::Send | Kind::Recv)
    }

    /// Whether ranks may call these two in one collective.
    pub fn matches(&self, other: &Self) -> bool {
        let is_split = self.kind == Kind::CommSplit;
        self.kind == other.kind
            && self.count == other.count
            && self.dtype == other.dtype
            && self.op.matches(other.op)
            && (is_split || self.root == other.root)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            kind,
            count,
            dtype,
            op,
            root,
            key,
        } = self;
        if *kind == Kind::CommSplit {
            return write!(f, "ncclCommSplit(color {root}, key {key})");
        }
        write!(f, "nccl{kind:?}(count {count}, nccl{dtype:?}")?;
        if matches!(kind, Kind::AllReduce | Kind::Reduce | Kind::ReduceScatter) {
            write!(f, ", {}", op.name())?;
        }
        match kind {
            Kind::Reduce | Kind::Broadcast => write!(f, ", root {root}")?,
            Kind::Send | Kind::Recv => write!(f, ", peer {root}")?,
            _ => {}
        }
        f.write_str(")")
    }
}
