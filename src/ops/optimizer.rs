//! What the optimizers share: a step goes over all parameters of a model at once. This is the host's side of
//! `cuda/optimizer.cuh`.

use std::sync::Arc;

use cudarc::driver::{CudaStream, CudaView, CudaViewMut, DevicePtr, DevicePtrMut};

use half::{bf16, f16};

use crate::element::Float;
use crate::error::{Error, Result};
use crate::runtime::launch::Launch;
use crate::runtime::live::Live;
use crate::tensor::Tensor;

/// Parameters of one launch, as `cuda/optimizer.cuh` has it; more take more launches.
const PARAMETERS: usize = 64;
/// Words before the states in a row of the table: addresses of the parameter and its gradient, a word of sizes, the address of
/// the copy or 0.
const STATE: usize = 4;
const SIZES: usize = 2;
const COPY: usize = 3;
/// In the word of sizes, below the length, the type of the copy, and below that the end of the parameter's blocks.
const LENGTH_AT: u32 = 26;
const TYPE_AT: u32 = 24;

/// One of the parameters that a step changes: its values, their gradient, and what the optimizer remembers of it, in the
/// order of its single-parameter function.
#[derive(Debug)]
pub struct Slot<'a, T: Float, const STATES: usize> {
    /// The values, which change.
    pub param: &'a mut Tensor<T>,
    /// Their gradient, of the same shape.
    pub grad: &'a Tensor<T>,
    /// What is remembered, `f32` whatever the parameter is, each of the same shape.
    pub states: [&'a mut Tensor<f32>; STATES],
    /// Where the new values go once more, if they do.
    pub copy: Option<HalfCopy<'a>>,
}

/// The values of a parameter rounded to a half, of the same shape: what a forward in that type computes with. A step that
/// writes it saves the pass that would make it.
#[derive(Debug)]
pub enum HalfCopy<'a> {
    /// In bf16.
    Bf16(&'a mut Tensor<bf16>),
    /// In f16.
    F16(&'a mut Tensor<f16>),
}

impl HalfCopy<'_> {
    /// The same for as long as this is borrowed.
    pub(crate) fn reborrow(&mut self) -> HalfCopy<'_> {
        match self {
            Self::Bf16(copy) => HalfCopy::Bf16(copy),
            Self::F16(copy) => HalfCopy::F16(copy),
        }
    }
}

/// [`Slot`] over cudarc's buffers: `as_view_mut`, `slice_mut` and the like make views of them. Gradient and states are at
/// least as long as the parameter.
#[derive(Debug)]
pub struct CudaSlot<'a, T: Float, const STATES: usize> {
    /// The values, which change.
    pub p: CudaViewMut<'a, T>,
    /// Their gradient.
    pub g: CudaView<'a, T>,
    /// What is remembered.
    pub states: [CudaViewMut<'a, f32>; STATES],
    /// Where the new values go once more, if they do.
    pub copy: Option<CudaHalfCopy<'a>>,
}

/// [`HalfCopy`] over a view of cudarc's buffers.
#[derive(Debug)]
pub enum CudaHalfCopy<'a> {
    /// In bf16.
    Bf16(CudaViewMut<'a, bf16>),
    /// In f16.
    F16(CudaViewMut<'a, f16>),
}

/// What a scaled loss leaves for the optimizer to do ([`GradScaler`](crate::nn::GradScaler)), both of one element and on the
/// parameters' device, so that the host need not know them.
#[derive(Clone, Copy, Debug)]
pub struct Scaling<'a> {
    /// What the gradients are multiplied with, where the step is to divide by it.
    pub scale: Option<&'a Tensor<f32>>,
    /// Not 0 where a gradient is not finite, and the step changes nothing.
    pub found_inf: &'a Tensor<f32>,
}

/// What the scalars of a step follow from beside its number, 0 where an optimizer has none of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) lr: f64,
    pub(crate) lr_decay: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    /// Of the parameter itself, in learning rates.
    pub(crate) decay: f64,
}

/// Scalars that follow from the number of a step and the learning rate.
pub(crate) const LIVE: usize = 4;

