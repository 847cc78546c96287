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
