//! Calls between `ncclGroupStart` and `ncclGroupEnd`, each thread's own.

use crate::entry::{Outcome, api};
use crate::job::Job;
use crate::starts::{self, Start};
use crate::types::{Code, Failure};
use std::cell::RefCell;
use std::sync::Arc;

#[derive(Default)]
struct Group {
    depth: usize,
    starts: Vec<Start>,
    jobs: Vec<Arc<Job>>,
    failure: Option<Failure>,
}

thread_local! {
    static GROUP: RefCell<Group> = RefCell::default();
}

/// Takes a call, of which the group's end has to know also where it is refused.
pub fn call(job: Outcome<Arc<Job>>) -> Outcome {
    let is_grouped = GROUP.with_borrow_mut(|group| {
        if group.depth > 0 {
            match &job {
                Ok(job) => group.jobs.push(Arc::clone(job)),
                Err(failure) => _ = group.failure.get_or_insert(failure.clone()),
            }
        }
        group.depth > 0
    });
    let job = job?;
    if is_grouped {
        return Ok(());
    }
    run(&[job])
}

/// Takes the start of a communicator.
pub fn start(start: Start) -> Outcome {
    let alone = GROUP.with_borrow_mut(|group| {
        if group.depth == 0 {
            return Some(start);
        }
        group.starts.push(start);
        None
    });
    alone.map_or(Ok(()), |start| starts::run(vec![start]))
}

/// Every first stage comes before any second: where work runs as it is queued, a second waits for the other ranks.
fn run(jobs: &[Arc<Job>]) -> Outcome {
    jobs.iter().try_for_each(|job| job.give())?;
    jobs.iter().for_each(|job| job.comm().hurry());
    jobs.iter().try_for_each(|job| job.take())
}

api! {
    fn ncclGroupStart() {
        GROUP.with_borrow_mut(|group| group.depth += 1);
        Ok(())
    }

    fn ncclGroupEnd() {
        let ended = GROUP.with_borrow_mut(|group| {
            if group.depth == 0 {
                let text = "no ncclGroupStart was before it";
                return Err(Failure::new(Code::InvalidUsage, text));
            }
            group.depth -= 1;
            Ok(if group.depth == 0 { std::mem::take(group) } else { Group::default() })
        })?;
        if let Some(failure) = ended.failure {
            return Err(failure);
        }
        let begun = starts::run(ended.starts);
        if let Err(failure) = &begun && failure.code != Code::InProgress {
            return begun;
        }
        run(&ended.jobs)?;
        begun
    }
}
