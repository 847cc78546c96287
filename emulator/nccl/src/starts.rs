//! Communicators that begin: those of a group at once, since they wait for each other.

use crate::call::{Call, Kind};
use crate::comm::{self, Comm, Entry, Family};
use crate::driver::{Handle, driver};
use crate::entry::{Outcome, invalid};
use crate::hub::{self, Address};
use crate::link::Link;
use crate::settings::Settings;
use crate::types::{Code, DataType, Failure};
use crate::wire::Member;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const MARK: [u8; 8] = *b"emulated";

/// `ncclUniqueId`: a mark, the hub's port and key, and its time limit in milliseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UniqueId([u8; 128]);

/// A new one, with a hub behind it.
pub fn unique_id() -> Outcome<UniqueId> {
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
    /// Its handle.
    pub handle: usize,
    /// Out of what.
    pub how: How,
    /// Where its handle was written, of one that is made behind the call.
    pub behind: Option<usize>,
}

/// What it comes out of.
#[allow(missing_docs, reason = "fields are named")]
pub enum How {
    /// The unique id that ranks share.
    Init {
        id: UniqueId,
        ranks: u32,
        member: Member,
        context: Handle,
    },
    /// Another communicator.
    Split {
        parent: Arc<Comm>,
        color: i32,
        key: i32,
    },
}

/// Begins all of them at once, since they wait for each other; behind the call where one of them asks for it, which is then
/// the answer.
///
/// # Errors
/// The first that one of them has; that one's handle stays without a communicator.
pub fn run(starts: Vec<Start>) -> Outcome {
    if starts.iter().any(|start| start.behind.is_some()) {
        for start in starts {
            behind(start)?;
        }
        return Err(Failure::new(Code::InProgress, ""));
    }
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

/// Begins one on a thread of its own, whose end [`comm::settle`] keeps.
fn behind(start: Start) -> Outcome {
    let handle = start.handle;
    comm::replace(handle, Entry::Beginning);
    let work = move || {
        let made = made(start.how).and_then(|comm| match start.behind {
            // nobody keeps it for one that is aborted
            Some(place) if matches!(comm::entry(handle), Some(Entry::Beginning)) => {
                still_there(place, handle).map(|()| comm)
            }
            _ => Ok(comm),
        });
        let entry = match made {
            Ok(Some(comm)) => Entry::Live(comm),
            Ok(None) => Entry::Ended("its initialisation failed", None),
            Err(failure) => {
                comm::say("ncclCommInitRankConfig", &failure.text);
                Entry::Failed(failure)
            }
        };
        comm::settle(handle, entry);
    };
    let thread = thread::Builder::new().name("nccl start".into());
    let refuse = |error| Failure::new(Code::SystemError, format!("no thread: {error}"));
    thread.spawn(work).map(drop).map_err(refuse)
}

/// NCCL before 2.18 reads the handle where it was written when it gets to making the communicator.
fn still_there(place: usize, handle: usize) -> Outcome {
    let place = std::ptr::with_exposed_provenance::<usize>(place);
    // SAFETY: the API's contract is that it is there until the communicator is made; where it was a part of a stack that is
    // used for something else by now, that is what is read.
    match unsafe { place.read_volatile() } == handle {
        true => Ok(()),
        false => {
            let text =
                "the place where the handle was to go has gone before the communicator was made";
            Err(Failure::new(Code::InvalidUsage, text))
        }
    }
}

fn made(how: How) -> Outcome<Option<Arc<Comm>>> {
    match how {
        How::Init {
            id,
            ranks,
            member,
            context,
        } => init(&id, ranks, member, context).map(Some),
        How::Split { parent, color, key } => split(&parent, color, key),
    }
}

fn begin(start: Start) -> Outcome {
    let begun = made(start.how);
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