impl Rates {
    /// What a kernel finds where they lie in memory (`cuda/optimizer.cuh`): `lr / ((1 - beta1^step) (1 + (step - 1) lr_decay))`,
    /// whether it is the first step, `1 / sqrt(1 - beta2^step)` and `1 - lr * decay`, rounded once from f64.
    pub(crate) fn at(&self, step: u64) -> [f32; LIVE] {
        let bias = |beta| 1.0 - power(beta, step);
        let slower = 1.0 + step.saturating_sub(1) as f64 * self.lr_decay;
        [
            (self.lr / (bias(self.beta1) * slower)) as f32,
            if step == 1 { 1.0 } else { 0.0 },
            bias(self.beta2).sqrt().recip() as f32,
            (1.0 - self.lr * self.decay) as f32,
        ]
    }
}

/// By multiplications alone, as `cuda/amp.cu` has them, where `powf` is the platform's.
fn power(mut x: f64, mut n: u64) -> f64 {
    let mut y = 1.0;
    while n > 0 {
        if n & 1 == 1 {
            y *= x;
        }
        x *= x;
        n >>= 1;
    }
    y
}

/// Which step it is: a number, and what only the device knows of it.
#[derive(Default)]
pub(crate) struct At<'a> {
    pub(crate) step: u64,
    /// Where the launch is captured for steps to come, the place for what follows from theirs.
    pub(crate) live: Option<Live>,
    /// Where the device counts the steps, what it makes of its count.
    pub(crate) counted: Option<&'a Tensor<f32>>,
    pub(crate) scaling: Option<Scaling<'a>>,
}

impl<'a> At<'a> {
    pub(crate) fn step(step: u64) -> Self {
        Self {
            step,
            ..Self::default()
        }
    }

    /// What gradients on the CPU are multiplied with.
    pub(crate) fn inverse(&self, op: &'static str) -> Result<f32> {
        match self.scaling.and_then(|scaling| scaling.scale) {
            None => Ok(1.0),
            Some(scale) => Ok(scale.data().cpu(op)?[0].recip()),
        }
    }

    /// Runs a launch that lacks only what the device knows.
    pub(crate) fn run(&self, op: &'static str, launch: Launch<'_>) -> Result<()> {
        let side = |x: Option<&'a Tensor<f32>>| x.map(|x| x.data().cuda(op)).transpose();
        let scale = side(self.scaling.and_then(|scaling| scaling.scale))?;
        let found_inf = side(self.scaling.map(|scaling| scaling.found_inf))?;
        let counted = side(self.counted)?;
        let live = self.live.as_ref().map(Live::view);
        let launch = match counted {
            Some(counted) => launch.read(counted, LIVE),
            None => launch.read_optional(live.as_ref(), LIVE),
        };
        let launch = launch.read_optional(scale, 1);
        launch.read_optional(found_inf, 1).run()
    }
}

/// The error of a step with momentum that has no velocity to keep it in.
pub(crate) fn no_velocity(op: &'static str) -> Error {
    Error::argument(op, "a velocity, as momentum is not 0", "none")
}

/// A launch under construction whose first parameter is the table of `cuda/optimizer.cuh`.
pub(crate) struct Table<'a> {
    launch: Launch<'a>,
    /// Words of a row.
    width: usize,
    words: Vec<u64>,
    lengths: Vec<usize>,
}

impl<'a> Table<'a> {
    /// A table without rows for the kernel `<name>_<T>`, whose parameters have so many states.
    pub(crate) fn new<T: Float>(
        stream: &'a Arc<CudaStream>,
        op: &'static str,
        name: &str,
        states: usize,
    ) -> Result<Self> {
        Ok(Self {
            launch: Launch::new(stream, op, &format!("{name}_{}", T::NAME))?,
            width: STATE + states,
            words: Vec::with_capacity(PARAMETERS * (STATE + states)),
            lengths: Vec::with_capacity(PARAMETERS),
        })
    }

    /// One more row: a parameter that is not empty, and its gradient. Its states follow.
    pub(crate) fn parameter<T>(
        mut self,
        p: &'a mut impl DevicePtrMut<T>,
        g: &'a impl DevicePtr<T>,
    ) -> Self {
        let n = p.len();
        let addresses = [self.launch.address_mut(p, n), self.launch.address(g, n)];
        self.gradient(addresses, n)
    }

