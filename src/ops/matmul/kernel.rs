//! The kernels of `cuda/matmul/`: what each computes at once, takes and needs.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::gemm::Gemm;
use crate::element::Float;
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
    /// `matmul_wgmma`, on compute capability 9.0, where rows and matrices are multiples of 16 bytes apart. A cluster of two
    /// blocks computes 256 x 256 outputs. `f32` factors are rounded to tf32 by the copies that bring them, and both go along
    /// their terms: another is transposed first, as for `Mma128`.
    Wgmma,
    /// `matmul_wgmma_128`, likewise, by pairs of 128 x 128 outputs.
    Wgmma128,
    /// `matmul_wgmma_split`, likewise: each sum in parts, as many as fill the device, and `matmul_finish` to add them up.
    WgmmaSplit,
}

/// Blocks for each multiprocessor where sums are cut, as far as they are long enough: one alone waits for memory most of the
/// time.
const BLOCKS_EACH: usize = 2;
/// Bytes of a row that are worth a block's start and a pass over what it leaves.
const LEAST: usize = 1024;

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 16] = [
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
        Self::Wgmma128,
        Self::WgmmaSplit,
    ];

    /// Rows and columns of the outputs that a block, or a cluster of two, computes.
    pub(crate) fn tile(self) -> [usize; 2] {
        match self {
            Self::Wgmma => [256; 2],
            Self::Wgmma128 | Self::WgmmaSplit => [256, 128],
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
            Self::Wgmma | Self::Wgmma128 | Self::WgmmaSplit => 384,
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
        if self.by_boxes() { 2 } else { 1 }
    }

    /// Whether operands and output move by tensor maps ([`Gemm::in_16_bytes`]).
    pub(super) fn by_boxes(self) -> bool {
        self.module() == "matmul_wgmma"
    }

    /// Whether it takes operands in whole pieces of 16 bytes only ([`Gemm::in_pieces`]).
    pub(super) fn needs_pieces(self) -> bool {
        self == Self::Tiled128 || matches!(self.module(), "matmul_mma" | "matmul_split")
    }

    /// Whether there is no such kernel for the layouts of `gemm`, and a factor is transposed first (`turned.rs`).
    pub(super) fn turns<T: Float>(self, gemm: &Gemm) -> bool {
        let along_terms = [!gemm.transpose_a, gemm.transpose_b];
        let takes = match self {
            Self::Mma128x256 | Self::Mma128 => along_terms.contains(&true),
            Self::Wgmma | Self::Wgmma128 | Self::WgmmaSplit => along_terms == [true; 2],
            _ => true,
        };
        T::NAME == "f32" && !takes
    }

    /// The module (a file of `cuda/matmul/`).
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => "matmul_tiled",
            Self::Wmma128 | Self::Wmma64 => "matmul_wmma",
            Self::Mma128x256 | Self::Mma128 | Self::Mma64 | Self::Mma96x128 => "matmul_mma",
            Self::Split64 => "matmul_split",
            Self::ThinRows | Self::ThinCols | Self::ThinTerms => "matmul_thin",
            Self::Wgmma | Self::Wgmma128 | Self::WgmmaSplit => "matmul_wgmma",
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
        let ops = match T::NAME {
            // of what is transposed first
            "f32" if self.by_boxes() => ['n', 't'],
            _ => [letter(transpose_a), letter(transpose_b)],
        };
        let size = match (self, self.tile()) {
            (Self::Wgmma, _) => String::new(),
            // whose sums leave in f32 anyhow
            (Self::WgmmaSplit, _) if T::NAME != "f32" => "split_".into(),
            (Self::Wgmma128 | Self::WgmmaSplit, _) => "128_".into(),
            (_, [rows, cols]) if rows == cols => format!("{rows}_"),
            (_, [rows, cols]) => format!("{rows}x{cols}_"),
        };
        format!("{}_{size}{}{}_{}", self.module(), ops[0], ops[1], T::NAME)
    }

    /// Whether the stream's device has this kernel for `T`.
    pub fn is_available<T: Float>(self, stream: &Arc<CudaStream>) -> bool {
        let entry = self.entry::<T>(false, false);
        kernels::is_available(stream.context(), self.module(), &entry)
    }

    /// Output tiles; or pairs of them, which lie as fewer do.
    pub(super) fn tiles(self, gemm: &Gemm) -> usize {
        let [rows, cols] = match self.tile() {
            [rows, cols] if self.lies_across(gemm) => [cols, rows],
            tile => tile,
        };
        let tiles = gemm.m.div_ceil(rows) * gemm.n.div_ceil(cols);
        tiles.saturating_mul(gemm.batch)
    }

    /// Whether a cluster's two tiles lie side by side, not one below the other.
    pub(super) fn lies_across(self, gemm: &Gemm) -> bool {
        let pairs = |rows, cols| gemm.m.div_ceil(rows) * gemm.n.div_ceil(cols);
        let [rows, cols] = self.tile();
        matches!(self, Self::Wgmma128 | Self::WgmmaSplit) && pairs(cols, rows) < pairs(rows, cols)
    }

    /// How the sums of a product are cut by [`Kernel::Split64`], [`Kernel::WgmmaSplit`] and the thin ones: terms of a part, a
    /// multiple of the bytes that a step of the kernel has, and parts.
    pub(super) fn parts<T: Float>(self, gemm: &Gemm, multiprocessors: usize) -> (usize, usize) {
        let tiles = self.tiles(gemm).max(1);
        let (wanted, step) = match self {
            // whose ring is filled far ahead: one block is enough for a multiprocessor, and a second round is for nothing
            Self::WgmmaSplit => (multiprocessors / self.cluster() / tiles, 128),
            _ => ((BLOCKS_EACH * multiprocessors).div_ceil(tiles), 64),
        };
        let most = gemm.k * size_of::<T>() / LEAST;
        let step = step / size_of::<T>();
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
            // stages of so many rows of 128 bytes, two buffers of 64 rows for either consumer, a pair of barriers to a stage
            Self::Wgmma => 4 * (128 + 256) * 128 + 4 * 64 * 128 + 4 * 16,
            Self::Wgmma128 | Self::WgmmaSplit => 6 * (128 + 128) * 128 + 4 * 64 * 128 + 6 * 16,
        };
        bytes as u32
    }
}
