//! One communicator's calls, matched: the n-th collective of each rank is one round, sends and receives go by pair.

use crate::call::{Call, Kind};
use crate::round::{Arrival, Event, finish};
use crate::types::{Code, Failure};
use crate::wire::Member;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

type Round = Vec<Option<Arrival>>;

#[derive(Debug, Default)]
struct Pair {
    sends: VecDeque<Arrival>,
    receives: VecDeque<Arrival>,
}

/// The state of one communicator.
#[derive(Debug)]
pub struct Matching {
    members: Vec<Member>,
    rounds: VecDeque<Round>,
    /// Rounds that are done, and for each rank the round of its next collective.
    done: usize,
    next: Vec<usize>,
    pairs: BTreeMap<(usize, usize), Pair>,
    /// Who has ended, and how.
    gone: Vec<Option<&'static str>>,
    /// The thread of each rank's last call, at first of its communicator.
    threads: Vec<u64>,
    failure: Option<Failure>,
    order: Option<u64>,
}

impl Matching {
    /// A communicator of `members`, in the order of their ranks.
    pub fn new(members: Vec<Member>, order: Option<u64>) -> Self {
        let n = members.len();
        let threads = members.iter().map(|member| member.thread).collect();
        Self {
            members,
            rounds: VecDeque::new(),
            done: 0,
            next: vec![0; n],
            pairs: BTreeMap::new(),
            gone: vec![None; n],
            threads,
            failure: None,
            order,
        }
    }

    /// Its members, in the order of their ranks.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether `rank` has ended.
    pub fn is_gone(&self, rank: usize) -> bool {
        self.gone[rank].is_some()
    }

    /// A call of `rank` comes.
    pub fn arrive(&mut self, rank: usize, arrival: Arrival) -> Vec<Event> {
        if let Some(failure) = &self.failure {
            return vec![Event::Failed(failure.clone())];
        }
        self.threads[rank] = arrival.thread;
        if arrival.call.sent(rank, self.members.len()) != Some(arrival.data.len())
            && arrival.call.kind != Kind::CommSplit
        {
            let text = format!(
                "{} gave another length than its call says",
                self.members[rank]
            );
            return self.fail(Code::InternalError, text);
        }
        let outcome = if arrival.call.is_pair() {
            self.pair(rank, arrival)
        } else {
            self.collective(rank, arrival)
        };
        outcome.unwrap_or_else(|(code, text)| self.fail(code, text))
    }

    fn fail(&mut self, code: Code, text: String) -> Vec<Event> {
        if self.failure.is_some() {
            return vec![];
        }
        let failure = Failure::new(code, text);
        self.failure = Some(failure.clone());
        self.rounds.clear();
        self.pairs.clear();
        vec![Event::Failed(failure)]
    }

    fn says(&self, rank: usize, call: &Call) -> String {
        format!("{} calls {call}", self.members[rank])
    }

    fn collective(&mut self, rank: usize, new: Arrival) -> Result<Vec<Event>, (Code, String)> {
        let n = self.members.len();
        let at = self.next[rank] - self.done;
        while self.rounds.len() <= at {
            self.rounds.push_back(vec![None; n]);
        }
        let others = self.rounds[at].iter().enumerate();
        let other = others.flat_map(|(k, other)| Some((k, other.as_ref()?)));
        if let Some((k, other)) = other.into_iter().find(|(_, o)| !o.call.matches(&new.call)) {
            let text = format!(
                "two ranks call different collectives, each its number {} on this communicator: {}, {}",
                self.next[rank] + 1,
                self.says(k, &other.call),
                self.says(rank, &new.call)
            );
            return Err((Code::InvalidUsage, text));
        }
        let (is_first, call) = (self.rounds[at].iter().all(Option::is_none), new.call);
        self.next[rank] += 1;
        self.rounds[at][rank] = Some(new);
        if let Some(k) = (0..n).find(|&k| self.rounds[at][k].is_none() && self.is_gone(k)) {
            return Err(self.waits_for_gone(rank, &call, k));
        }
        let mut events = vec![];
        if is_first {
            let missing = (0..n).filter(|&k| k != rank);
            events.extend(missing.map(|rank| Event::Wanted { rank }));
        }
        // A rank's calls come in order, so no later round is full before the first.
        if self.rounds[0].iter().all(Option::is_some) {
            let round = self.rounds.pop_front().into_iter().flatten();
            self.done += 1;
            return Ok(finish(round.flatten().collect(), self.order));
        }
        Ok(events)
    }

    fn waits_for_gone(&self, rank: usize, call: &Call, gone: usize) -> (Code, String) {
        let how = self.gone[gone].unwrap_or("gone");
        let text = format!(
            "{}, and {} {how}",
            self.says(rank, call),
            self.members[gone]
        );
        (Code::RemoteError, text)
    }

