//! Bindings of `cuda/matmul/` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::choice::Aligned;
use super::gemm::Gemm;
pub use super::kernel::Kernel;
use super::turned::Factor;
use super::{boxes, split, thin, turned};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::runtime::grid::multiprocessors;
use crate::runtime::launch::Launch;

/// [`Gemm`] with the kernel that suits it; `bias` has n elements, one to a column.
///
/// # Errors
/// Layouts that overlap, buffers too short or of another context, sizes past an i32 or the grid, or whatever the driver
/// answers.
pub fn matmul<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
) -> Result<()> {
    if gemm.is_empty() {
        return Ok(());
    }
    // a view may begin anywhere
    let begins = |pointer: u64| pointer.is_multiple_of(16);
    let aligned = Aligned {
        operands: begins(a.device_ptr(stream).0) && begins(b.device_ptr(stream).0),
        output: begins(y.device_ptr_mut(stream).0),
    };
    let kernel = Kernel::suited::<T>(stream, gemm, aligned)?;
    matmul_by(kernel, stream, a, b, bias, y, gemm)
}

/// [`matmul`] with a kernel of the caller's choice.
///
/// # Errors
/// As [`matmul`], and where there is no such kernel for `T`, this device, or these layouts.
pub fn matmul_by<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
) -> Result<()> {
    if gemm.is_empty() {
        return Ok(());
    }
    gemm.spans(OP)?;
    if kernel.needs_pieces() {
        let begin = [a.device_ptr(stream).0, b.device_ptr(stream).0];
        if !gemm.in_pieces::<T>() || begin.iter().any(|pointer| !pointer.is_multiple_of(16)) {
            let expected = "factors stored in whole pieces of 16 bytes, at multiples of 16 bytes";
            return Err(Error::argument(OP, expected, format!("{gemm:?}")));
        }
    }
    if kernel.turns::<T>(gemm) {
        let turned = turned::copied(stream, a, b, gemm)?;
        let (copy, gemm) = (&turned.copy, &turned.gemm);
        return match turned.factor {
            Factor::A => matmul_by(kernel, stream, copy, b, bias, y, gemm),
            Factor::B => matmul_by(kernel, stream, a, copy, bias, y, gemm),
        };
    }
    match kernel.module() {
        "matmul_wgmma" => boxes::matmul(kernel, stream, (a, b), bias, y, gemm),
        "matmul_split" => {
            let of_device = (multiprocessors(stream, OP)?, gemm.activation.code());
            split::matmul(stream, a, b, bias, y, gemm, of_device)
        }
        "matmul_thin" => {
            let by = (kernel, multiprocessors(stream, OP)?, gemm.activation.code());
            thin::matmul(stream, a, b, bias, y, gemm, by)
        }
        _ => by_tiles(kernel, stream, a, b, bias, y, gemm),
    }
}

/// A block for each tile of outputs.
fn by_tiles<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
) -> Result<()> {
    let [span_a, span_b, span_y] = gemm.spans(OP)?;
    let entry = kernel.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    let mut launch = Launch::new(stream, kernel.module(), &entry)?
        .grid(kernel.tiles(gemm), 1, 1)
        .block(kernel.threads())
        .shared(kernel.shared(gemm))
        .read(a, span_a)
        .read(b, span_b)
        .read_optional(bias, gemm.n)
        .write(y, span_y);
    // checked by `spans`
    for size in [gemm.m, gemm.n, gemm.k] {
        launch = launch.scalar(size as i32);
    }
    for step in [gemm.lda, gemm.ldb, gemm.ldy] {
        launch = launch.scalar(step as i64);
    }
    for stride in [gemm.stride_a, gemm.stride_b, gemm.stride_y] {
        launch = launch.scalar(stride as i64);
    }
    launch.scalar(gemm.activation.code()).run()
}
