//! Which kernel of `cuda/conv2d/` runs on which grid, and what all of them take.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::padded::Padded;
use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::matmul::cuda::Kernel;
use crate::runtime::grid::multiprocessors;
use crate::runtime::kernels;
use crate::runtime::launch::Launch;

/// How the entry points of an input's gradient are called.
pub(super) const BACKWARD_INPUT: &str = "_backward_input";
/// And those of the weights'.
pub(super) const BACKWARD_WEIGHT: &str = "_backward_weight";

impl Conv {
    /// Rows and columns of a group's product.
    pub(super) fn product(&self, kind: &str) -> [usize; 2] {
        let [input, output] = self.planes().map(|plane| self.images * plane);
        match kind {
            BACKWARD_INPUT => [self.inputs, input],
            BACKWARD_WEIGHT => [self.outputs, self.terms()],
            _ => [self.outputs, output],
        }
    }
}

/// One tile of a product to a block: that of matmul's kernel of this name.
#[derive(Clone, Copy)]
pub(super) struct Tile(Kernel);

impl Tile {
    /// The tile of a kernel that the caller chose.
    pub(super) fn of(kernel: Kernel) -> Result<Self> {
        match kernel {
            Kernel::Tiled128 | Kernel::Tiled64 | Kernel::Tiled32 => Ok(Self(kernel)),
            Kernel::Wmma128 | Kernel::Wmma64 => Ok(Self(kernel)),
            Kernel::Mma128 | Kernel::Mma96x128 | Kernel::Mma64 => Ok(Self(kernel)),
            _ => {
                let got = format!("{kernel:?}");
                let expected = "a tiled, a wmma or an mma kernel of at most 128 columns";
                Err(Error::argument(OP, expected, got))
            }
        }
    }

    /// The tile with the least work for the busiest multiprocessor, as `matmul` weighs it, of those that there are for it.
    pub(super) fn choose<T: Float>(
        stream: &Arc<CudaStream>,
        conv: &Conv,
        kind: &str,
    ) -> Result<Self> {
        let [m, n] = conv.product(kind);
        let has = |kernel: Kernel| {
            let (module, entry) = Self(kernel).entry::<T>(kind);
            kernels::is_available(stream.context(), module, &entry)
        };
        let cores = T::NAME != "f32" || conv.allow_tf32;
        let of_input = || Padded::input::<T>(conv).is_worth::<T>();
        let worth = || match kind {
            BACKWARD_INPUT => Padded::gradient(conv).is_worth::<T>(),
            BACKWARD_WEIGHT => of_input() && Padded::plain_gradient(conv).is_worth::<T>(),
            _ => of_input(),
        };
        let mma = cores && has(Kernel::Mma64) && worth();
        let wmma = cores && has(Kernel::Wmma64);
        let (weighted, least): (&[(Kernel, usize)], Kernel) = match (mma, wmma) {
            (true, _) => (
                &[
                    (Kernel::Mma128, 20),
                    (Kernel::Mma96x128, 22),
                    (Kernel::Mma64, 30),
                ],
                Kernel::Mma64,
            ),
            (_, true) => (&[(Kernel::Wmma128, 2), (Kernel::Wmma64, 3)], Kernel::Wmma64),
            _ => (
                &[
                    (Kernel::Tiled128, 4),
                    (Kernel::Tiled64, 5),
                    (Kernel::Tiled32, 8),
                ],
                Kernel::Tiled64,
            ),
        };
        let count = multiprocessors(stream, OP)?;
        let cost = |&&(kernel, weight): &&(Kernel, usize)| {
            let tile = Self(kernel);
            let blocks = conv.groups * tile.tiles(m, n);
            let [rows, cols] = kernel.tile();
            // the parts of the weights' sums fill the device whatever their tile
            let rounds = match kind {
                BACKWARD_WEIGHT => blocks,
                _ => blocks.div_ceil(count),
            };
            rounds.saturating_mul(weight * rows * cols)
        };
        let there = weighted.iter().filter(|(kernel, _)| has(*kernel));
        let best = there.min_by_key(cost);
        Ok(Self(best.map_or(least, |&(kernel, _)| kernel)))
    }

    /// Columns of a tile, and but for one also its rows.
    fn side(self) -> usize {
        self.0.tile()[1]
    }

    fn is_wmma(self) -> bool {
        matches!(self.0, Kernel::Wmma128 | Kernel::Wmma64)
    }

    pub(super) fn is_mma(self) -> bool {
        matches!(self.0, Kernel::Mma128 | Kernel::Mma96x128 | Kernel::Mma64)
    }

    pub(super) fn entry<T: Float>(self, kind: &str) -> (&'static str, String) {
        let (module, kind) = match (self.is_mma(), self.is_wmma()) {
            // to which the input's gradient is a convolution like another
            (true, _) if kind == BACKWARD_INPUT => ("conv2d_mma", ""),
            (true, _) => ("conv2d_mma", kind),
            (_, true) => ("conv2d_wmma", kind),
            _ => ("conv2d_tiled", kind),
        };
        let size = match self.0.tile() {
            [rows, cols] if rows == cols => format!("{rows}"),
            [rows, cols] => format!("{rows}x{cols}"),
        };
        (module, format!("{module}_{size}{kind}_{}", T::NAME))
    }

    pub(super) fn tiles(self, m: usize, n: usize) -> usize {
        let [rows, cols] = self.0.tile();
        m.div_ceil(rows) * n.div_ceil(cols)
    }

    /// The kernel on `batch` products of m by n, with dynamic shared memory for the stages of both operands. In those of wmma
    /// `by_k` says whether the first one's rows go along k, 16 bytes of padding each, or across it, 8 elements.
    pub(super) fn launch<'a, T: Float>(
        self,
        stream: &'a Arc<CudaStream>,
        kind: &str,
        batch: usize,
        [m, n]: [usize; 2],
        by_k: bool,
    ) -> Result<Launch<'a>> {
        let (module, entry) = self.entry::<T>(kind);
        let across = 64 * self.side() + 512;
        let first = if by_k { 80 * self.side() } else { across };
        let shared = match self.0 {
            Kernel::Mma128 => 3 * 64 * (128 + 128),
            Kernel::Mma96x128 => 3 * 64 * (96 + 128),
            Kernel::Mma64 => 4 * 64 * (64 + 64),
            _ if self.is_wmma() => 3 * (first + across),
            _ => 0,
        };
        Ok(Launch::new(stream, module, &entry)?
            .grid(batch.saturating_mul(self.tiles(m, n)), 1, 1)
            .block(self.0.threads())
            .shared(shared as u32))
    }

    /// Rows of the matrix of windows from one that a thread fetches to its next.
    pub(super) fn step<T: Float>(self) -> usize {
        match (self.is_wmma(), size_of::<T>()) {
            (true, 2) => 16,
            (true, _) => 8,
            // a thread takes four columns
            (false, _) => self.0.threads() as usize / (self.side() / 4),
        }
    }
}

/// What every kernel takes of a convolution; [`Conv::new`] has checked that it fits.
pub(super) fn geometry<'a>(launch: Launch<'a>, conv: &Conv, step: usize) -> Launch<'a> {
    let [kh, kw] = conv.window.kernel;
    let [input, output] = conv.planes();
    let scalars = [conv.inputs, conv.outputs, conv.groups, input, output];
    let digits = [step / (kh * kw), step / kw % kh, step % kw];
    let sides = [conv.plane, conv.output];
    let all = scalars.iter().chain(&digits).chain(sides.iter().flatten());
    all.fold(launch, |launch, &scalar| launch.scalar(scalar as i32))
        .window(&conv.window)
}
