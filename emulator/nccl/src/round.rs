//! What comes of a collective that every rank has called.

use crate::arithmetic::reduce;
use crate::call::{Call, Kind};
use crate::types::{Failure, Op};
use std::collections::BTreeMap;
use std::time::Instant;

/// A call that has come.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What names it to its rank.
    pub ticket: u64,
    /// The thread that called.
    pub thread: u64,
    /// The call.
    pub call: Call,
    /// What it gives.
    pub data: Vec<u8>,
    /// When it came.
    pub at: Instant,
}

/// What is to be told, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named")]
pub enum Event {
    /// A call of `rank` has its result.
    Done {
        rank: usize,
        ticket: u64,
        data: Vec<u8>,
    },
    /// `rank` is waited for.
    Wanted { rank: usize },
    /// A split: the old ranks of each new communicator, in its order, with their tickets.
    Split(Vec<Vec<(usize, u64)>>, Vec<(usize, u64)>),
    /// All of the communicator has failed.
    Failed(Failure),
}

/// All ranks have come to one collective.
pub fn finish(round: Vec<Arrival>, order: Option<u64>) -> Vec<Event> {
    let n = round.len();
    let Call {
        kind, dtype, root, ..
    } = round[0].call;
    let parts: Vec<(Op, &[u8])> = round.iter().map(|a| (a.call.op, &*a.data)).collect();
    let result = match kind {
        Kind::AllReduce | Kind::Reduce | Kind::ReduceScatter => reduce(dtype, &parts, order),
        Kind::AllGather => parts.iter().flat_map(|part| part.1).copied().collect(),
        Kind::Broadcast => usize::try_from(root)
            .ok()
            .and_then(|root| parts.get(root))
            .map_or(vec![], |part| part.1.to_vec()),
        Kind::CommSplit => return vec![split(&round)],
        Kind::Send | Kind::Recv => vec![],
    };
    let own = |rank: usize| match kind {
        Kind::ReduceScatter => {
            let length = result.len() / n;
            result[rank * length..(rank + 1) * length].to_vec()
        }
        Kind::Reduce if !round[rank].call.is_root(rank) => vec![],
        _ => result.clone(),
    };
    let done = round.iter().enumerate().map(|(rank, arrival)| Event::Done {
        rank,
        ticket: arrival.ticket,
        data: own(rank),
    });
    done.collect()
}

fn split(round: &[Arrival]) -> Event {
    let mut colours: BTreeMap<i32, Vec<(i32, usize, u64)>> = BTreeMap::new();
    let mut left_out = vec![];
    for (rank, arrival) in round.iter().enumerate() {
        if arrival.call.root < 0 {
            left_out.push((rank, arrival.ticket));
        } else {
            let group = colours.entry(arrival.call.root).or_default();
            group.push((arrival.call.key, rank, arrival.ticket));
        }
    }
    let groups = colours.into_values().map(|mut group| {
        group.sort_unstable();
        group
            .iter()
            .map(|&(_, rank, ticket)| (rank, ticket))
            .collect()
    });
    Event::Split(groups.collect(), left_out)
}
