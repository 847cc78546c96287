//! The kernels of `cuda/matmul/`, and which one suits a product.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::OP;
use super::gemm::Gemm;
use super::turned::Turned;
use crate::element::Float;
use crate::error::Result;
use crate::runtime::grid::multiprocessors;
use crate::runtime::kernels;

/// A kernel, named by its technique and, where there are several, by the outputs that one of its blocks computes: the side of
/// a square, or rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// `matmul_tiled_128`, for `f32`, where `a` and `b` are stored in whole pieces of 16 bytes.
    Tiled128,
    /// `matmul_tiled_64`, for `f32`, and for `bf16` where Tensor Cores do not know it.
    Tiled64,
    /// `matmul_tiled_32`, for `f32`.
    Tiled32,
    /// `matmul_wmma_128`, for `f16`; for `bf16` and, with factors rounded to tf32, `f32` from sm_80 on.
    Wmma128,
    /// `matmul_wmma_64`, likewise.
    Wmma64,
    /// `matmul_mma_128x256`, from sm_80 on, where `a` and `b` are stored in whole pieces of 16 bytes. Of `f32` factors, what
    /// tf32 has no room for is cut off; where neither goes along its terms, the smaller one is transposed first, which must
    /// have no gaps, and the terms be a multiple of 4.
    Mma128x256,
    /// `matmul_mma_128`, likewise.
    Mma128,
    /// `matmul_mma_64`, likewise.
    Mma64,
    /// `conv2d_mma_96x128`, of which only convolutions have one.
    Mma96x128,
    /// `matmul_split_64`, likewise: each sum in parts, as many as fill the device, and `matmul_finish` to add them up.
    Split64,
    /// `matmul_thin_dots` or `matmul_thin_sums`, whichever reads `b` along its rows, for at most 16 rows; long sums in parts.
    ThinRows,
    /// Likewise with `a`, for at most 16 columns.
    ThinCols,
    /// `matmul_thin_terms`, for at most 16 terms to a sum.
    ThinTerms,
    /// `matmul_wgmma`, for `f16` and `bf16` on compute capability 9.0, where rows and matrices are multiples of 16 bytes
    /// apart. A cluster of two blocks computes 256 x 256 outputs.
    Wgmma,
}

/// Blocks for each multiprocessor where sums are cut, as far as they are long enough: one alone waits for memory most of the
/// time.
const BLOCKS_EACH: usize = 2;
/// Bytes of a row that are worth a block's start and a pass over what it leaves.
const LEAST: usize = 1024;

/// Most rows, columns or terms, whichever a kernel of `matmul_thin` wants few of.
pub(super) const FEW: usize = 16;
/// Rows, columns or terms of a product that are too few for Tensor Cores.
const FEW_ON_TENSOR_CORES: usize = 4;

