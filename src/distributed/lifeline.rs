//! Connections between processes that say how far each rank is, and end with it.
//!
//! Every rank keeps the connection over which it got the unique id from rank 0, which passes on what it hears. A line is
//! `at RANK CALLS OP`, `left RANK CALLS OP` or `failed WHY`; who hears that the other end has left says `heard`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::board::{Board, Place};
use crate::error::{Error, Result};

/// How often ranks say how far they are.
const EVERY: Duration = Duration::from_millis(250);
/// How long the others may take to hear that this rank has left.
const END: Duration = Duration::from_secs(1);
/// The longest line.
const LONGEST: u64 = 1 << 14;
const HEARD: &str = "heard\n";
/// A rank that does not read what it is told does not keep others from hearing it.
const WRITE: Duration = Duration::from_secs(2);

/// A process's connections: from rank 0 to all others, from any other to rank 0.
pub(super) struct Lifeline {
    board: Arc<Board>,
    rank: usize,
    streams: Vec<(usize, Mutex<TcpStream>)>,
    ended: AtomicBool,
    /// Ends that need not be waited for any more.
    heard: AtomicUsize,
}

impl Lifeline {
    /// Goes on with the connections of a rendezvous, by the rank at the other end.
    pub(super) fn new(
        board: &Arc<Board>,
        rank: usize,
        streams: Vec<(usize, TcpStream)>,
    ) -> Result<Arc<Self>> {
        let failed = |error| {
            let reason = format!("the connection of the rendezvous: {error}");
            Error::distributed("from_env", [rank, board.places().len()], reason)
        };
        let mut readers = Vec::with_capacity(streams.len());
        for (other, stream) in &streams {
            let set = stream.set_read_timeout(None);
            set.and_then(|()| stream.set_write_timeout(Some(WRITE)))
                .map_err(failed)?;
            readers.push((*other, stream.try_clone().map_err(failed)?));
        }
        let streams = streams.into_iter().map(|(r, s)| (r, Mutex::new(s)));
        let lifeline = Arc::new(Self {
            board: board.clone(),
            rank,
            streams: streams.collect(),
            ended: AtomicBool::new(false),
            heard: AtomicUsize::new(0),
        });
        for (other, reader) in readers {
            let own = lifeline.clone();
            spawn(move || own.read(other, reader)).map_err(failed)?;
        }
        let own = lifeline.clone();
        spawn(move || own.tell()).map_err(failed)?;
        Ok(lifeline)
    }

    /// Tells the others why this rank has failed.
    pub(super) fn failed(&self, why: &str) {
        let line = format!("failed {}\n", why.replace('\n', " "));
        self.send(&line, None);
    }

