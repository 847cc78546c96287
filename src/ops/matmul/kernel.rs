//! The kernels of `cuda/matmul/`, and which one suits a product.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::OP;
use super::gemm::Gemm;
use crate::element::Float;
use crate::error::Result;
use crate::runtime::grid::multiprocessors;
use crate::runtime::kernels;

/// A kernel, named by its technique and, where there are several, by the side of the square of outputs that one of its
/// blocks computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// `matmul_tiled_128`, for `f32`.
    Tiled128,
    /// `matmul_tiled_64`, for `f32`, and for `bf16` where Tensor Cores do not know it.
    Tiled64,
    /// `matmul_tiled_32`, for `f32`.
    Tiled32,
    /// `matmul_wmma_128`, for `f16`; for `bf16` and, with factors rounded to tf32, `f32` from sm_80 on.
    Wmma128,
    /// `matmul_wmma_64`, likewise.
    Wmma64,
    /// `matmul_wgmma`, for `f16` and `bf16` on compute capability 9.0, where rows and matrices are multiples of 16 bytes
    /// apart. A cluster of two blocks computes 256 x 256 outputs.
    Wgmma,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 6] = [
        Self::Tiled128,
        Self::Tiled64,
        Self::Tiled32,
        Self::Wmma128,
        Self::Wmma64,
        Self::Wgmma,
    ];

    /// Side of the square of outputs that a block, or a cluster of two, computes.
    pub(crate) fn tile(self) -> usize {
        match self {
            Self::Wgmma => 256,
            Self::Tiled128 | Self::Wmma128 => 128,
            Self::Tiled64 | Self::Wmma64 => 64,
            Self::Tiled32 => 32,
        }
    }

    /// Blocks that share a tile.
    pub(super) fn cluster(self) -> usize {
        if self == Self::Wgmma { 2 } else { 1 }
    }

    /// The module (a file of `cuda/matmul/`).
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => "matmul_tiled",
            Self::Wmma128 | Self::Wmma64 => "matmul_wmma",
            Self::Wgmma => "matmul_wgmma",
        }
    }

    /// The entry point for these layouts: `matmul_tiled_128_nt_f32`.
    pub fn entry<T: Float>(self, transpose_a: bool, transpose_b: bool) -> String {
        let letter = |transpose| if transpose { 't' } else { 'n' };
        let ops = [letter(transpose_a), letter(transpose_b)];
        let size = match self {
            Self::Wgmma => String::new(),
            _ => format!("{}_", self.tile()),
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
        let tiles = gemm.m.div_ceil(self.tile()) * gemm.n.div_ceil(self.tile());
        tiles.saturating_mul(gemm.batch)
    }

    /// Dynamic shared memory.
    pub(super) fn shared(self, gemm: &Gemm) -> u32 {
        // A tile of 64-byte pieces of rows pads each row by 16 bytes; one of whole rows has 64 bytes' worth of them,
        // each padded by 8 elements.
        let stage = |contiguous_k| match contiguous_k {
            true => 80 * self.tile(),
            false => 64 * self.tile() + 512,
        };
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => 0,
            Self::Wmma128 | Self::Wmma64 => {
                3 * (stage(!gemm.transpose_a) + stage(gemm.transpose_b)) as u32
            }
            // four stages of (128 + 256) x 64, two buffers of 64 x 64 for either consumer, four pairs of barriers
            Self::Wgmma => 4 * 384 * 128 + 4 * 64 * 128 + 4 * 16,
        }
    }

    /// The kernel that should be fastest: Tensor Cores where they compute what is asked, and of the tiles the one with
    /// the least work for the busiest multiprocessor. Small tiles waste less at the edges and spread further, but
    /// load more for each product; the weights are what that costs.
    ///
    /// # Errors
    /// Whatever the driver answers.
    pub fn choose<T: Float>(stream: &Arc<CudaStream>, gemm: &Gemm) -> Result<Self> {
        let wmma = (T::NAME != "f32" || gemm.allow_tf32) && Self::Wmma64.is_available::<T>(stream);
        let wgmma = wmma && gemm.in_16_bytes::<T>() && Self::Wgmma.is_available::<T>(stream);
        let weighted: &[(Self, usize)] = match (wmma, T::NAME) {
            (true, _) if wgmma => &[(Self::Wgmma, 1), (Self::Wmma128, 2), (Self::Wmma64, 3)],
            (true, _) => &[(Self::Wmma128, 2), (Self::Wmma64, 3)],
            (false, "f32") => &[(Self::Tiled128, 4), (Self::Tiled64, 5), (Self::Tiled32, 8)],
            (false, _) => &[(Self::Tiled64, 1)],
        };
        let multiprocessors = multiprocessors(stream, OP)?;
        let cost = |&&(kernel, weight): &&(Self, usize)| {
            let rounds = (kernel.tiles(gemm) * kernel.cluster()).div_ceil(multiprocessors);
            let area = kernel.tile() * kernel.tile() / kernel.cluster();
            rounds.saturating_mul(weight * area)
        };
        let best = weighted.iter().min_by_key(cost);
        Ok(best.map_or(Self::Tiled32, |&(kernel, _)| kernel))
    }
}
