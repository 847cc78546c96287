//! Collectives, sends and receives.

use crate::call::{Call, Kind};
use crate::comm::{self, Comm, lock};
use crate::driver::Handle;
use crate::entry::{Outcome, api, invalid};
use crate::group;
use crate::job::Job;
use crate::types::{DataType, Op};

/// The first number of an operator that a program has made.
pub const OWN_OPS: u32 = 5;

fn dtype(code: u32) -> Outcome<DataType> {
    DataType::from_code(code).map_or_else(|| invalid(format!("there is no type {code}")), Ok)
}

fn op(comm: &Comm, code: u32) -> Outcome<Op> {
    let made = || {
        let at = code.checked_sub(OWN_OPS)? as usize;
        lock(&comm.ops).get(at).copied().flatten()
    };
    Op::from_code(code).or_else(made).map_or_else(
        || invalid(format!("there is no operator {code} on rank {}", comm.rank)),
        Ok,
    )
}

struct Wanted {
    kind: Kind,
    buffers: (usize, usize),
    count: usize,
    dtype: u32,
    op: u32,
    root: i32,
}

fn call(wanted: &Wanted, comm: usize, stream: Handle) -> Outcome {
    let job = || {
        let comm = comm::find(comm)?;
        let call = Call::new(wanted.kind, wanted.count as u64, dtype(wanted.dtype)?)
            .op(op(&comm, wanted.op)?)
            .root(wanted.root);
        Job::new(comm, call, wanted.buffers, stream)
    };
    group::call(job())
}

api! {
    fn ncclAllReduce(send: usize, receive: usize, count: usize, dtype: u32, op: u32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::AllReduce, buffers: (send, receive), count, dtype, op, root: 0 }, comm, stream)
    }

    fn ncclReduce(send: usize, receive: usize, count: usize, dtype: u32, op: u32, root: i32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::Reduce, buffers: (send, receive), count, dtype, op, root }, comm, stream)
    }

    fn ncclBroadcast(send: usize, receive: usize, count: usize, dtype: u32, root: i32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::Broadcast, buffers: (send, receive), count, dtype, op: 0, root }, comm, stream)
    }

    fn ncclBcast(buffer: usize, count: usize, dtype: u32, root: i32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::Broadcast, buffers: (buffer, buffer), count, dtype, op: 0, root }, comm, stream)
    }

    fn ncclAllGather(send: usize, receive: usize, count: usize, dtype: u32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::AllGather, buffers: (send, receive), count, dtype, op: 0, root: 0 }, comm, stream)
    }

    fn ncclReduceScatter(send: usize, receive: usize, count: usize, dtype: u32, op: u32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::ReduceScatter, buffers: (send, receive), count, dtype, op, root: 0 }, comm, stream)
    }

    fn ncclSend(send: usize, count: usize, dtype: u32, peer: i32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::Send, buffers: (send, 0), count, dtype, op: 0, root: peer }, comm, stream)
    }

    fn ncclRecv(receive: usize, count: usize, dtype: u32, peer: i32, comm: usize, stream: Handle) {
        call(&Wanted { kind: Kind::Recv, buffers: (0, receive), count, dtype, op: 0, root: peer }, comm, stream)
    }
}
