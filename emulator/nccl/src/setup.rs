//! Communicators: how they begin and how they end.

use crate::call::{Call, Kind};
use crate::comm::{self, Comm, Entry, Family};
use crate::driver::{Handle, driver};
use crate::entry::{In, Out, Outcome, api, invalid};
use crate::group;
use crate::hub::{self, Address};
use crate::link::{Link, thread_number};
use crate::settings::Settings;
use crate::types::{Code, DataType, Failure};
use crate::wire::Member;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const MARK: [u8; 8] = *b"emulated";
const NO_COLOR: i32 = -1;

/// `ncclUniqueId`: a mark, the hub's port and key, and its time limit in milliseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UniqueId([u8; 128]);

fn unique_id() -> Outcome<UniqueId> {
    driver()?;
    let settings = Settings::from_environment();
    let refuse = |error| {
        Failure::new(
            Code::SystemError,
            format!("no hub could be started: {error}"),
        )
    };
    let address = hub::start(settings).map_err(refuse)?;
    let mut id = [0; 128];
    id[..8].copy_from_slice(&MARK);
    id[8..10].copy_from_slice(&address.port.to_le_bytes());
    id[10..26].copy_from_slice(&address.key);
    let limit = u64::try_from(settings.limit.as_millis()).unwrap_or(u64::MAX);
    id[26..34].copy_from_slice(&limit.to_le_bytes());
    Ok(UniqueId(id))
}

impl UniqueId {
    fn read(&self) -> Outcome<(Address, Duration)> {
        let (mut port, mut key, mut limit) = ([0; 2], [0; 16], [0; 8]);
        port.copy_from_slice(&self.0[8..10]);
        key.copy_from_slice(&self.0[10..26]);
        limit.copy_from_slice(&self.0[26..34]);
        if self.0[..8] != MARK {
            return invalid("this unique id is not one that ncclGetUniqueId of this library made");
        }
        let port = u16::from_le_bytes(port);
        Ok((
            Address { port, key },
            Duration::from_millis(u64::from_le_bytes(limit)),
        ))
    }
}

/// A communicator that is to begin.
pub struct Start {
    handle: usize,
    how: How,
}

enum How {
    Init {
        id: UniqueId,
        ranks: u32,
        member: Member,
        context: Handle,
    },
    Split {
        parent: Arc<Comm>,
        color: i32,
        key: i32,
    },
}

/// Begins all of them at once, since they wait for each other.
///
/// # Errors
/// The first that one of them has; that one's handle stays without a communicator.
pub fn run(starts: Vec<Start>) -> Outcome {
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> = starts
            .into_iter()
            .map(|start| scope.spawn(move || begin(start)))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.collect::<Vec<_>>()
    });
    let panicked = || Failure::new(Code::InternalError, "a thread panicked (message above)");
    outcomes
        .into_iter()
        .try_for_each(|o| o.unwrap_or_else(|_| Err(panicked())))
}

fn begin(start: Start) -> Outcome {
    let begun = match start.how {
        How::Init {
            id,
            ranks,
            member,
            context,
        } => init(&id, ranks, member, context).map(Some),
        How::Split { parent, color, key } => split(&parent, color, key),
    };
    let entry = match &begun {
        Ok(Some(comm)) => Entry::Live(Arc::clone(comm)),
        Ok(None) | Err(_) => Entry::Ended("its initialisation failed", None),
    };
    comm::replace(start.handle, entry);
    begun.map(|_| ())
}

fn init(id: &UniqueId, ranks: u32, member: Member, context: Handle) -> Outcome<Arc<Comm>> {
    let (address, limit) = id.read()?;
    let family = Arc::new(Family::default());
    let relatives = Arc::clone(&family);
    let wanted = Box::new(move |number| relatives.wanted(number));
    let link = Link::connect(address, ranks, member, limit, wanted)?;
    let place = (0, member.rank as usize, ranks as usize);
    Ok(Comm::new(place, (member.device, context), link, family))
}

/// Who a rank is, asked for on the thread that makes it.
fn member(rank: u32, device: i32) -> Member {
    Member {
        rank,
        pid: std::process::id(),
        device,
        thread: thread_number(),
    }
}