    /// Tells the others that this rank has ended without a failure.
    pub(super) fn left(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let place = self.board.places()[self.rank].clone();
        self.send(&line(self.rank, &place), None);
        // a process that ends with something unread ends the connection at once, and its last words may be lost
        let since = Instant::now();
        while self.heard.load(Ordering::Relaxed) < self.streams.len() && since.elapsed() < END {
            thread::sleep(Duration::from_millis(1));
        }
        for (_, stream) in &self.streams {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            // one that is closed already is ended as well
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    /// To all, or all but one. One that cannot be reached has its reader find that out.
    fn send(&self, line: &str, but: Option<usize>) {
        for (rank, _) in self.streams.iter().filter(|(rank, _)| but != Some(*rank)) {
            self.send_to(*rank, line);
        }
    }

    fn send_to(&self, rank: usize, line: &str) {
        for (_, stream) in self.streams.iter().filter(|(other, _)| *other == rank) {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = stream.write_all(line.as_bytes());
        }
    }

    /// Says how far this rank is, and rank 0 how far all are, whenever that has changed.
    fn tell(&self) {
        let mut told = vec![Place::default(); self.board.places().len()];
        while !self.ended.load(Ordering::Relaxed) {
            thread::sleep(EVERY);
            let now = self.board.places().clone();
            for (rank, (old, new)) in told.iter().zip(&now).enumerate() {
                let own = self.rank == 0 || rank == self.rank;
                if own && old != new && !new.left {
                    self.send(&line(rank, new), Some(rank));
                }
            }
            told = now;
        }
    }

    /// Hears one connection until it ends.
    fn read(&self, other: usize, stream: TcpStream) {
        self.read_lines(other, stream);
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    fn read_lines(&self, other: usize, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut text = String::new();
        loop {
            text.clear();
            let read = (&mut reader).take(LONGEST).read_line(&mut text);
            if !matches!(read, Ok(1..)) {
                break;
            }
            if text == HEARD {
                // whoever has heard it says no more that counts
                return;
            }
            if !self.hear(other, text.trim_end_matches('\n')) {
                self.broken(format!(
                    "what rank {other} says is no line of a rank: {text:?}"
                ));
                return;
            }
        }
        let place = self.board.places().get(other).cloned();
        if !place.is_some_and(|place| place.left) {
            self.broken(format!(
                "rank {other} is gone: its process ended without a word"
            ));
        }
    }

    fn broken(&self, why: String) {
        if !self.ended.load(Ordering::Relaxed) && self.board.fail(why.clone()) && self.rank == 0 {
            self.failed(&why);
        }
    }

    /// Takes in a line, and as rank 0 passes on what cannot wait; whether it was one.
    fn hear(&self, from: usize, text: &str) -> bool {
        if let Some(why) = text.strip_prefix("failed ") {
            self.board.fail(why.into());
        } else {
            let mut words = text.splitn(4, ' ');
            let kind = words.next();
            let rank = words.next().and_then(|word| word.parse().ok());
            let calls = words.next().and_then(|word| word.parse().ok());
            let (Some(kind @ ("at" | "left")), Some(rank), Some(calls), Some(op)) =
                (kind, rank, calls, words.next())
            else {
                return false;
            };
            self.board.update(rank, |place| {
                let (op, left) = (op.into(), kind == "left");
                *place = Place { calls, op, left };
            });
            if kind == "at" {
                return true;
            }
            if rank == from {
                self.send_to(from, HEARD);
            }
        }
        if self.rank == 0 {
            self.send(&format!("{text}\n"), Some(from));
        }
        true
    }
}

fn line(rank: usize, place: &Place) -> String {
    let kind = if place.left { "left" } else { "at" };
    format!("{kind} {rank} {} {}\n", place.calls, place.op)
}

fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = thread::Builder::new().name("warpsmith lifeline".into());
    thread.spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Lines;
    use std::net::TcpListener;

    use super::*;

    /// Another rank's end of a connection.
    struct Other {
        stream: TcpStream,
        lines: Lines<BufReader<TcpStream>>,
    }

    impl Other {
        /// The next line that is not how far somebody is.
        fn hears(&mut self) -> String {
            let mut lines = self.lines.by_ref().map(|line| line.unwrap());
            lines.find(|line| !line.starts_with("at ")).unwrap()
        }

        fn says(&mut self, line: &str) {
            self.stream.write_all(line.as_bytes()).unwrap();
        }
    }

    /// Rank 0 of so many, and the others' ends.
    fn rank_0(ranks: usize) -> (Arc<Lifeline>, Vec<Other>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut own = Vec::new();
        let connect = |rank| {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            // what never comes is no wait for ever
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            own.push((rank, listener.accept().unwrap().0));
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            Other { stream, lines }
        };
        let others = (1..ranks).map(connect).collect();
        (Lifeline::new(&Board::new(ranks), 0, own).unwrap(), others)
    }

    #[test]
    fn who_leaves_waits_until_it_is_heard() {
        let (rank_0, mut others) = rank_0(2);
        let other = &mut others[0];
        rank_0.board.update(0, |place| place.left = true);
        thread::scope(|scope| {
            let since = Instant::now();
            let leaves = scope.spawn(|| rank_0.left());
            assert_eq!(other.hears(), "left 0 0 ");
            thread::sleep(END / 5);
            assert!(!leaves.is_finished() || since.elapsed() > END);
            other.says(HEARD);
        });
        // then the connection ends
        assert!(other.lines.all(|line| line.is_ok()));
        assert_eq!(rank_0.board.failure(), None);
    }

    #[test]
    fn rank_0_passes_on_who_has_left_and_what_has_failed() {
        let (rank_0, mut others) = rank_0(3);
        let [first, second] = &mut others[..] else {
            panic!("two others")
        };
        // before its first call, too
        first.says("left 1 0 Communicator\n");
        assert_eq!(first.hears(), HEARD.trim_end());
        assert_eq!(second.hears(), "left 1 0 Communicator");
        let left = |place: &Place| place.left;
        let told = rank_0.board.behind(1, left);
        assert_eq!(told.unwrap(), "rank 1 has left before its first call");
        second.says("failed rank 2 failed: as it is to\n");
        assert_eq!(first.hears(), "failed rank 2 failed: as it is to");
        let failure = rank_0.board.failure();
        assert_eq!(failure.unwrap(), "rank 2 failed: as it is to");
    }
}
