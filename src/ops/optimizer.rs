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

/// Which step it is: a number, and, where the launch is captured for steps to come, the place for what follows from theirs.
pub(crate) struct At {
    pub(crate) step: u64,
    pub(crate) live: Option<Live>,
}

impl At {
    pub(crate) fn step(step: u64) -> Self {
        Self { step, live: None }
    }

    /// What a kernel reads instead of the parameters that follow from the step.
    pub(crate) fn view(&self) -> Option<CudaView<'_, i32>> {
        self.live.as_ref().map(Live::view)
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
    let mut rest = slots
        .iter_mut()
        .filter(|slot| !slot.p.is_empty())
        .peekable();
    let mut ready = Vec::new();
    while rest.peek().is_some() {
        let mut table = Table::new::<T>(stream, op, name, STATES)?;
        for slot in rest.by_ref().take(PARAMETERS) {
            table = table.parameter(&mut slot.p, &slot.g);
            if let Some(copy) = &mut slot.copy {
                table = table.copy(copy);
            }
            table = slot.states.iter_mut().fold(table, Table::state);
        }
        ready.push(table.launch::<T>()?);
    }
    ready.into_iter().try_for_each(run)
}
