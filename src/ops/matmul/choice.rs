//! Which kernel suits a product.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::OP;
use super::gemm::Gemm;
use super::kernel::Kernel;
use super::turned::Turned;
use crate::element::Float;
use crate::error::Result;
use crate::runtime::grid::multiprocessors;

/// Most rows, columns or terms, whichever a kernel of `matmul_thin` wants few of.
pub(super) const FEW: usize = 16;
/// Rows, columns or terms of a product that are too few for Tensor Cores.
const FEW_ON_TENSOR_CORES: usize = 4;

/// Outputs of a product that is worth a cluster's start: those of its smallest tile.
const LEAST_OF_BOXES: usize = 128 * 128;

/// Multiplications of a multiprocessor's Tensor Cores in the time that its share of memory moves a byte, by data sheets: 46 on
/// an A100, 41 on an RTX 4090, 68 on an H100.
const A_BYTE: usize = 50;
/// And in the time that one more launch takes.
const A_LAUNCH: usize = 1 << 21;

/// What a pass over so many bytes costs, in multiplications of one of so many multiprocessors.
fn pass(bytes: usize, multiprocessors: usize) -> usize {
    A_LAUNCH.saturating_add(bytes.saturating_mul(A_BYTE) / multiprocessors)
}

/// Which buffers of a product begin at a multiple of 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Aligned {
    pub(super) operands: bool,
    pub(super) output: bool,
}

impl Kernel {
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
        let boxes = boxes && gemm.outputs() >= LEAST_OF_BOXES;
        let multiprocessors = multiprocessors(stream, OP)?;
        let wgmma: &[(Self, usize)] = match cores && boxes && has(Self::Wgmma) {
            // smaller tiles ask the L2 for half as much again
            true => &[
                (Self::Wgmma, 10),
                (Self::Wgmma128, 14),
                (Self::WgmmaSplit, 15),
            ],
            false => &[],
        };
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
        let cost = |&(kernel, weight): &(Self, usize)| {
            let parts = match kernel {
                Self::Split64 | Self::WgmmaSplit => kernel.parts::<T>(gemm, multiprocessors).1,
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
            let passes = kernel.copying::<T>(gemm, multiprocessors)?;
            let passes = passes.saturating_add(match parts {
                1 => 0,
                // parts are written, and read when they are added up
                _ => pass(gemm.outputs().saturating_mul(8 * parts), multiprocessors),
            });
            // in units of the tiles' weights, which leave out the terms that all have
            let passes = (passes / gemm.k.max(1)).saturating_mul(20);
            Some(multiplying.saturating_add(passes))
        };
        // a row of parts begins at 16 bytes as well
        let wgmma = wgmma
            .iter()
            .filter(|(kernel, _)| *kernel != Self::WgmmaSplit || gemm.n.is_multiple_of(4));
        let all = wgmma.chain(others);
        let costs = all.filter_map(|choice| Some((choice.0, cost(choice)?)));
        let best = costs.min_by_key(|(_, cost)| *cost);
        Ok(best.map_or(Self::Tiled32, |(kernel, _)| kernel))
    }

    /// What the copies cost that a product needs before it suits this kernel ([`pass`]); none where they cannot be.
    fn copying<T: Float>(self, gemm: &Gemm, multiprocessors: usize) -> Option<usize> {
        let (mut gemm, mut cost) = (*gemm, 0usize);
        while self.turns::<T>(&gemm) {
            let turned = Turned::of(&gemm)?;
            cost = cost.saturating_add(pass(turned.bytes(), multiprocessors));
            gemm = *turned.gemm();
        }
        Some(cost)
    }
}
