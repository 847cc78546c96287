//! A training step captured once and replayed: one call to the driver instead of one for each kernel.

use std::sync::Arc;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::runtime::capture::{Capture, Running};

/// Work of a CUDA device that was captured instead of run, and can be run again and again with one call (PyTorch's
/// `torch.cuda.CUDAGraph`). A small model spends most of its time on launching kernels; a replay has that behind it.
///
/// ```
/// use warpsmith::nn::optim::{Adam, Optimizer};
/// use warpsmith::nn::{CrossEntropyLoss, Linear, Module, ReLU, Sequential};
/// use warpsmith::{CudaGraph, Device, Generator, Tensor, data};
///
/// let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
/// let (mut x, mut labels) = data::spiral(3, 100, &mut generator, &device)?;
/// let mut model = Sequential::new()
///     .push(Linear::new(2, 100, &mut generator, &device)?)
///     .push(ReLU::new())
///     .push(Linear::new(100, 3, &mut generator, &device)?);
/// let mut criterion = CrossEntropyLoss::new();
/// let mut adam = Adam::new(1e-2);
/// let mut step = |x: &Tensor<f32>, labels: &Tensor<i32>| {
///     let logits = model.forward(x)?;
///     let loss = criterion.forward(&logits, labels)?;
///     model.backward_parameters(&criterion.backward()?)?;
///     adam.step(&mut model)?;
///     Ok(loss)
/// };
/// // the first step makes the optimizer's state, so it is not captured
/// step(&x, &labels)?;
/// if device.as_cuda().is_some() {
///     let (mut graph, loss) = CudaGraph::capture(&device, || step(&x, &labels))?;
///     for _ in 0..10 {
///         let (next_x, next_labels) = data::spiral(3, 100, &mut generator, &device)?;
///         x.copy_(&next_x)?;
///         labels.copy_(&next_labels)?;
///         graph.replay()?;
///     }
///     println!("{}", loss.item()?);
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// # What a replay does
/// The same kernels with the same memory. So inputs are not passed but written, with
/// [`Tensor::copy_`](crate::Tensor::copy_), into the tensors that the captured work read, and results are read from the
/// tensors that it made, which hold those of the last replay (and nothing before the first).
/// [`Tensor::copy`](crate::Tensor::copy) keeps one.
///
/// A tensor that a graph reads or writes keeps its memory while the graph lives: whatever writes to it writes there, and
/// clones of it, which otherwise are values of their own, see that.
///
/// Step counts of optimizers and masks of [`Dropout`](crate::nn::Dropout) go on with every replay, in one count with steps
/// that are not replayed: n replays are n steps, bit for bit, and a checkpoint is that of all of them. Options, such as a
/// learning rate, are those of the capture, and so is whether a model was in training. Steps that are given as a number
/// ([`ops::adam_step`](crate::ops::adam_step)), and [`DropoutOptions::call`](crate::ops::DropoutOptions::call), stay what
/// they were.
///
/// # What can be captured
/// Whatever stays on the device. What the host has to wait for or to give is an [`Error::Capture`]: `item`, `to_vec`,
/// `from_slice`, `synchronize`; so is writing to a tensor from before whose storage a clone shares, since the two would
/// part in the graph's memory but not outside, and the first step of an optimizer or a scaler, which makes its state. Other threads that
/// use the device meanwhile get an error as well. After an error, or a panic, the device works as before.
///
/// Kernels called over cudarc's buffers are captured too, but the buffers are the program's to keep alive.
pub struct CudaGraph {
    // destroyed before the memory that it uses is given back
    graph: cudarc::driver::CudaGraph,
    capture: Arc<Capture>,
    device: Device,
}

impl CudaGraph {
    /// Calls `work`, which queues work on the device and answers what it makes, but captures the work instead of running
    /// it. On the CPU there is nothing to capture, and a step is best called.
    ///
    /// # Errors
    /// A CPU, whatever `work` answers, what cannot be captured, a device of
    /// [`Device::from_stream`](crate::Device::from_stream) whose context tracks events, or whatever the driver answers.
    pub fn capture<R>(device: &Device, work: impl FnOnce() -> Result<R>) -> Result<(Self, R)> {
        let cpu = || Error::argument("CudaGraph", "a CUDA device", device);
        let stream = device.as_cuda().ok_or_else(cpu)?.stream();
        let running = Running::begin(stream)?;
        let made = work()?;
        let (graph, capture) = running.end()?;
        let device = device.clone();
        let graph = Self {
            graph,
            capture,
            device,
        };
        Ok((graph, made))
    }

    /// Queues the captured work once more, behind whatever is queued on the device.
    ///
    /// # Errors
    /// While another graph is being captured, or whatever the driver answers.
    pub fn replay(&mut self) -> Result<()> {
        const OP: &str = "CudaGraph::replay";
        let launch = || self.graph.launch().map_err(|e| Error::driver(OP, e));
        self.capture.replay(launch)
    }

    /// Bytes of device memory that it keeps for what its work makes; what a step drops, the same step uses again.
    pub fn memory(&self) -> usize {
        self.capture.memory()
    }

    /// The device whose work it is.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl std::fmt::Debug for CudaGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CudaGraph on {}", self.device)
    }
}
