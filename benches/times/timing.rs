//! Medians of warm runs: by events on CUDA, by the clock on the CPU.

use std::time::Instant;

use warpsmith::cudarc::driver::sys::{CUdevice_attribute, CUevent_flags};
use warpsmith::{CudaDevice, Device, Result};

use crate::case::{Case, Run, Work};
use crate::line::Line;

const SAMPLES: usize = 30;
/// Launches between two events: more than the events' resolution needs, few enough to stay warm and short.
const LAUNCHES: usize = 10;
/// Total size of the rotating sets, as a multiple of the L2 cache.
const CACHES: usize = 4;
const MOST_SETS: usize = 64;
/// On the CPU: at least so many runs and so many seconds.
const CPU_RUNS: usize = 7;
const CPU_SECONDS: f64 = 0.4;

type Failure = Box<dyn std::error::Error>;

/// Times one case.
pub fn time(case: &Case, device: &Device) -> std::result::Result<Line, Failure> {
    let mut samples = match device {
        Device::Cpu => on_cpu((case.make)(device)?)?,
        Device::Cuda(cuda) => on_cuda(case, cuda)?,
    };
    samples.sort_by(f64::total_cmp);
    let ms = samples[samples.len() / 2];
    let (gbs, gflops) = match case.work {
        Work::Bytes(bytes) => (Some(bytes / ms / 1e6), None),
        Work::Flop(flop) => (None, Some(flop / ms / 1e6)),
        Work::Both => (None, None),
    };
    let shape = case
        .shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("x");
    let (name, dtype) = (case.op.to_string(), case.dtype.to_string());
    Ok(Line {
        peer: "warpsmith".into(),
        name,
        shape,
        dtype,
        ms,
        gbs,
        gflops,
        footprint: case.footprint,
    })
}

fn on_cpu(mut run: Run) -> Result<Vec<f64>> {
    run()?;
    run()?;
    let (begin, mut samples) = (Instant::now(), Vec::new());
    while samples.len() < CPU_RUNS || begin.elapsed().as_secs_f64() < CPU_SECONDS {
        let start = Instant::now();
        run()?;
        samples.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(samples)
}

/// Buffers rotate, so that no run finds its inputs in the L2 cache.
fn on_cuda(case: &Case, cuda: &CudaDevice) -> std::result::Result<Vec<f64>, Failure> {
    let (stream, context) = (cuda.stream(), cuda.stream().context());
    let cache = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?;
    let sets = (CACHES * cache.max(0) as usize / case.footprint.max(1)).clamp(1, MOST_SETS);
    let device = Device::Cuda(cuda.clone());
    let mut work = (0..sets)
        .map(|_| (case.make)(&device))
        .collect::<Result<Vec<_>>>()?;
    for run in &mut work {
        run()?;
    }
    let mut next = 0;
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let start = stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT))?;
        for _ in 0..LAUNCHES {
            work[next]()?;
            next = (next + 1) % sets;
        }
        let end = stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT))?;
        samples.push(f64::from(start.elapsed_ms(&end)?) / LAUNCHES as f64);
    }
    Ok(samples)
}