    /// One more row for a kernel that looks at gradients alone: one that is not empty.
    pub(crate) fn read_only<T>(mut self, g: &'a impl DevicePtr<T>) -> Self {
        let address = self.launch.address(g, g.len());
        self.gradient([0, address], g.len())
    }

    /// [`Table::read_only`], to be written as well.
    pub(crate) fn in_place<T>(mut self, g: &'a mut impl DevicePtrMut<T>) -> Self {
        let n = g.len();
        let address = self.launch.address_mut(g, n);
        self.gradient([address; 2], n)
    }

    fn gradient(mut self, addresses: [u64; 2], n: usize) -> Self {
        self.words.extend(addresses);
        self.words.extend([(n as u64) << LENGTH_AT, 0]);
        self.lengths.push(n);
        self
    }

    /// The copy of the parameter that came last, where its states do not follow yet.
    fn copy(mut self, copy: &'a mut CudaHalfCopy<'_>) -> Self {
        let n = self.lengths.last().copied().unwrap_or_default();
        let (code, address) = match copy {
            CudaHalfCopy::Bf16(copy) => (0, self.launch.address_mut(copy, n)),
            CudaHalfCopy::F16(copy) => (1, self.launch.address_mut(copy, n)),
        };
        if let Some(row) = self.words.last_chunk_mut::<STATE>() {
            row[SIZES] |= code << TYPE_AT;
            row[COPY] = address;
        }
        self
    }

    /// A state of the parameter that came last.
    pub(crate) fn state(mut self, state: &'a mut impl DevicePtrMut<f32>) -> Self {
        let n = self.lengths.last().copied().unwrap_or_default();
        let address = self.launch.address_mut(state, n);
        self.words.push(address);
        self
    }

    /// The launch with its grid and its table, but without the kernel's other parameters.
    pub(crate) fn launch<T: Float>(self) -> Result<Launch<'a>> {
        let (launch, ends) = self.launch.deal::<T>(&self.lengths);
        let mut words = self.words;
        for (row, end) in words.chunks_mut(self.width).zip(&ends) {
            row[SIZES] |= *end;
        }
        // the kernel bisects: what is not used ends where the last one does
        let mut unused = vec![0; self.width];
        unused[SIZES] = ends.last().copied().unwrap_or_default();
        while words.len() < PARAMETERS * self.width {
            words.extend_from_slice(&unused);
        }
        launch.table(&words).ready()
    }
}

/// Runs `<name>_<T>` over all slots, with as few launches as their number allows; `run` adds the parameters behind the
/// table. Every slot is checked before the first launch.
pub(crate) fn launches<T: Float, const STATES: usize>(
    stream: &Arc<CudaStream>,
    op: &'static str,
    name: &str,
    slots: &mut [CudaSlot<'_, T, STATES>],
    run: impl Fn(Launch<'_>) -> Result<()>,
) -> Result<()> {
    let slots = slots.iter_mut().filter(|slot| !slot.p.is_empty());
    let table = || Table::new::<T>(stream, op, name, STATES);
    let ready = tables::<T, _>(slots, table, |table, slot| {
        let mut table = table.parameter(&mut slot.p, &slot.g);
        if let Some(copy) = &mut slot.copy {
            table = table.copy(copy);
        }
        slot.states.iter_mut().fold(table, Table::state)
    })?;
    ready.into_iter().try_for_each(run)
}

/// As few tables as there is room for all rows in, each a launch without the kernel's other parameters.
pub(crate) fn tables<'a, T: Float, R>(
    rows: impl Iterator<Item = R>,
    table: impl Fn() -> Result<Table<'a>>,
    add: impl Fn(Table<'a>, R) -> Table<'a>,
) -> Result<Vec<Launch<'a>>> {
    let (mut rows, mut ready) = (rows.peekable(), Vec::new());
    while rows.peek().is_some() {
        let filled = rows.by_ref().take(PARAMETERS).fold(table()?, &add);
        ready.push(filled.launch::<T>()?);
    }
    Ok(ready)
}
