//! What the processes do.

use crate::api::{Api, Gpu, UniqueId, ask};
use std::thread;
use std::time::{Duration, Instant};

pub const F32: u32 = 7;
pub const SUM: u32 = 0;
pub const INVALID_ARGUMENT: u32 = 4;
pub const INVALID_USAGE: u32 = 5;
const REMOTE: u32 = 6;

fn number(name: &str) -> i32 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2)
}

fn devices() -> i32 {
    number("CUDA_EMULATOR_DEVICES")
}

pub fn unique_id(api: Api) -> UniqueId {
    let mut id = UniqueId([0; 128]);
    ask!(api, ncclGetUniqueId(&raw mut id));
    id
}

/// Waits for the communicator's failure.
pub fn failure(api: Api, comm: usize) -> u32 {
    let (mut error, begun) = (0, Instant::now());
    while error == 0 && begun.elapsed() < Duration::from_secs(10) {
        ask!(api, ncclCommGetAsyncError(comm, &raw mut error));
        thread::sleep(Duration::from_millis(5));
    }
    error
}

/// The first so many devices with their communicators, of one process.
fn all(api: Api, n: i32) -> (Vec<Gpu>, Vec<usize>) {
    let gpus: Vec<Gpu> = (0..n).map(|k| Gpu::new(api, k)).collect();
    let mut comms = vec![0; gpus.len()];
    ask!(
        api,
        ncclCommInitAll(comms.as_mut_ptr(), n, std::ptr::null())
    );
    (gpus, comms)
}

/// The sum in place.
fn sum(gpu: &Gpu, buffer: usize, count: usize, comm: usize) {
    ask!(
        gpu.api,
        ncclAllReduce(buffer, buffer, count, F32, SUM, comm, gpu.stream)
    );
}

/// Everything that a rank can ask for, in place and not.
fn collectives(gpu: &Gpu, comm: usize, rank: i32, n: i32) {
    let (api, s, count) = (gpu.api, gpu.stream, n as usize);
    let ranks: Vec<f32> = (0..n).map(|k| k as f32).collect();
    let (sum, r) = (ranks.iter().sum::<f32>(), rank as f32);
    let (mut size, mut own) = (0, -1);
    ask!(api, ncclCommCount(comm, &raw mut size));
    ask!(api, ncclCommUserRank(comm, &raw mut own));
    assert_eq!((size, own), (n, rank));
    let (a, b) = (gpu.buffer(&[r, 10.0]), gpu.buffer(&[0.0; 2]));
    ask!(api, ncclAllReduce(a, b, 2, F32, SUM, comm, s));
    // the stream's order: the second takes what the first gives
    ask!(api, ncclAllReduce(b, b, 2, F32, SUM, comm, s));
    assert_eq!(gpu.read(b, 2), [sum * n as f32, 10.0 * (n * n) as f32]);
    assert_eq!(gpu.read(a, 2), [r, 10.0]);
    let all = gpu.buffer(&vec![-1.0; count]);
    ask!(api, ncclAllGather(a, all, 1, F32, comm, s));
    assert_eq!(gpu.read(all, count), ranks);
    let piece = gpu.buffer(&[0.0]);
    ask!(api, ncclReduceScatter(all, piece, 1, F32, SUM, comm, s));
    assert_eq!(gpu.read(piece, 1), [r * n as f32]);
    let given = gpu.buffer(&[r + 5.0]);
    ask!(api, ncclBroadcast(given, given, 1, F32, n - 1, comm, s));
    assert_eq!(gpu.read(given, 1), [(n - 1) as f32 + 5.0]);
    let reduced = gpu.buffer(&[-7.0]);
    ask!(api, ncclReduce(a, reduced, 1, F32, SUM, 0, comm, s));
    assert_eq!(gpu.read(reduced, 1), [if rank == 0 { sum } else { -7.0 }]);
    ask!(api, ncclGroupStart());
    ask!(api, ncclSend(a, 1, F32, (rank + 1) % n, comm, s));
    ask!(api, ncclRecv(b, 1, F32, (rank + n - 1) % n, comm, s));
    ask!(api, ncclGroupEnd());
    assert_eq!(gpu.read(b, 1), [((rank + n - 1) % n) as f32]);
    let (mut op, scalar) = (0, 2.0 + r);
    ask!(
        api,
        ncclRedOpCreatePreMulSum(&raw mut op, &raw const scalar, F32, 1, comm)
    );
    let one = gpu.buffer(&[1.0]);
    ask!(api, ncclAllReduce(one, one, 1, F32, op, comm, s));
    assert_eq!(gpu.read(one, 1), [sum + 2.0 * n as f32]);
    // even ranks and odd ones, the order turned round
    let mut half = 0;
    ask!(api, ncclCommSplit(comm, rank % 2, -rank, &raw mut half, 0));
    ask!(api, ncclAllReduce(a, one, 1, F32, SUM, half, s));
    let family: f32 = ranks.iter().filter(|&&k| k as i32 % 2 == rank % 2).sum();
    assert_eq!(gpu.read(one, 1), [family]);
    ask!(api, ncclCommDestroy(half));
}