fn split(parent: &Arc<Comm>, color: i32, key: i32) -> Outcome<Option<Arc<Comm>>> {
    let call = Call {
        key,
        ..Call::new(Kind::CommSplit, 0, DataType::Int8).root(color)
    };
    // What was queued on the parent comes before it.
    parent.settle();
    let ticket = parent.link.send(parent.number, call, vec![])?;
    let answer = parent.link.wait(parent.number, ticket)?;
    let word = |i: usize| Some(u32::from_le_bytes(*answer.get(i * 4..)?.first_chunk()?));
    let Some(((number, rank), ranks)) = word(0).zip(word(1)).zip(word(2)) else {
        return Ok(None);
    };
    let place = (number, rank as usize, ranks as usize);
    let (link, family) = (Arc::clone(&parent.link), Arc::clone(&parent.family));
    Ok(Some(Comm::new(
        place,
        (parent.device, parent.context),
        link,
        family,
    )))
}

fn init_rank(comm: Out<usize>, ranks: i32, id: UniqueId, rank: i32) -> Outcome {
    comm.check()?;
    let numbers = u32::try_from(ranks).ok().zip(u32::try_from(rank).ok());
    let Some((ranks, rank)) = numbers.filter(|&(ranks, rank)| rank < ranks) else {
        return invalid(format!("rank {rank} of {ranks}"));
    };
    let (context, device) = driver()?.current()?;
    let handle = comm::reserve();
    comm.set(handle)?;
    let how = How::Init {
        id,
        ranks,
        member: member(rank, device),
        context,
    };
    group::start(Start { handle, how })
}

fn end(handle: usize, how: &'static str) -> Outcome<Arc<Comm>> {
    let found = comm::find(handle)?;
    comm::replace(handle, Entry::Ended(how, Some(found.rank)));
    Ok(found)
}

api! {
    fn ncclGetUniqueId(id: Out<UniqueId>) {
        id.check()?;
        id.set(unique_id()?)
    }

    fn ncclCommInitRank(comm: Out<usize>, ranks: i32, id: UniqueId, rank: i32) {
        init_rank(comm, ranks, id, rank)
    }

    // What a configuration asks for is about speed, or lets a call return before it is done, which it need not.
    fn ncclCommInitRankConfig(comm: Out<usize>, ranks: i32, id: UniqueId, rank: i32, _config: usize) {
        init_rank(comm, ranks, id, rank)
    }

    fn ncclCommInitAll(comms: Out<usize>, count: i32, devices: In<i32>) {
        comms.check()?;
        let Some(ranks) = u32::try_from(count).ok().filter(|&n| n > 0) else {
            return invalid(format!("communicators of {count} devices"));
        };
        let devices = if devices.is_null() { (0..count).collect() } else { devices.list(ranks as usize)? };
        let id = unique_id()?;
        let mut starts = vec![];
        for (rank, device) in (0..).zip(devices) {
            let context = driver()?.primary(device)?;
            let handle = comm::reserve();
            comms.at(rank as usize).set(handle)?;
            starts.push(Start { handle, how: How::Init { id, ranks, member: member(rank, device), context } });
        }
        run(starts)
    }

    fn ncclCommSplit(comm: usize, color: i32, key: i32, new: Out<usize>, _config: usize) {
        new.check()?;
        let parent = comm::find(comm)?;
        if color < NO_COLOR {
            return invalid(format!("rank {} splits by color {color}", parent.rank));
        }
        let handle = if color == NO_COLOR { 0 } else { comm::reserve() };
        new.set(handle)?;
        group::start(Start { handle, how: How::Split { parent, color, key } })
    }

    fn ncclCommFinalize(comm: usize) {
        let found = end(comm, "ncclCommFinalize")?;
        found.leave("ncclCommFinalize");
        Ok(())
    }

    fn ncclCommDestroy(comm: usize) {
        if comm == 0 {
            return Ok(());
        }
        let ended = "ncclCommFinalize";
        match comm::finalized(comm, ended) {
            true => _ = comm::replace(comm, Entry::Ended("ncclCommDestroy", None)),
            false => {
                let found = end(comm, "ncclCommDestroy")?;
                found.leave("ncclCommDestroy");
            }
        }
        Ok(())
    }

    fn ncclCommAbort(comm: usize) {
        if comm == 0 {
            return Ok(());
        }
        let found = end(comm, "ncclCommAbort")?;
        found.link.abort(found.number);
        Ok(())
    }
}
