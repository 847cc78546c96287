//! Bindings of `cuda/lrn.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `shape` is (images, channels, positions per channel), row-major.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::{LrnOptions, OP};
use crate::element::Float;
use crate::error::{Error, Result, numel, to_i32};
use crate::runtime::launch::Launch;

/// Threads of a block of the kernels that keep the window in registers.
const THREADS: u32 = 256;
/// Windows that those kernels are compiled for.
const IN_REGISTERS: [usize; 2] = [3, 5];
/// Where there are fewer threads than these, the channels are split over several.
const ENOUGH_THREADS: usize = 1 << 16;
/// Bytes of shared memory that every device has for a block.
const SHARED: usize = 48 * 1024;
/// Values of the workspace of windows that shared memory does not hold.
const WORKSPACE: usize = 1 << 24;

/// `y = x / (k + alpha / size * sum x^2)^beta` over a window of channels; `y` is at least as long as the shape.
///
/// # Errors
/// Bad options, a shorter `x` or `y`, sizes past what the kernel indexes, buffers of another context, or whatever the
/// driver answers.
pub fn lrn<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
    options: &LrnOptions,
) -> Result<()> {
    let n = numel(OP, &shape)?;
    options.check(OP)?;
    if n == 0 {
        return Ok(());
    }
    let plan = Plan::new("lrn", shape, options, 1)?;
    let mut work = plan.workspace(stream)?;
    let launch = plan.launch::<T>(stream)?.read(x, n).write(y, n);
    plan.run(launch, &mut work, options)
}

/// The gradient of [`lrn`]'s input, from that of its output and the input itself.
///
/// # Errors
/// Those of [`lrn`].
pub fn lrn_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
    options: &LrnOptions,
) -> Result<()> {
    let n = numel(OP, &shape)?;
    options.check(OP)?;
    if n == 0 {
        return Ok(());
    }
    let plan = Plan::new("lrn_backward", shape, options, 3)?;
    let mut work = plan.workspace(stream)?;
    let launch = plan
        .launch::<T>(stream)?
        .read(dy, n)
        .read(x, n)
        .write(dx, n);
    plan.run(launch, &mut work, options)
}

/// Which kernel runs, on which grid, with what memory for its columns.
struct Plan {
    kernel: String,
    in_registers: bool,
    grid: (usize, usize),
    threads: u32,
    chunk: i32,
    shared: u32,
    /// Values in global memory, where the columns do not fit in shared memory.
    workspace: usize,
    shape: (i64, i32, i64),
    reach: (i32, i32),
}

impl Plan {
    /// `columns` is how many values per window place a thread of the columns kernel keeps.
    fn new(
        name: &str,
        [images, channels, plane]: [usize; 3],
        options: &LrnOptions,
        columns: usize,
    ) -> Result<Self> {
        let positions = images * plane; // checked by `numel`
        let (before, after) = options.reach(channels);
        let window = before + after + 1;
        // the kernel counts channels up to two windows past the end
        if channels > i32::MAX as usize / 8 {
            return Err(Error::TooLarge {
                op: OP,
                what: "channels",
                limit: i32::MAX as usize / 8,
                value: channels,
            });
        }
        let in_registers = IN_REGISTERS.contains(&window);
        let column = columns * window * size_of::<f32>();
        let fits = |threads: &u32| column * *threads as usize <= SHARED;
        let threads = match in_registers {
            true => Some(THREADS),
            false => [128, 64, 32].into_iter().find(fits),
        };
        let chunks = match threads {
            Some(_) => ENOUGH_THREADS
                .div_ceil(positions)
                .min(channels / (4 * window)),
            None => 1,
        };
        let chunk = channels.div_ceil(chunks.max(1));
        let block = threads.unwrap_or(32);
        let mut blocks = positions.div_ceil(block as usize);
        let mut workspace = 0;
        if threads.is_none() {
            let column = columns * window;
            blocks = blocks.min((WORKSPACE / column / block as usize).max(1));
            workspace = column * blocks * block as usize;
        }
        let kind = if in_registers { "registers" } else { "columns" };
        let shared = match (in_registers, threads) {
            (false, Some(threads)) => (column * threads as usize) as u32,
            _ => 0,
        };
        Ok(Self {
            kernel: format!("{name}_{kind}"),
            in_registers,
            grid: (blocks, channels.div_ceil(chunk)),
            threads: block,
            chunk: to_i32(OP, "channels", chunk)?,
            shared,
            workspace,
            shape: (
                images as i64,
                to_i32(OP, "channels", channels)?,
                plane as i64,
            ),
            reach: (to_i32(OP, "window", before)?, to_i32(OP, "window", after)?),
        })
    }

    /// Freed, in the stream's order, when it is dropped.
    fn workspace(&self, stream: &Arc<CudaStream>) -> Result<Option<CudaSlice<f32>>> {
        match self.workspace {
            0 => Ok(None),
            n => stream
                .alloc_zeros(n)
                .map(Some)
                .map_err(|e| Error::driver(OP, e)),
        }
    }

    fn launch<'a, T: Float>(&self, stream: &'a Arc<CudaStream>) -> Result<Launch<'a>> {
        let launch = Launch::new(stream, OP, &format!("{}_{}", self.kernel, T::NAME))?;
        Ok(launch
            .grid(self.grid.0, self.grid.1, 1)
            .block(self.threads)
            .shared(self.shared))
    }

    /// Adds what both directions take after their tensors, and runs.
    fn run<'a>(
        &self,
        mut launch: Launch<'a>,
        work: &'a mut Option<CudaSlice<f32>>,
        options: &LrnOptions,
    ) -> Result<()> {
        let (images, channels, plane) = self.shape;
        let (before, after) = self.reach;
        if !self.in_registers {
            launch = launch.write_optional(work.as_mut(), self.workspace);
        }
        launch = launch
            .scalar(images)
            .scalar(channels)
            .scalar(plane)
            .scalar(self.chunk);
        launch = match self.in_registers {
            true => launch.scalar(before + after + 1),
            false => launch.scalar(before).scalar(after),
        };
        let scalars = [options.scale(), options.beta, options.k].map(|v| v as f32);
        scalars.into_iter().fold(launch, Launch::scalar).run()
    }
}
