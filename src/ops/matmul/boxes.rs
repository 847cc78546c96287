//! `matmul_wgmma`, which moves boxes of its matrices by tensor maps.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::gemm::Gemm;
use super::kernel::Kernel;
use super::split::{self, Parts};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::ops::activation::Activation;
use crate::runtime::grid::multiprocessors;
use crate::runtime::launch::{Launch, workspace};
use crate::runtime::tensor_map::Matrices;

/// Where a launch writes, and how much of it.
struct Output<'a, Y> {
    buffer: &'a mut Y,
    span: usize,
    matrices: Matrices,
}

/// The product by one of these kernels, of factors as it takes them; in two launches where sums are cut.
pub(super) fn matmul<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    factors: (&impl DevicePtr<T>, &impl DevicePtr<T>),
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    gemm: &Gemm,
) -> Result<()> {
    let [_, _, span] = gemm.spans(OP)?;
    let of_y = |batch, ld, stride| Matrices {
        batch,
        rows: gemm.m,
        cols: gemm.n,
        ld,
        stride,
        box_rows: 64,
        rounded: false,
    };
    if kernel != Kernel::WgmmaSplit {
        let output = Output {
            buffer: y,
            span,
            matrices: of_y(gemm.batch, gemm.ldy, gemm.stride_y),
        };
        let whole = Parts {
            terms: gemm.k,
            count: 1,
        };
        return launch::<T, T>(kernel, stream, factors, bias, output, gemm, &whole);
    }
    let parts = Parts::of::<T>(kernel, gemm, multiprocessors(stream, OP)?);
    // fits: no more blocks than the device has room for, or one part
    let span = parts.count * Parts::elements(gemm)?;
    let mut partial = workspace::<f32>(stream, OP, span)?;
    let output = Output {
        buffer: &mut partial,
        span,
        matrices: of_y(parts.count * gemm.batch, gemm.n, gemm.m * gemm.n),
    };
    let bare = Gemm {
        activation: Activation::None,
        ..*gemm
    };
    let none = None::<&CudaSlice<T>>;
    launch::<T, f32>(kernel, stream, factors, none, output, &bare, &parts)?;
    let code = gemm.activation.code();
    split::finish(stream, &partial, bias, y, gemm, (&parts, code))
}

/// As many clusters stay as the device holds at once.
fn launch<T: Float, Y: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    (a, b): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    bias: Option<&impl DevicePtr<T>>,
    output: Output<'_, impl DevicePtrMut<Y>>,
    gemm: &Gemm,
    parts: &Parts,
) -> Result<()> {
    let [span_a, span_b, _] = gemm.spans(OP)?;
    let entry = kernel.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    let launch = Launch::new(stream, kernel.module(), &entry)?;
    let tiles = kernel.tiles(gemm).saturating_mul(parts.count);
    let tiles = to_i32(OP, "tiles", tiles)?;
    let clusters = (multiprocessors(stream, OP)? / kernel.cluster()).clamp(1, tiles as usize);
    // terms of a step along k, and rows of a box: of what goes along k as many as are ever copied at once
    let step = 128 / size_of::<T>();
    let along = if kernel == Kernel::Wgmma { 128 } else { 64 };
    let of = |(rows, cols), ld, stride, along_k| Matrices {
        batch: if stride == 0 { 1 } else { gemm.batch },
        rows,
        cols,
        ld,
        stride,
        box_rows: if along_k { along } else { step as u32 },
        rounded: true,
    };
    let [stored_a, stored_b] = gemm.stored();
    let of_a = of(stored_a, gemm.lda, gemm.stride_a, !gemm.transpose_a);
    let of_b = of(stored_b, gemm.ldb, gemm.stride_b, gemm.transpose_b);
    launch
        .grid(clusters * kernel.cluster(), 1, 1)
        .block(kernel.threads())
        .shared(kernel.shared(gemm))
        .read_boxes(a, span_a, &of_a)
        .read_boxes(b, span_b, &of_b)
        .write_boxes(output.buffer, output.span, &output.matrices)
        .read_optional(bias, gemm.n)
        .scalar(gemm.m as i32)
        .scalar(gemm.n as i32)
        .scalar(gemm.k as i32)
        .scalar(to_i32(OP, "matrices", gemm.batch)?)
        .scalar(i32::from(gemm.stride_a != 0))
        .scalar(i32::from(gemm.stride_b != 0))
        .scalar(tiles)
        .scalar(parts.terms.div_ceil(step) as i32)
        .scalar(i32::from(kernel.lies_across(gemm)))
        .scalar(gemm.activation.code())
        .run()
}
