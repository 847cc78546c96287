//! How ranks of several processes meet: rank 0 waits at an address, the others come there and get the unique id.
//!
//! A rank says `warpsmith 1 RANK WORLD_SIZE`, and when all have come rank 0 answers `id` and 256 hexadecimal digits, or
//! `refused` and why. What does not begin so is no rank, and is left alone.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::lines::{from_hex, read_line, to_hex};
use crate::error::{Error, Result};

const GREETING: &str = "warpsmith 1 ";
/// How often a connection is tried, and looked for.
const EVERY: Duration = Duration::from_millis(20);
/// How long one that has connected may take to say who it is.
const HELLO: Duration = Duration::from_secs(5);

/// The unique id, and the connections that stay, by the rank at the other end.
pub(super) struct Met {
    pub(super) id: [u8; 128],
    pub(super) streams: Vec<(usize, TcpStream)>,
}

/// A rank's way to the others.
struct Meeting<'a> {
    own: &'a Environment,
    until: Instant,
    limit: Duration,
}

/// Meets the other ranks; rank 0 brings the id.
pub(super) fn meet(
    own: &Environment,
    limit: Duration,
    id: impl FnOnce() -> Result<[u8; 128]>,
) -> Result<Met> {
    let until = Instant::now() + limit;
    let meeting = Meeting { own, until, limit };
    match own.rank {
        0 => {
            // a rank that cannot make an id keeps nobody waiting
            let id = id()?;
            match own.world_size {
                1 => {
                    let streams = Vec::new();
                    Ok(Met { id, streams })
                }
                _ => meeting.wait(id),
            }
        }
        _ => meeting.come(),
    }
}

/// One who has come, or why it is not counted.
type Comer = std::result::Result<(TcpStream, usize, usize), String>;

