//! Ranks that have come, before all are there.

use crate::types::Failure;
use crate::wire::Member;
use std::time::{Duration, Instant};

/// Before all ranks are there.
#[derive(Default)]
pub struct Lobby {
    /// How many there are to be.
    pub ranks: u32,
    /// Who has come, on which connection.
    pub come: Vec<(Member, usize)>,
    /// Since the first came.
    pub since: Option<Instant>,
    /// Why they never will be complete.
    pub failure: Option<Failure>,
}

impl Lobby {
    /// Why `member` cannot be one of those who have come.
    pub fn refusal(&self, ranks: u32, member: Member) -> Option<String> {
        let first = self.come.first().map_or(member, |come| come.0);
        if ranks != self.ranks {
            let text = format!(
                "{first} says there are {} ranks, {member} says {ranks}",
                self.ranks
            );
            return Some(text);
        }
        let others = || self.come.iter().map(|come| come.0);
        if let Some(other) = others().find(|other| other.rank == member.rank) {
            return Some(format!("{other} and {member} come as the same rank"));
        }
        let other = others().find(|other| other.device == member.device)?;
        Some(format!("{other} and {member} have the same device"))
    }

    /// Who is missing after `limit`.
    pub fn absence(&self, limit: Duration) -> String {
        let come: Vec<u32> = self.come.iter().map(|come| come.0.rank).collect();
        let missing = (0..self.ranks).filter(|rank| !come.contains(rank));
        let missing: Vec<String> = missing.map(|rank| rank.to_string()).collect();
        let first = self
            .come
            .first()
            .map_or(String::new(), |come| come.0.to_string());
        format!(
            "{first} initialises a communicator of {} ranks; in {limit:.0?} there came no rank {}",
            self.ranks,
            missing.join(", ")
        )
    }
}
