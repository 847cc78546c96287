//! Streams. Work runs when it is enqueued, on the thread that enqueues it, so a stream is a lock that keeps its
//! work in order plus the state of a capture.

use super::handles::{Handle, Table, lock};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in a capture: the nodes that whatever comes next depends on.
#[derive(Clone)]
pub struct Place {
    /// The capture's number.
    pub capture: u64,
    pub after: Vec<Handle>,
}

pub struct Stream {
    /// 0 for default streams, which are not in the table.
    pub handle: Handle,
    pub context: Handle,
    pub flags: u32,
    pub priority: i32,
    pub id: u64,
    /// Held while work of this stream runs.
    pub order: Mutex<()>,
    pub capturing: Mutex<Option<Place>>,
    /// The nodes that `cuStreamGetCaptureInfo` pointed to last.
    pub shown_nodes: Mutex<Vec<Handle>>,
}

pub static STREAMS: Table<Stream> = Table::new();

pub const NON_BLOCKING: u32 = 1;
pub const GREATEST_PRIORITY: i32 = -5;
impl Stream {
    pub fn new(handle: Handle, context: Handle, flags: u32, priority: i32) -> Stream {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Stream {
            handle,
            context,
            flags,
            priority,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            order: Mutex::new(()),
            capturing: Mutex::new(None),
            shown_nodes: Mutex::default(),
        }
    }

    /// A default stream of a context.
    pub fn default_of(context: Handle) -> Stream {
        Stream::new(0, context, 0, 0)
    }

    pub fn is_blocking(&self) -> bool {
        self.flags & NON_BLOCKING == 0
    }

    pub fn is_capturing(&self) -> bool {
        lock(&self.capturing).is_some()
    }
}
