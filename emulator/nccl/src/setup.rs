//! What programs call to begin and to end communicators.

use crate::comm::{self, Comm, Entry};
use crate::driver::driver;
use crate::entry::{In, Out, Outcome, api, invalid};
use crate::group;
use crate::link::thread_number;
use crate::starts::{How, Start, UniqueId, run, unique_id};
use crate::wire::Member;
use std::sync::Arc;

const NO_COLOR: i32 = -1;

/// Who a rank is, asked for on the thread that makes it.
fn member(rank: u32, device: i32) -> Member {
    Member {
        rank,
        pid: std::process::id(),
        device,
        thread: thread_number(),
    }
}

/// The beginning of `ncclConfig_t`: what all versions have.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Config {
    _size: usize,
    _magic: u32,
    _version: u32,
    blocking: i32,
}

fn init_rank(comm: Out<usize>, ranks: i32, id: UniqueId, rank: i32, is_behind: bool) -> Outcome {
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
    let behind = is_behind.then(|| comm.address());
    group::start(Start {
        handle,
        how,
        behind,
    })
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
        init_rank(comm, ranks, id, rank, false)
    }

    // One that is not to block is made behind the call; what else a configuration asks for is about speed, or lets calls return
    // before they are done, which they need not.
    fn ncclCommInitRankConfig(comm: Out<usize>, ranks: i32, id: UniqueId, rank: i32, config: In<Config>) {
        let is_behind = !config.is_null() && config.list(1)?.iter().all(|config| config.blocking == 0);
        init_rank(comm, ranks, id, rank, is_behind)
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
            let how = How::Init { id, ranks, member: member(rank, device), context };
            starts.push(Start { handle, how, behind: None });
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
        group::start(Start { handle, how: How::Split { parent, color, key }, behind: None })
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
        if let Some(Entry::Beginning | Entry::Failed(_)) = comm::entry(comm) {
            comm::replace(comm, Entry::Ended("ncclCommAbort", None));
            return Ok(());
        }
        let found = end(comm, "ncclCommAbort")?;
        found.link.abort(found.number);
        Ok(())
    }
}
