//! Why does a tensor run on a GPU? A transpose, which computes nothing and only moves.

use std::time::Instant;

use warpsmith::{Device, Generator, Result, Tensor};

use crate::chart::Chart;
use crate::{Answer, Desk};

const SIDES: [usize; 5] = [256, 512, 1024, 2048, 4096];
const RUNS: usize = 15;

pub fn answer(desk: &Desk) -> Answer {
    let mut devices = vec![Device::Cpu];
    if let Ok(gpu) = Device::cuda(0)
        && !gpu.is_emulated()
    {
        devices.push(gpu);
    }
    let mut lines = Vec::new();
    let mut largest = Vec::new();
    for device in &devices {
        let mut points = Vec::new();
        for side in SIDES {
            points.push((side as f64, rate(side, device)?));
        }
        largest.push(points[points.len() - 1].1);
        lines.push((device.to_string(), points));
    }
    let chart = Chart {
        title: "Transpose: bytes read and written in a second",
        x: "side of the matrix",
        y: "GB/s",
        logarithmic: true,
    };
    chart.draw(&desk.picture("transpose"), &lines)?;
    let side = SIDES[SIDES.len() - 1];
    Ok(match largest[..] {
        [cpu, gpu] => format!(
            "Transposing {side} x {side} numbers, the CPU moves {cpu:.1} GB/s and the GPU {gpu:.0}: {:.0} times as many, \
             since thousands of threads wait for memory at once instead of one after another.",
            gpu / cpu
        ),
        _ => format!(
            "Transposing {side} x {side} numbers, the CPU moves {:.1} GB/s: it has no arithmetic to hide behind. There is \
             no GPU here to compare with; its memory moves 300 (T4) to 3350 GB/s (H100), and docs/kernel-report.md shows \
             that the kernel asks for no byte too many.",
            largest[0]
        ),
    })
}

/// Bytes in a second, read and written, in units of 10^9; the median of several runs.
fn rate(side: usize, device: &Device) -> Result<f64> {
    let x = Tensor::<f32>::rand(&[side, side], &mut Generator::manual_seed(1), device)?;
    let mut y = Tensor::zeros(&[side, side], device)?;
    let mut seconds = Vec::new();
    // many in a row, so that waiting for the device weighs little
    let repeats = (4096 / side).pow(2).clamp(1, 64);
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..repeats {
            x.transpose_out(-2, -1, &mut y)?;
        }
        device.synchronize()?;
        seconds.push(start.elapsed().as_secs_f64() / repeats as f64);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(2.0 * (side * side * size_of::<f32>()) as f64 / seconds[RUNS / 2] / 1e9)
}