impl Meeting<'_> {
    fn error(&self, reason: impl Into<String>) -> Error {
        Error::distributed("from_env", [self.own.rank, self.own.world_size], reason)
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let found = self.own.master.to_socket_addrs();
        let found = found.map_err(|error| {
            let master = &self.own.master;
            self.error(format!(
                "MASTER_ADDR and its port, {master:?}, are no address: {error}"
            ))
        })?;
        Ok(found.collect())
    }

    /// Rank 0 waits for all others.
    fn wait(&self, id: [u8; 128]) -> Result<Met> {
        let listener = TcpListener::bind(&self.addresses()?[..]);
        let listener = listener.and_then(|l| l.set_nonblocking(true).map(|()| l));
        let listener = listener.map_err(|error| {
            let why = match error.kind() {
                ErrorKind::AddrInUse => format!(
                    "is in use; is another run still going, or does it need another {}?",
                    self.own.port_variable
                ),
                _ => format!("cannot be listened to: {error}"),
            };
            self.error(format!("{} {why}", self.own.master))
        })?;
        let mut streams = Vec::new();
        let told = self.gather(&listener, &mut streams);
        let answer = match &told {
            Ok(()) => format!("id {}\n", to_hex(&id)),
            Err(why) => format!("refused {why}\n"),
        };
        for (rank, stream) in &mut streams {
            let sent = stream.write_all(answer.as_bytes());
            if told.is_ok() {
                sent.map_err(|error| self.error(format!("rank {rank} is gone: {error}")))?;
            }
        }
        told.map_err(|why| self.error(why))?;
        Ok(Met { id, streams })
    }

    fn gather(
        &self,
        listener: &TcpListener,
        streams: &mut Vec<(usize, TcpStream)>,
    ) -> std::result::Result<(), String> {
        let (send, comers) = channel();
        let mut strangers = Vec::new();
        while streams.len() + 1 < self.own.world_size {
            if Instant::now() > self.until {
                return Err(self.who_is_missing(streams, &strangers));
            }
            match listener.accept() {
                Ok((stream, from)) => greet(stream, from, self.until, send.clone()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(EVERY),
                Err(_) => thread::sleep(EVERY),
            }
            for comer in comers.try_iter() {
                match comer {
                    Ok((stream, rank, world_size)) => {
                        self.is_expected(rank, world_size, streams, stream)?;
                    }
                    Err(stranger) => strangers.push(stranger),
                }
            }
        }
        Ok(())
    }

    /// Counts one who has come; what is wrong with it is wrong with the run.
    fn is_expected(
        &self,
        rank: usize,
        world_size: usize,
        streams: &mut Vec<(usize, TcpStream)>,
        stream: TcpStream,
    ) -> std::result::Result<(), String> {
        let own = self.own.world_size;
        let twice = rank == 0 || streams.iter().any(|(other, _)| *other == rank);
        streams.push((rank, stream));
        if world_size != own {
            return Err(format!(
                "rank 0 has WORLD_SIZE {own}, rank {rank} has {world_size}"
            ));
        }
        if twice {
            return Err(format!("two processes have RANK {rank}"));
        }
        Ok(())
    }

    fn who_is_missing(&self, streams: &[(usize, TcpStream)], strangers: &[String]) -> String {
        let come = |rank: &usize| streams.iter().any(|(other, _)| other == rank);
        let missing = (1..self.own.world_size).filter(|rank| !come(rank));
        let missing: Vec<_> = missing.map(|rank| rank.to_string()).collect();
        let limit = self.limit.as_secs_f64();
        let mut told = format!(
            "rank {} did not come to {} within {limit} s",
            missing.join(", "),
            self.own.master
        );
        if let Some(last) = strangers.last() {
            told += &format!(
                "; {} came who are no ranks, the last {last}",
                strangers.len()
            );
        }
        told
    }

    /// Another rank comes to rank 0.
    fn come(&self) -> Result<Met> {
        let mut stream = self.connect()?;
        let hello = format!("{GREETING}{} {}\n", self.own.rank, self.own.world_size);
        let left = self.until.saturating_duration_since(Instant::now());
        let sent = stream.write_all(hello.as_bytes());
        let gone = |error: std::io::Error| {
            match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => self.error(format!(
                "the unique id did not come from {} within {} s: rank 0, or what listens there, waits or hangs",
                self.own.master,
                self.limit.as_secs_f64()
            )),
            _ => self.error(format!(
                "rank 0 at {} ended before it gave the unique id: {error}",
                self.own.master
            )),
        }
        };
        // rank 0 says who is missing where it waits as long itself
        let patience = left + Duration::from_secs(2);
        sent.and_then(|()| stream.set_read_timeout(Some(patience)))
            .map_err(gone)?;
        let line = read_line(&mut stream, self.until + Duration::from_secs(2)).map_err(gone)?;
        if let Some(why) = line.strip_prefix("refused ") {
            return Err(self.error(format!("rank 0 says: {}", why.trim_end())));
        }
        let id = line
            .strip_prefix("id ")
            .and_then(|hex| from_hex(hex.trim_end()));
        let id = id.ok_or_else(|| {
            let got: String = line.chars().take(40).collect();
            let master = &self.own.master;
            self.error(match line.is_empty() {
                true => format!("rank 0 at {master} ended before it gave the unique id"),
                false => format!("what answers at {master} is no rank 0: it says {got:?}"),
            })
        })?;
        let streams = vec![(0, stream)];
        Ok(Met { id, streams })
    }

    fn connect(&self) -> Result<TcpStream> {
        let addresses = self.addresses()?;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let mut last = None;
            for address in addresses.iter().filter(|_| !left.is_zero()) {
                match TcpStream::connect_timeout(address, left) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error),
                }
            }
            if Instant::now() + EVERY > self.until {
                let why = last.map_or(String::new(), |error| format!(" ({error})"));
                let (master, limit) = (&self.own.master, self.limit.as_secs_f64());
                return Err(self.error(format!("no rank 0 was at {master} within {limit} s{why}")));
            }
            thread::sleep(EVERY);
        }
    }
}

/// Hears who one is, on a thread of its own: a stranger who says nothing keeps nobody waiting.
fn greet(mut stream: TcpStream, from: SocketAddr, until: Instant, send: Sender<Comer>) {
    let hear = move || {
        let until = until.min(Instant::now() + HELLO);
        let left = until.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        let line = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_read_timeout(Some(left)))
            .and_then(|()| read_line(&mut stream, until));
        let line = line.unwrap_or_default();
        let numbers = line.trim_end().strip_prefix(GREETING).and_then(|rest| {
            let (rank, world_size) = rest.split_once(' ')?;
            Some((rank.parse().ok()?, world_size.parse().ok()?))
        });
        let comer = match numbers {
            Some((rank, world_size)) => Ok((stream, rank, world_size)),
            None => {
                let said: String = line.chars().take(40).collect();
                Err(format!("from {from} saying {said:?}"))
            }
        };
        // nobody hears it who has met already
        let _ = send.send(comer);
    };
    // without a thread it has not come, and may come again
    let _ = thread::Builder::new().spawn(hear);
}
