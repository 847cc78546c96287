//! `matmul_split`: long sums cut into parts, which a second kernel adds up.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::gemm::Gemm;
use super::kernel::Kernel;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::runtime::launch::{Launch, workspace};

const KERNEL: Kernel = Kernel::Split64;
const FINISH_THREADS: usize = 256;

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
    let [span_a, span_b, span_y] = gemm.spans(OP)?;
    let (part, parts) = KERNEL.parts::<T>(gemm, multiprocessors);
    let count = gemm.batch.saturating_mul(gemm.m).saturating_mul(gemm.n);
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
    // fits: at most twice the multiprocessors' blocks, or one part
    let tiles = KERNEL.tiles(gemm);
    let mut partial = workspace::<f32>(stream, OP, parts * count)?;
    let entry = KERNEL.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    Launch::new(stream, KERNEL.module(), &entry)?
        .grid(parts * tiles, 1, 1)
        .block(KERNEL.threads())
        .shared(KERNEL.shared(gemm))
        .read(a, span_a)
        .read(b, span_b)
        .write(&mut partial, parts * count)
        .scalar(gemm.m as i32)
        .scalar(gemm.n as i32)
        .scalar(gemm.k as i32)
        .scalar(gemm.lda as i64)
        .scalar(gemm.ldb as i64)
        .scalar(gemm.stride_a as i64)
        .scalar(gemm.stride_b as i64)
        .scalar(gemm.batch as i32)
        .scalar(tiles as i32)
        .scalar(part as i32)
        .run()?;
    Launch::new(
        stream,
        KERNEL.module(),
        &format!("matmul_finish_{}", T::NAME),
    )?
    .grid(count.div_ceil(FINISH_THREADS), 1, 1)
    .block(FINISH_THREADS as u32)
    .read(&partial, parts * count)
    .read_optional(bias, gemm.n)
    .write(y, span_y)
    .scalar(gemm.batch as i32)
    .scalar(gemm.m as i32)
    .scalar(gemm.n as i32)
    .scalar(parts as i32)
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
        let short = Gemm::new(1, 64, 100, false, true);
        assert_eq!(KERNEL.parts::<half::bf16>(&short, 132), (128, 1));
        assert_eq!(KERNEL.parts::<f32>(&Gemm { k: 0, ..short }, 132), (16, 1));
    }
}
