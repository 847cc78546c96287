//! `matmul_thin`: products with few rows, columns or terms, which read each operand once.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::choice::FEW;
use super::gemm::Gemm;
use super::kernel::Kernel;
use super::split::{self, Parts};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::runtime::launch::Launch;

/// An operand or the output: how far apart its elements are, along the side that is few and along the other.
struct Steps {
    few: usize,
    other: usize,
}

/// What `kernel` wants few of.
fn few(kernel: Kernel, gemm: &Gemm) -> usize {
    match kernel {
        Kernel::ThinRows => gemm.m,
        Kernel::ThinCols => gemm.n,
        _ => gemm.k,
    }
}

/// The product `by` one of the three kernels, on a device with so many multiprocessors, with the kernels' code of its activation.
pub(super) fn matmul<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
    by: (Kernel, usize, i32),
) -> Result<()> {
    let (kernel, _, code) = by;
    if few(kernel, gemm) > FEW {
        let expected = format!("at most {FEW} rows, columns or terms, as the kernel has it");
        return Err(Error::argument(OP, expected, format!("{gemm:?}")));
    }
    match kernel {
        Kernel::ThinTerms => terms(stream, a, b, bias, y, gemm, code),
        Kernel::ThinRows => lines(stream, a, b, bias, y, gemm, by),
        _ => lines(stream, b, a, bias, y, gemm, by),
    }
}

/// Few rows, of which `thin` is `a`, or columns.
fn lines<T: Float>(
    stream: &Arc<CudaStream>,
    thin: &impl DevicePtr<T>,
    wide: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
    (kernel, multiprocessors, code): (Kernel, usize, i32),
) -> Result<()> {
    let [span_a, span_b, span_y] = gemm.spans(OP)?;
    let rows = kernel == Kernel::ThinRows;
    let steps = |ld, along| match along {
        true => Steps { few: ld, other: 1 },
        false => Steps { few: 1, other: ld },
    };
    // of the thin operand along the terms
    let (count, length, of_thin, ld) = match rows {
        true => (gemm.m, gemm.n, steps(gemm.lda, !gemm.transpose_a), gemm.ldb),
        false => (gemm.n, gemm.m, steps(gemm.ldb, gemm.transpose_b), gemm.lda),
    };
    let (spans, strides) = match rows {
        true => ([span_a, span_b], [gemm.stride_a, gemm.stride_b]),
        false => ([span_b, span_a], [gemm.stride_b, gemm.stride_a]),
    };
    let parts = Parts::of::<T>(kernel, gemm, multiprocessors);
    let mut partial = parts.workspace(stream, gemm)?;
    let cut = partial.is_some();
    // a part's matrices are dense
    let (ld_y, stride_y) = match cut {
        true => (gemm.n, gemm.m * gemm.n),
        false => (gemm.ldy, gemm.stride_y),
    };
    // along the side that is long
    let of_y = steps(ld_y, rows);
    let entry = kernel.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    let launch = Launch::new(stream, kernel.module(), &entry)?
        .grid(parts.count * kernel.tiles(gemm), 1, 1)
        .block(kernel.threads())
        .read(thin, spans[0])
        .read(wide, spans[1])
        .read_optional(bias.filter(|_| !cut), gemm.n);
    let launch = match &mut partial {
        None => launch
            .write(&mut *y, span_y)
            .write_optional(None::<&mut CudaSlice<f32>>, 0),
        Some(partial) => launch
            .write_optional(None::<&mut CudaSlice<T>>, 0)
            .write(partial, parts.count * Parts::elements(gemm)?),
    };
    // checked by `spans`
    let mut launch = launch
        .scalar(count as i32)
        .scalar(length as i32)
        .scalar(gemm.k as i32)
        .scalar(parts.terms as i32);
    for step in [
        of_thin.few,
        of_thin.other,
        ld,
        of_y.few,
        of_y.other,
        strides[0],
        strides[1],
        stride_y,
    ] {
        launch = launch.scalar(step as i64);
    }
    launch
        .scalar(gemm.batch as i32)
        .scalar(i32::from(!rows))
        .scalar(code)
        .run()?;
    match &partial {
        None => Ok(()),
        Some(partial) => split::finish(stream, partial, bias, y, gemm, (&parts, code)),
    }
}

/// Few terms.
fn terms<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
    code: i32,
) -> Result<()> {
    let kernel = Kernel::ThinTerms;
    let [span_a, span_b, span_y] = gemm.spans(OP)?;
    let entry = kernel.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    let mut launch = Launch::new(stream, kernel.module(), &entry)?
        .grid(kernel.tiles(gemm), 1, 1)
        .block(kernel.threads())
        .read(a, span_a)
        .read(b, span_b)
        .read_optional(bias, gemm.n)
        .write(y, span_y);
    // checked by `spans`
    for size in [gemm.m, gemm.n, gemm.k] {
        launch = launch.scalar(size as i32);
    }
    let swapped =
        |[row, col]: [usize; 2], transpose| if transpose { [col, row] } else { [row, col] };
    let [a_i, a_t] = swapped([gemm.lda, 1], gemm.transpose_a);
    let [b_t, b_j] = swapped([gemm.ldb, 1], gemm.transpose_b);
    for step in [
        a_i,
        a_t,
        b_t,
        b_j,
        gemm.ldy,
        gemm.stride_a,
        gemm.stride_b,
        gemm.stride_y,
    ] {
        launch = launch.scalar(step as i64);
    }
    launch.scalar(code).run()
}
