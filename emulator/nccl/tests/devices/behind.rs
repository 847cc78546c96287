//! Communicators that are made behind the call, as those are that do not block.

use crate::api::{Api, Gpu, UniqueId, ask};
use crate::scenarios::{F32, INVALID_USAGE, SUM, failure, unique_id};

const IN_PROGRESS: u32 = 7;

/// `ncclConfig_t` of 2.14.
#[repr(C)]
struct Config {
    size: usize,
    magic: u32,
    version: u32,
    blocking: i32,
}

/// Begins rank `rank` of two on a device that is current; its handle goes to `place`.
fn begin(api: Api, place: &mut usize, id: UniqueId, rank: i32) {
    begin_and(api, place, id, rank, IN_PROGRESS);
}

/// [`begin`] where something else is answered.
fn begin_and(api: Api, place: &mut usize, id: UniqueId, rank: i32, answer: u32) {
    let config = Config {
        size: size_of::<Config>(),
        magic: 0xcafe_beef,
        version: 21400,
        blocking: 0,
    };
    let config = (&raw const config).expose_provenance();
    ask!(api, ncclCommInitRankConfig(place, 2, id, rank, config) => answer);
}

fn state(api: Api, comm: usize) -> u32 {
    let mut error = 0;
    ask!(api, ncclCommGetAsyncError(comm, &raw mut error));
    error
}

/// Waits until it is made, or has failed.
fn made(api: Api, comm: usize) -> u32 {
    while state(api, comm) == IN_PROGRESS {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    state(api, comm)
}

pub fn behind(api: Api) {
    let gpus = [Gpu::new(api, 0), Gpu::new(api, 1)];
    let enter = |rank: usize| ask!(api, cuCtxSetCurrent(gpus[rank].context));
    let (id, mut comms) = (unique_id(api), [0; 2]);
    enter(0);
    begin(api, &mut comms[0], id, 0);
    // it waits for the other, and the call does not
    assert_eq!(state(api, comms[0]), IN_PROGRESS);
    let sums = gpus.each_ref().map(|gpu| gpu.buffer(&[1.0; 2]));
    let sum = |rank: usize, comm| (sums[rank], sums[rank], 2, F32, SUM, comm, gpus[rank].stream);
    let early = sum(0, comms[0]);
    ask!(api, ncclAllReduce(early.0, early.1, early.2, early.3, early.4, early.5, early.6) => INVALID_USAGE);
    enter(1);
    begin(api, &mut comms[1], id, 1);
    assert_eq!(comms.map(|comm| made(api, comm)), [0; 2]);
    ask!(api, ncclGroupStart());
    for (rank, &comm) in comms.iter().enumerate() {
        let (x, y, n, kind, op, comm, stream) = sum(rank, comm);
        ask!(api, ncclAllReduce(x, y, n, kind, op, comm, stream));
    }
    ask!(api, ncclGroupEnd());
    for (gpu, &sum) in gpus.iter().zip(&sums) {
        assert_eq!(gpu.read(sum, 2), [2.0; 2]);
    }
    for comm in comms {
        ask!(api, ncclCommAbort(comm));
    }

    // both in one group, of which the end does not wait either
    let (id, mut comms) = (unique_id(api), [0; 2]);
    ask!(api, ncclGroupStart());
    for (rank, comm) in comms.iter_mut().enumerate() {
        enter(rank);
        begin_and(api, comm, id, rank as i32, 0);
    }
    ask!(api, ncclGroupEnd() => IN_PROGRESS);
    assert_eq!(comms.map(|comm| made(api, comm)), [0; 2]);
    for comm in comms {
        ask!(api, ncclCommAbort(comm));
    }

    // given up while it waits
    let (id, mut comm) = (unique_id(api), 0);
    enter(0);
    begin(api, &mut comm, id, 0);
    ask!(api, ncclCommAbort(comm));
    let mut error = 0;
    ask!(api, ncclCommGetAsyncError(comm, &raw mut error) => INVALID_USAGE);

    // two ranks on one device
    let (id, mut comms) = (unique_id(api), [0; 2]);
    begin(api, &mut comms[0], id, 0);
    begin(api, &mut comms[1], id, 1);
    assert_eq!(comms.map(|comm| made(api, comm)), [INVALID_USAGE; 2]);
    for comm in comms {
        assert_eq!(failure(api, comm), INVALID_USAGE);
        ask!(api, ncclCommAbort(comm));
    }

    // a handle that is no longer where it was written
    let (id, mut comms) = (unique_id(api), [0; 2]);
    begin(api, &mut comms[0], id, 0);
    let moved = std::mem::take(&mut comms[0]);
    enter(1);
    begin(api, &mut comms[1], id, 1);
    assert_eq!(made(api, moved), INVALID_USAGE);
}
