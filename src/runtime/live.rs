//! Values that a launch of a captured graph reads from memory, because they are others at every replay: the step of an
//! optimizer, its learning rate, the number of a mask. The host works them out before each replay, as it does for a launch
//! of its own, so that a replay is that launch to the last bit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use cudarc::driver::{CudaStream, CudaView};

use super::memory::DeviceSlice;
use super::transfer::Pinned;
use super::turn::{Open, lock, turn, turn_outside};
use crate::error::{Error, Result};

/// Words that the launches of one graph can have.
const WORDS: usize = 1024;

/// How often something has been done, by launches and replays together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// Counts once more, and answers the count before.
    pub(crate) fn advance(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A number that may be set between steps, and that replays follow.
#[derive(Clone, Debug)]
pub(crate) struct Setting(Arc<AtomicU64>);

impl Setting {
    pub(crate) fn new(value: f64) -> Self {
        Self(Arc::new(AtomicU64::new(value.to_bits())))
    }

    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

/// Where a captured launch finds its values.
#[derive(Clone)]
pub(crate) struct Live {
    words: Arc<DeviceSlice<i32>>,
    at: usize,
    len: usize,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Live({}..{})", self.at, self.at + self.len)
    }
}

impl Live {
    /// The words, for a launch to read.
    pub(crate) fn view(&self) -> CudaView<'_, i32> {
        self.words.slice(self.at..self.at + self.len)
    }
}

/// The values of one launch, from the count of what was done before it.
type Values = Box<dyn Fn(u64) -> Result<Vec<i32>> + Send>;

struct Entry {
    at: usize,
    counter: Counter,
    values: Values,
}

/// All live values of a graph.
pub(crate) struct Lives {
    words: Arc<DeviceSlice<i32>>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    all: Vec<Entry>,
    /// Words that they have in all.
    used: usize,
    /// Where the host writes them; from the first replay on, when they are all known.
    pinned: Option<Pinned>,
}

/// The live values of the captures that go on.
pub(super) static LIVES: Open<Lives> = Open::new();

/// If the work of the stream is being captured: a place for `len` values that the replays fill with `values(count)`
/// before they count once more. Otherwise, as where there is no stream, the caller launches with the count as it is, and
/// counts.
pub(crate) fn live(
    stream: Option<&Arc<CudaStream>>,
    op: &'static str,
    counter: &Counter,
    len: usize,
    values: impl Fn(u64) -> Result<Vec<i32>> + Send + 'static,
) -> Result<Option<Live>> {
    let Some(stream) = stream else {
        return Ok(None);
    };
    let lives = LIVES.of(&turn(stream, op)?, stream);
    let add = |lives: Arc<Lives>| lives.add(op, counter, len, Box::new(values));
    lives.map(add).transpose()
}

impl Lives {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        let words = Arc::new(DeviceSlice::alloc(stream, WORDS)?);
        let entries = Mutex::default();
        Ok(Self { words, entries })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.entries)
    }

    fn add(&self, op: &'static str, counter: &Counter, len: usize, values: Values) -> Result<Live> {
        let mut entries = self.entries();
        let at = entries.used;
        if at + len > WORDS {
            let (what, limit, value) =
                ("values that change from replay to replay", WORDS, at + len);
            return Err(Error::TooLarge {
                op,
                what,
                limit,
                value,
            });
        }
        let counter = counter.clone();
        entries.all.push(Entry {
            at,
            counter,
            values,
        });
        entries.used = at + len;
        let words = self.words.clone();
        Ok(Live { words, at, len })
    }

    /// Writes the next values of every launch, counts, and calls `launch`; where either fails nothing has been counted.
    pub(super) fn next(
        &self,
        stream: &Arc<CudaStream>,
        launch: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        const OP: &str = "CudaGraph::replay";
        let mut entries = self.entries();
        let Entries { all, used, pinned } = &mut *entries;
        let mut counted = Vec::with_capacity(all.len());
        let run = || {
            let mut words = vec![0; *used];
            for entry in &*all {
                let count = entry.counter.advance();
                counted.push(&entry.counter);
                let values = (entry.values)(count)?;
                words[entry.at..][..values.len()].copy_from_slice(&values);
            }
            let _turn = turn_outside(stream, OP, "a replay is not part of another graph")?;
            if !words.is_empty() {
                // the words have no other writer: replays of one graph follow each other
                let mut words_there = self.words.alias();
                let pinned = match pinned {
                    Some(pinned) => Ok(pinned),
                    None => Pinned::new(stream, words.len()).map(|new| pinned.insert(new)),
                };
                pinned
                    .and_then(|pinned| pinned.copy(stream, &words, &mut *words_there))
                    .map_err(|e| Error::driver(OP, e))?;
            }
            launch()
        };
        let done = run();
        if done.is_err() {
            counted.into_iter().for_each(Counter::back);
        }
        done
    }
}