pub fn threads(api: Api) {
    let (n, id) = (devices(), unique_id(api));
    thread::scope(|scope| {
        for rank in 0..n {
            scope.spawn(move || {
                let (gpu, mut comm) = (Gpu::new(api, rank), 0);
                ask!(api, ncclCommInitRank(&raw mut comm, n, id, rank));
                collectives(&gpu, comm, rank, n);
                ask!(api, ncclCommFinalize(comm));
                ask!(api, ncclCommDestroy(comm));
            });
        }
    });
}

/// One thread for all devices.
pub fn alone(api: Api) {
    let n = devices();
    let (gpus, comms) = all(api, n);
    let buffers: Vec<usize> = gpus.iter().map(|gpu| gpu.buffer(&[1.0; 3])).collect();
    ask!(api, ncclGroupStart());
    for ((gpu, &comm), &buffer) in gpus.iter().zip(&comms).zip(&buffers) {
        sum(gpu, buffer, 3, comm);
    }
    ask!(api, ncclGroupEnd());
    for (gpu, &buffer) in gpus.iter().zip(&buffers) {
        assert_eq!(gpu.read(buffer, 3), [n as f32; 3]);
    }
    comms
        .iter()
        .for_each(|&comm| ask!(api, ncclCommDestroy(comm)));
}

/// A process that is one rank; the first writes the id where the others look for it.
fn rank(api: Api) -> (Gpu, usize, i32, i32) {
    let (n, rank) = (number("WORLD_SIZE"), number("RANK"));
    let place = std::env::var("ID_FILE").unwrap();
    let id = if rank == 0 {
        let id = unique_id(api);
        std::fs::write(format!("{place}.part"), id.0).unwrap();
        std::fs::rename(format!("{place}.part"), &place).unwrap();
        id
    } else {
        loop {
            if let Ok(bytes) = std::fs::read(&place) {
                break UniqueId(bytes.try_into().unwrap());
            }
            thread::sleep(Duration::from_millis(5));
        }
    };
    let (gpu, mut comm) = (Gpu::new(api, rank), 0);
    ask!(api, ncclCommInitRank(&raw mut comm, n, id, rank));
    (gpu, comm, rank, n)
}

pub fn process(api: Api) {
    let (gpu, comm, rank, n) = rank(api);
    collectives(&gpu, comm, rank, n);
    ask!(api, ncclCommDestroy(comm));
}

/// Rank 1 is killed while the others wait for it.
pub fn killed(api: Api) {
    let (gpu, comm, rank, _) = rank(api);
    if rank == 1 {
        // SAFETY: ends this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
    let begun = Instant::now();
    let buffer = gpu.buffer(&[1.0]);
    // SAFETY: as in `ask!`; the call may come before or after the news.
    let code = unsafe { (api.ncclAllReduce)(buffer, buffer, 1, F32, SUM, comm, gpu.stream) };
    assert!([0, REMOTE].contains(&code));
    assert_eq!(failure(api, comm), REMOTE);
    assert!(begun.elapsed() < Duration::from_secs(2));
    ask!(api, ncclCommAbort(comm));
}

/// What is wrong and told at the call itself.
pub fn refused(api: Api) {
    let (gpus, comms) = all(api, 2);
    let (own, other) = (gpus[0].buffer(&[1.0; 2]), gpus[1].buffer(&[1.0; 2]));
    let s = gpus[0].stream;
    ask!(api, ncclAllReduce(other, own, 2, F32, SUM, comms[0], s) => INVALID_ARGUMENT);
    ask!(api, ncclAllReduce(own, own, 3, F32, SUM, comms[0], s) => INVALID_ARGUMENT);
    ask!(api, ncclAllReduce(own, own, 2, 99, SUM, comms[0], s) => INVALID_ARGUMENT);
    ask!(api, ncclBroadcast(own, own, 2, F32, 2, comms[0], s) => INVALID_ARGUMENT);
    ask!(api, ncclAllReduce(own, own, 2, F32, SUM, 12345, s) => INVALID_ARGUMENT);
    ask!(api, ncclGroupEnd() => INVALID_USAGE);
    ask!(api, ncclCommAbort(comms[0]));
    ask!(api, ncclAllReduce(own, own, 2, F32, SUM, comms[0], s) => INVALID_USAGE);
    assert_eq!(failure(api, comms[1]), REMOTE);
}

/// Two ranks that call different collectives.
pub fn mismatched(api: Api) {
    let (gpus, comms) = all(api, 2);
    let buffers = [gpus[0].buffer(&[1.0; 2]), gpus[1].buffer(&[1.0; 2])];
    ask!(api, ncclGroupStart());
    sum(&gpus[0], buffers[0], 2, comms[0]);
    ask!(
        api,
        ncclBroadcast(buffers[1], buffers[1], 2, F32, 0, comms[1], gpus[1].stream)
    );
    ask!(api, ncclGroupEnd());
    assert!(gpus[0].read(buffers[0], 2).iter().all(|x| x.is_nan()));
    assert_eq!(
        [failure(api, comms[0]), failure(api, comms[1])],
        [INVALID_USAGE; 2]
    );
}

/// One thread, two devices, no group.
pub fn ungrouped(api: Api) {
    let (gpus, comms) = all(api, 2);
    let buffers = [gpus[0].buffer(&[1.0; 2]), gpus[1].buffer(&[1.0; 2])];
    sum(&gpus[0], buffers[0], 2, comms[0]);
    assert_eq!(failure(api, comms[1]), REMOTE);
}
