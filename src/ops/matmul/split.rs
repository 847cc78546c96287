//! Long sums cut into parts, which a second kernel adds up; `matmul_split`, which computes the parts on Tensor Cores.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::gemm::Gemm;
use super::kernel::Kernel;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::runtime::launch::{Launch, workspace};

const KERNEL: Kernel = Kernel::Split64;
const FINISH_THREADS: usize = 256;

/// How the sums of a product are cut.
pub(super) struct Parts {
    /// Terms of a part; the last may have fewer.
    pub(super) terms: usize,
    /// Parts: one where nothing is cut.
    pub(super) count: usize,
}

impl Parts {
    /// As `kernel` cuts a product on a device with so many multiprocessors.
    pub(super) fn of<T: Float>(kernel: Kernel, gemm: &Gemm, multiprocessors: usize) -> Self {
        let (terms, count) = kernel.parts::<T>(gemm, multiprocessors);
        Self { terms, count }
    }

    /// Outputs of a product, which each part has.
    pub(super) fn elements(gemm: &Gemm) -> Result<usize> {
        let count = gemm.outputs();
        let limit = i32::MAX as usize;
        if count > limit {
            let (what, value) = ("elements of a product in parts", count);
            return Err(Error::TooLarge {
                op: OP,
                what,
                limit,
                value,
            });
        }
        Ok(count)
    }

    /// Room for the parts, if there are several.
    pub(super) fn workspace(
        &self,
        stream: &Arc<CudaStream>,
        gemm: &Gemm,
    ) -> Result<Option<CudaSlice<f32>>> {
        if self.count == 1 {
            return Ok(None);
        }
        // fits: at most twice the multiprocessors' blocks
        let elements = self.count * Self::elements(gemm)?;
        workspace::<f32>(stream, OP, elements).map(Some)
    }
}

/// The product in two launches. Its operands are in pieces, and `code` is the kernels' of its activation.
pub(super) fn matmul<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
    (multiprocessors, code): (usize, i32),
) -> Result<()> {
    let [span_a, span_b, _] = gemm.spans(OP)?;
    let parts = Parts::of::<T>(KERNEL, gemm, multiprocessors);
    let elements = parts.count * Parts::elements(gemm)?;
    // fits: at most twice the multiprocessors' blocks, or one part
    let tiles = KERNEL.tiles(gemm);
    let mut partial = workspace::<f32>(stream, OP, elements)?;
    let entry = KERNEL.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    Launch::new(stream, KERNEL.module(), &entry)?
        .grid(parts.count * tiles, 1, 1)
        .block(KERNEL.threads())
        .shared(KERNEL.shared(gemm))
        .read(a, span_a)
        .read(b, span_b)
        .write(&mut partial, elements)
        .scalar(gemm.m as i32)
        .scalar(gemm.n as i32)
        .scalar(gemm.k as i32)
        .scalar(gemm.lda as i64)
        .scalar(gemm.ldb as i64)
        .scalar(gemm.stride_a as i64)
        .scalar(gemm.stride_b as i64)
        .scalar(gemm.batch as i32)
        .scalar(tiles as i32)
        .scalar(parts.terms as i32)
        .run()?;
    finish(stream, &partial, bias, y, gemm, (&parts, code))
}

/// `matmul_finish`: the parts' sum, with what comes after it.
pub(super) fn finish<T: Float>(
    stream: &Arc<CudaStream>,
    partial: &CudaSlice<f32>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
    (parts, code): (&Parts, i32),
) -> Result<()> {
    let [_, _, span_y] = gemm.spans(OP)?;
    let elements = Parts::elements(gemm)?;
    let entry = format!("matmul_finish_{}", T::NAME);
    Launch::new(stream, KERNEL.module(), &entry)?
        .grid(elements.div_ceil(FINISH_THREADS), 1, 1)
        .block(FINISH_THREADS as u32)
        .read(partial, parts.count * elements)
        .read_optional(bias, gemm.n)
        .write(y, span_y)
        .scalar(gemm.batch as i32)
        .scalar(gemm.m as i32)
        .scalar(gemm.n as i32)
        .scalar(parts.count as i32)
        .scalar(gemm.ldy as i64)
        .scalar(gemm.stride_y as i64)
        .scalar(code)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AlexNet's fc6 on an H100: as many blocks as it has multiprocessors, and parts of whole steps that cover all terms.
    #[test]
    fn a_fully_connected_layer_fills_the_device() {
        for (m, multiprocessors) in [(1, 132), (16, 132), (128, 132), (128, 108), (1, 40)] {
            let gemm = Gemm::new(m, 4096, 9216, false, true);
            let (part, parts) = KERNEL.parts::<half::bf16>(&gemm, multiprocessors);
            assert!(parts * KERNEL.tiles(&gemm) >= multiprocessors, "{m}");
            assert!(part % 32 == 0 && part * parts >= gemm.k && part * (parts - 1) < gemm.k);
        }
        // tiles of which a multiprocessor holds one: parts for one round, and a pair for two of them
        for m in [16, 128] {
            let gemm = Gemm::new(m, 4096, 9216, false, true);
            let cut = Kernel::WgmmaSplit;
            assert_eq!(cut.parts::<half::bf16>(&gemm, 132), (2304, 4));
            assert_eq!(cut.tiles(&gemm) * 4 * cut.cluster(), 128);
        }
        let short = Gemm::new(1, 64, 100, false, true);
        assert_eq!(KERNEL.parts::<half::bf16>(&short, 132), (128, 1));
        assert_eq!(KERNEL.parts::<f32>(&Gemm { k: 0, ..short }, 132), (16, 1));
    }
}
