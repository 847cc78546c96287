//! Calls that are captured and replayed.

use crate::api::{Api, Gpu, UniqueId, ask};
use crate::scenarios::{F32, SUM, unique_id};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const RELAXED: u32 = 2;

/// What is captured of the stream, ready to be launched; the graph itself is gone.
fn graph(gpu: &Gpu, work: impl FnOnce()) -> usize {
    let (api, mut graph, mut executable) = (gpu.api, 0, 0);
    ask!(api, cuStreamBeginCapture_v2(gpu.stream, RELAXED));
    work();
    ask!(api, cuStreamEndCapture(gpu.stream, &raw mut graph));
    ask!(
        api,
        cuGraphInstantiateWithFlags(&raw mut executable, graph, 0)
    );
    ask!(api, cuGraphDestroy(graph));
    executable
}

fn comm(api: Api, n: i32, id: UniqueId, rank: i32) -> usize {
    let mut comm = 0;
    ask!(api, ncclCommInitRankConfig(&raw mut comm, n, id, rank, 0));
    comm
}

/// Each launch takes what is in the buffer then, between calls that are not captured.
pub fn captured(api: Api) {
    let (n, id) = (2, unique_id(api));
    thread::scope(|scope| {
        for rank in 0..n {
            scope.spawn(move || {
                let gpu = Gpu::new(api, rank);
                let s = gpu.stream;
                let comm = comm(api, n, id, rank);
                let (a, b) = (
                    gpu.buffer(&[rank as f32 + 1.0, 10.0]),
                    gpu.buffer(&[0.0; 2]),
                );
                let replay = graph(&gpu, || {
                    ask!(api, ncclAllReduce(a, b, 2, F32, SUM, comm, s));
                    ask!(api, ncclGroupStart());
                    ask!(api, ncclSend(b, 1, F32, 1 - rank, comm, s));
                    ask!(api, ncclRecv(a, 1, F32, 1 - rank, comm, s));
                    ask!(api, ncclGroupEnd());
                });
                assert_eq!(gpu.read(b, 2), [0.0; 2], "nothing has run yet");
                ask!(api, cuGraphLaunch(replay, s));
                assert_eq!(gpu.read(b, 2), [3.0, 20.0]);
                assert_eq!(gpu.read(a, 2), [3.0, 10.0]);
                ask!(api, ncclAllReduce(b, a, 2, F32, SUM, comm, s));
                assert_eq!(gpu.read(a, 2), [6.0, 40.0]);
                ask!(api, cuGraphLaunch(replay, s));
                assert_eq!(gpu.read(b, 2), [12.0, 80.0]);
                assert_eq!(gpu.read(a, 2), [12.0, 40.0]);
                ask!(api, cuGraphExecDestroy(replay));
                ask!(api, ncclCommDestroy(comm));
            });
        }
    });
}

/// A graph outlives its communicator.
pub fn replayed_late(api: Api) {
    let (gpu, id) = (Gpu::new(api, 0), unique_id(api));
    let (s, comm) = (gpu.stream, comm(api, 1, id, 0));
    let a = gpu.buffer(&[2.0]);
    let replay = graph(&gpu, || {
        ask!(api, ncclAllReduce(a, a, 1, F32, SUM, comm, s))
    });
    ask!(api, cuGraphLaunch(replay, s));
    assert_eq!(gpu.read(a, 1), [2.0]);
    ask!(api, ncclCommDestroy(comm));
    ask!(api, cuGraphLaunch(replay, s));
    assert!(gpu.read(a, 1)[0].is_nan());
}

static CALLS: AtomicUsize = AtomicUsize::new(0);
static RELEASES: AtomicUsize = AtomicUsize::new(0);

extern "C" fn called(argument: usize) {
    assert_eq!(RELEASES.load(Ordering::SeqCst), 0);
    CALLS.fetch_add(argument, Ordering::SeqCst);
}

extern "C" fn released(argument: usize) {
    RELEASES.fetch_add(argument, Ordering::SeqCst);
}

/// What a captured call needs lives as long as it can be launched, and no longer.
pub fn kept(api: Api) {
    let gpu = Gpu::new(api, 0);
    let counts = || [&CALLS, &RELEASES].map(|count| count.load(Ordering::SeqCst));
    let replay = graph(&gpu, || {
        ask!(api, cuda_emulator_host(gpu.stream, called, 1, released));
    });
    for launches in 1..=3 {
        ask!(api, cuGraphLaunch(replay, gpu.stream));
        ask!(api, cuStreamSynchronize(gpu.stream));
        assert_eq!(counts(), [launches, 0]);
    }
    ask!(api, cuGraphExecDestroy(replay));
    assert_eq!(counts(), [3, 1]);
    RELEASES.store(0, Ordering::SeqCst);
    ask!(api, cuda_emulator_host(gpu.stream, called, 1, released));
    ask!(api, cuStreamSynchronize(gpu.stream));
    assert_eq!(counts(), [4, 1]);
}
