//! Barriers between two completions: a block's, a cluster's, and `mbarrier` objects.

use crate::check::shared::Knowledge;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// One of a block's sixteen.
#[derive(Default)]
pub struct Barrier {
    /// Threads it needs; 0 for all of the block.
    pub expected: u32,
    /// Threads that wait.
    pub waiting: u32,
    /// Threads that arrived without waiting, and lanes without a thread in the warps that wait.
    pub extra: u32,
    pub warps: u32,
    /// Threads whose predicate held.
    pub votes: u32,
    pub arrived: Vec<Knowledge>,
}

impl Barrier {
    pub fn complete(&self, live: u32) -> bool {
        match self.expected {
            0 => self.waiting > 0 && self.waiting >= live,
            n => self.waiting > 0 && self.waiting + self.extra >= n,
        }
    }
}

/// What a block knows of the cluster's barrier.
#[derive(Default)]
pub struct ClusterBarrier {
    /// Of those that have arrived in this phase.
    pub arriving: Knowledge,
    /// Of those that arrived in the phase before.
    pub released: Knowledge,
}

/// Most arrivals of a phase, and most bytes that may be announced and not have come.
pub const MOST: u32 = (1 << 20) - 1;

/// An `mbarrier` object (PTX ISA, "mbarrier"). A phase is complete when as many arrivals as expected have come and as many
/// bytes as were announced. What lies in shared memory is opaque to programs, so the state is kept beside it.
#[derive(Clone)]
pub struct Mbarrier {
    /// Arrivals of each phase to come.
    pub expected: u32,
    /// Arrivals that this phase lacks.
    pub pending: u32,
    /// Bytes announced and not come; below zero where they came first.
    pub bytes: i64,
    /// Phases that are complete.
    pub phase: u64,
    /// Of those that have arrived in this phase, and of those of the phase before.
    arrived: Knowledge,
    pub released: Knowledge,
}

impl Mbarrier {
    fn new(count: u32) -> Mbarrier {
        Mbarrier {
            expected: count,
            pending: count,
            bytes: 0,
            phase: 0,
            arrived: Knowledge::default(),
            released: Knowledge::default(),
        }
    }

    /// The opaque state that an arrival hands out.
    pub fn state(&self) -> u64 {
        self.phase << 20 | u64::from(self.pending)
    }

    /// Announces bytes.
    pub fn expect(&mut self, bytes: u32) -> Result<(), String> {
        self.bytes += i64::from(bytes);
        if self.bytes > i64::from(MOST) {
            return Err(format!(
                "{} bytes announced at an mbarrier, which counts to {MOST}",
                self.bytes
            ));
        }
        Ok(())
    }

    /// Bytes have come.
    pub fn complete(&mut self, bytes: u32, knowledge: Option<&Knowledge>) -> Result<(), String> {
        self.bytes -= i64::from(bytes);
        self.learn(knowledge);
        self.turn()
    }

    /// So many arrivals, of which none may end the phase if `more` are to come.
    pub fn arrive(
        &mut self,
        count: u32,
        knowledge: Option<&Knowledge>,
        more: bool,
    ) -> Result<(), String> {
        if count > self.pending || count == 0 {
            let result = format!(
                "{count} arrivals at an mbarrier whose phase lacks {}",
                self.pending
            );
            self.pending = 0;
            return Err(result);
        }
        self.pending -= count;
        self.learn(knowledge);
        if more && self.pending == 0 {
            return Err("mbarrier.arrive.noComplete has completed the phase".to_owned());
        }
        self.turn()
    }

    fn learn(&mut self, knowledge: Option<&Knowledge>) {
        if let Some(knowledge) = knowledge {
            self.arrived.join(knowledge);
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        if self.pending > 0 {
            return Ok(());
        }
        if self.bytes < 0 {
            return Err(format!(
                "Wrong transaction count: {} bytes more than announced have come to an mbarrier",
                -self.bytes
            ));
        }
        if self.bytes == 0 {
            self.phase += 1;
            self.pending = self.expected;
            self.released = std::mem::take(&mut self.arrived);
        }
        Ok(())
    }

    /// What it waits for, for reports.
    pub fn lacks(&self) -> String {
        format!(
            "phase {} lacks {} arrivals and {} bytes",
            self.phase, self.pending, self.bytes
        )
    }
}

/// The `mbarrier` objects of a block, by address.
#[derive(Default)]
pub struct Table {
    pub(in crate::exec) objects: BTreeMap<u32, Mbarrier>,
    /// Lines at which objects were invalidated.
    ended: BTreeMap<u32, u32>,
}

/// What threads can tell apart: not what is known of the order of accesses.
impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (at, object) in &self.objects {
            let Mbarrier {
                expected,
                pending,
                bytes,
                phase,
                ..
            } = object;
            (at, expected, pending, bytes, phase).hash(state);
        }
    }
}

impl Table {
    pub fn clear(&mut self) {
        self.objects.clear();
        self.ended.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub fn init(&mut self, address: u32, count: u32) -> Result<(), String> {
        let object = Mbarrier::new(count);
        if self.objects.insert(address, object).is_some() {
            return Err("mbarrier.init of an mbarrier that was not invalidated".to_owned());
        }
        if count == 0 || count > MOST {
            return Err(format!("mbarrier.init with a count of {count}"));
        }
        Ok(())
    }

    pub fn inval(&mut self, address: u32, line: u32) -> Result<(), String> {
        self.get(address)?;
        self.objects.remove(&address);
        self.ended.insert(address, line);
        Ok(())
    }

    pub fn get(&mut self, address: u32) -> Result<&mut Mbarrier, String> {
        match self.objects.get_mut(&address) {
            Some(object) => Ok(object),
            None => Err(match self.ended.get(&address) {
                Some(line) => {
                    format!("mbarrier used after it was invalidated at PTX line {line}")
                }
                None => "mbarrier used before it was initialised".to_owned(),
            }),
        }
    }
}