    fn pair(&mut self, rank: usize, new: Arrival) -> Result<Vec<Event>, (Code, String)> {
        let call = new.call;
        let peer = usize::try_from(call.root).unwrap_or(usize::MAX);
        if peer >= self.members.len() {
            let text = format!("{}: no such peer", self.says(rank, &call));
            return Err((Code::InvalidArgument, text));
        }
        let sends = call.kind == Kind::Send;
        let key = if sends { (rank, peer) } else { (peer, rank) };
        let pair = self.pairs.entry(key).or_default();
        let (own, others) = if sends {
            (&mut pair.sends, &mut pair.receives)
        } else {
            (&mut pair.receives, &mut pair.sends)
        };
        let Some(other) = others.pop_front() else {
            own.push_back(new);
            if self.is_gone(peer) {
                return Err(self.waits_for_gone(rank, &call, peer));
            }
            return Ok(vec![Event::Wanted { rank: peer }]);
        };
        if (other.call.count, other.call.dtype) != (call.count, call.dtype) {
            let text = format!(
                "a send and a receive do not match: {}, {}",
                self.says(peer, &other.call),
                self.says(rank, &call)
            );
            return Err((Code::InvalidUsage, text));
        }
        let (send, receive) = if sends { (new, other) } else { (other, new) };
        let done = |rank, ticket, data| Event::Done { rank, ticket, data };
        Ok(vec![
            done(key.0, send.ticket, vec![]),
            done(key.1, receive.ticket, send.data),
        ])
    }

    /// `rank` has ended, `how`; where `is_fault`, nothing that was begun ends well, else only what needs it.
    pub fn leave(&mut self, rank: usize, how: &'static str, is_fault: bool) -> Vec<Event> {
        if self.is_gone(rank) {
            return vec![];
        }
        self.gone[rank] = Some(how);
        if let Some((k, call)) = self.waiting_for(rank) {
            let (code, text) = self.waits_for_gone(k, &call, rank);
            return self.fail(code, text);
        }
        if is_fault {
            let text = format!("{} {how}", self.members[rank]);
            return self.fail(Code::RemoteError, text);
        }
        vec![]
    }

    /// Somebody whose call cannot end without `rank`.
    fn waiting_for(&self, rank: usize) -> Option<(usize, Call)> {
        let rounds = self.rounds.iter().filter(|round| round[rank].is_none());
        let mut come = rounds.flat_map(|round| round.iter().enumerate());
        if let Some((k, call)) = come.find_map(|(k, a)| Some((k, a.as_ref()?.call))) {
            return Some((k, call));
        }
        self.pairs.iter().find_map(|(&(from, to), pair)| {
            let (own, k) = match rank {
                _ if rank == from => (&pair.receives, to),
                _ if rank == to => (&pair.sends, from),
                _ => return None,
            };
            own.front().map(|a| (k, a.call))
        })
    }

    /// Fails where a call has waited for longer than `limit`, and says for whom.
    pub fn overdue(&mut self, now: Instant, limit: Duration) -> Vec<Event> {
        let is_late = |arrival: &Arrival| now.saturating_duration_since(arrival.at) > limit;
        let mut told = vec![];
        let mut missing = vec![];
        if let Some(round) = self.rounds.front()
            && round.iter().flatten().any(is_late)
        {
            for (k, arrival) in round.iter().enumerate() {
                match arrival {
                    Some(arrival) => told.push((k, arrival)),
                    None => missing.push(k),
                }
            }
        }
        for (&(from, to), pair) in &self.pairs {
            let sends = pair.sends.iter().map(|a| (from, to, a));
            let receives = pair.receives.iter().map(|a| (to, from, a));
            for (k, peer, arrival) in sends.chain(receives).filter(|(.., a)| is_late(a)) {
                told.push((k, arrival));
                missing.push(peer);
            }
        }
        if told.is_empty() {
            return vec![];
        }
        missing.sort_unstable();
        missing.dedup();
        let mut text = format!("for {:.0?} nothing has come to ", limit);
        let waiting = told.iter().map(|(k, a)| self.says(*k, &a.call));
        text += &waiting.collect::<Vec<_>>().join(", ");
        for &k in &missing {
            text += &format!("; {} has not made its call", self.members[k]);
        }
        let one_thread = told.iter().find_map(|&(k, arrival)| {
            let same = |&&m: &&usize| {
                self.members[m].pid == self.members[k].pid && self.threads[m] == arrival.thread
            };
            missing.iter().find(same).map(|&m| (k, m))
        });
        if let Some((k, m)) = one_thread {
            text += &format!(
                "; one thread calls for rank {} and rank {}: between ncclGroupStart and ncclGroupEnd it would not wait for itself",
                self.members[k].rank, self.members[m].rank
            );
        }
        self.fail(Code::RemoteError, text)
    }
}
