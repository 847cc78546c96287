//! The ranks of a scenario, whether they are threads or processes.

use std::env;
use std::thread;
use std::time::Duration;

use warpsmith::distributed::Communicator;
use warpsmith::{Device, Result};

use crate::common::devices::cuda_devices;

/// No call of a test takes so long.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Does the work of each rank that this process has: of its own, or of one for every device, on a thread each.
pub fn ranks<R: Send>(work: impl Fn(&Communicator) -> Result<R> + Sync) -> Vec<R> {
    ranks_within(LIMIT, work)
}

/// [`ranks`] with another time limit.
pub fn ranks_within<R: Send>(
    limit: Duration,
    work: impl Fn(&Communicator) -> Result<R> + Sync,
) -> Vec<R> {
    cuda_emulator_testing::install_nccl();
    if env::var_os("WORLD_SIZE").is_some() {
        let own = Communicator::from_env_within(limit).unwrap();
        return vec![work(&own).unwrap()];
    }
    let all = Communicator::init_all_within(&devices(), limit).unwrap();
    thread::scope(|scope| {
        let work = &work;
        let begin = |own: Communicator| scope.spawn(move || work(&own).unwrap());
        let threads: Vec<_> = all.into_iter().map(begin).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// As many devices as the run says, also where a machine has more.
pub fn devices() -> Vec<Device> {
    cuda_emulator_testing::install_nccl();
    let wanted = env::var("CUDA_EMULATOR_DEVICES").ok();
    let wanted = wanted.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    cuda_devices().into_iter().take(wanted).collect()
}

/// The error's text, which holds every one of these.
#[track_caller]
pub fn says<T>(result: Result<T>, words: &[&str]) {
    let Err(error) = result else {
        panic!("expected an error that says {words:?}");
    };
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}