/// Which buffers of a product begin at a multiple of 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Aligned {
    pub(super) operands: bool,
    pub(super) output: bool,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 14] = [
        Self::Tiled128,
        Self::Tiled64,
        Self::Tiled32,
        Self::Wmma128,
        Self::Wmma64,
        Self::Mma128x256,
        Self::Mma128,
        Self::Mma64,
        Self::Mma96x128,
        Self::Split64,
        Self::ThinRows,
        Self::ThinCols,
        Self::ThinTerms,
        Self::Wgmma,
    ];

    /// Rows and columns of the outputs that a block, or a cluster of two, computes.
    pub(crate) fn tile(self) -> [usize; 2] {
        match self {
            Self::Wgmma => [256; 2],
            Self::Mma128x256 => [128, 256],
            Self::Mma96x128 => [96, 128],
            Self::Tiled128 | Self::Wmma128 | Self::Mma128 => [128; 2],
            Self::Tiled64 | Self::Wmma64 | Self::Mma64 | Self::Split64 => [64; 2],
            Self::Tiled32 => [32; 2],
            Self::ThinRows => [16, 32],
            Self::ThinCols => [32, 16],
            Self::ThinTerms => [32, 128],
        }
    }

    /// Threads of a block.
    pub(crate) fn threads(self) -> u32 {
        match self {
            Self::Wgmma => 384,
            Self::Wmma128 | Self::Mma128x256 => 256,
            Self::Tiled128
            | Self::Tiled64
            | Self::Wmma64
            | Self::Mma128
            | Self::Mma64
            | Self::Mma96x128
            | Self::Split64
            | Self::ThinRows
            | Self::ThinCols
            | Self::ThinTerms => 128,
            Self::Tiled32 => 64,
        }
    }

    /// Blocks that share a tile.
    pub(super) fn cluster(self) -> usize {
        if self == Self::Wgmma { 2 } else { 1 }
    }

    /// Whether it takes operands in whole pieces of 16 bytes only ([`Gemm::in_pieces`]).
    pub(super) fn needs_pieces(self) -> bool {
        self == Self::Tiled128 || matches!(self.module(), "matmul_mma" | "matmul_split")
    }

    /// Whether there is no such kernel for the layouts of `gemm`, and a factor is transposed first ([`Turned`]).
    pub(super) fn turns<T: Float>(self, gemm: &Gemm) -> bool {
        let large = matches!(self, Self::Mma128x256 | Self::Mma128);
        large && T::NAME == "f32" && gemm.transpose_a && !gemm.transpose_b
    }

    /// The module (a file of `cuda/matmul/`).
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => "matmul_tiled",
            Self::Wmma128 | Self::Wmma64 => "matmul_wmma",
            Self::Mma128x256 | Self::Mma128 | Self::Mma64 | Self::Mma96x128 => "matmul_mma",
            Self::Split64 => "matmul_split",
            Self::ThinRows | Self::ThinCols | Self::ThinTerms => "matmul_thin",
            Self::Wgmma => "matmul_wgmma",
        }
    }

    /// The entry point for these layouts: `matmul_tiled_128_nt_f32`.
    pub fn entry<T: Float>(self, transpose_a: bool, transpose_b: bool) -> String {
        let thin = match self {
            Self::ThinRows if transpose_b => "dots",
            Self::ThinCols if !transpose_a => "dots",
            Self::ThinRows | Self::ThinCols => "sums",
            Self::ThinTerms => "terms",
            _ => "",
        };
        if !thin.is_empty() {
            return format!("{}_{thin}_{}", self.module(), T::NAME);
        }
        let letter = |transpose| if transpose { 't' } else { 'n' };
        let ops = [letter(transpose_a), letter(transpose_b)];
        let size = match self.tile() {
            _ if self == Self::Wgmma => String::new(),
            [rows, cols] if rows == cols => format!("{rows}_"),
            [rows, cols] => format!("{rows}x{cols}_"),
        };
        format!("{}_{size}{}{}_{}", self.module(), ops[0], ops[1], T::NAME)
    }

    /// Whether the stream's device has this kernel for `T`.
    pub fn is_available<T: Float>(self, stream: &Arc<CudaStream>) -> bool {
        let entry = self.entry::<T>(false, false);
        kernels::is_available(stream.context(), self.module(), &entry)
    }

    /// Output tiles.
    pub(super) fn tiles(self, gemm: &Gemm) -> usize {
        let [rows, cols] = self.tile();
        let tiles = gemm.m.div_ceil(rows) * gemm.n.div_ceil(cols);
        tiles.saturating_mul(gemm.batch)
    }

    /// How the sums of a product are cut by [`Kernel::Split64`] and the thin ones: terms of a part, a multiple of the 64 bytes that
    /// a step of the former has, and parts.
    pub(super) fn parts<T: Float>(self, gemm: &Gemm, multiprocessors: usize) -> (usize, usize) {
        let wanted = (BLOCKS_EACH * multiprocessors).div_ceil(self.tiles(gemm).max(1));
        let most = gemm.k * size_of::<T>() / LEAST;
        let step = 64 / size_of::<T>();
        let part = gemm.k.div_ceil(wanted.min(most).max(1));
        let part = part.next_multiple_of(step).max(step);
        (part, gemm.k.div_ceil(part).max(1))
    }

    /// Dynamic shared memory.
    pub(super) fn shared(self, gemm: &Gemm) -> u32 {
        let [rows, cols] = self.tile();
        let bytes = match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => 0,
            Self::ThinRows | Self::ThinCols | Self::ThinTerms => 0,
            // A tile of 64-byte pieces of rows pads each row by 16 bytes; one of whole rows has 64 bytes' worth of them,
            // each padded by 8 elements.
            Self::Wmma128 | Self::Wmma64 => {
                let stage = |contiguous_k| match contiguous_k {
                    true => 80 * rows,
                    false => 64 * rows + 512,
                };
                3 * (stage(!gemm.transpose_a) + stage(gemm.transpose_b))
            }
            Self::Mma128x256 | Self::Mma128 | Self::Mma96x128 => 3 * 64 * (rows + cols),
            Self::Mma64 | Self::Split64 => 4 * 64 * (rows + cols),
            // four stages of (128 + 256) x 64, two buffers of 64 x 64 for either consumer, four pairs of barriers
            Self::Wgmma => 4 * 384 * 128 + 4 * 64 * 128 + 4 * 16,
        };
        bytes as u32
    }

    /// The kernel that should be fastest: Tensor Cores where they compute what is asked, and of the tiles the one with
    /// the least work for the busiest multiprocessor. Small tiles waste less at the edges and spread further, but
    /// load more for each product; the weights are what that costs.
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn choose<T: Float>(stream: &Arc<CudaStream>, gemm: &Gemm) -> Result<Self> {
        let aligned = Aligned {
            operands: true,
            output: true,
        };
        Self::suited::<T>(stream, gemm, aligned)
    }

    /// The kernel for a product of which a tile would be mostly empty; Tensor Cores, where they could compute it, do not mind as soon.
    fn thin(gemm: &Gemm, on_tensor_cores: bool) -> Option<Self> {
        let most = if on_tensor_cores {
            FEW_ON_TENSOR_CORES
        } else {
            FEW
        };
        let few = [
            (gemm.m, Self::ThinRows),
            (gemm.n, Self::ThinCols),
            (gemm.k, Self::ThinTerms),
        ];
        let lines = few[..2].iter().min_by_key(|(size, _)| *size);
        let found = lines.into_iter().chain(&few[2..]);
        found
            .filter(|(size, _)| *size <= most)
            .map(|(_, thin)| *thin)
            .next()
    }

    /// [`Kernel::choose`], for buffers that may begin anywhere.
    pub(super) fn suited<T: Float>(
        stream: &Arc<CudaStream>,
        gemm: &Gemm,
        aligned: Aligned,
    ) -> Result<Self> {
        let cores = T::NAME != "f32" || gemm.allow_tf32;
        let has = |kernel: Self| kernel.is_available::<T>(stream);
        if let Some(thin) = Self::thin(gemm, cores && has(Self::Wmma64)) {
            return Ok(thin);
        }
        let boxes = aligned.operands && aligned.output && gemm.in_16_bytes::<T>();
        let multiprocessors = multiprocessors(stream, OP)?;
        let wgmma = (cores && boxes && has(Self::Wgmma)).then_some((Self::Wgmma, 10));
        let pieces = aligned.operands && gemm.in_pieces::<T>();
        let others: &[(Self, usize)] = if cores && pieces && has(Self::Mma64) {
            &[
                (Self::Mma128x256, 19),
                (Self::Mma128, 20),
                (Self::Mma64, 30),
                (Self::Split64, 36),
            ]
        } else if cores && has(Self::Wmma64) {
            &[(Self::Wmma128, 40), (Self::Wmma64, 60)]
        } else if T::NAME == "f32" && pieces {
            &[(Self::Tiled128, 4), (Self::Tiled64, 5), (Self::Tiled32, 8)]
        } else if T::NAME == "f32" {
            &[(Self::Tiled64, 5), (Self::Tiled32, 8)]
        } else {
            &[(Self::Tiled64, 1)]
        };
        let turned = Turned::of(gemm);
        let cost = |&(kernel, weight): &(Self, usize)| {
            let parts = match kernel {
                Self::Split64 => Self::Split64.parts::<T>(gemm, multiprocessors).1,
                _ => 1,
            };
            let rounds = (kernel.tiles(gemm) * kernel.cluster() * parts).div_ceil(multiprocessors);
            // a block that is alone takes as long as two together
            let rounds = match kernel {
                Self::Mma64 | Self::Split64 => rounds.max(2),
                _ => rounds,
            };
            let area = kernel.tile().iter().product::<usize>() / kernel.cluster();
            let multiplying = rounds.saturating_mul(weight * area) / parts;
            let copying = match &turned {
                // in units of the tiles' weights, which leave out the terms that all have
                Some(turned) if kernel.turns::<T>(gemm) => {
                    let cost = turned.cost(multiprocessors) / gemm.k.max(1);
                    cost.saturating_mul(20)
                }
                _ => 0,
            };
            multiplying.saturating_add(copying)
        };
        let others = others
            .iter()
            .filter(|(kernel, _)| turned.is_some() || !kernel.turns::<T>(gemm));
        let best = wgmma.into_iter().chain(others.copied());
        let best = best.min_by_key(cost);
        Ok(best.map_or(Self::Tiled32, |(kernel, _)| kernel))
    }
}
