//! Bindings of `cuda/matmul/` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use super::gemm::{Activation, Gemm};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::kernels;
use crate::launch::Launch;

/// A kernel and the side of the square of outputs that one of its blocks computes.
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
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 5] = [
        Self::Tiled128,
        Self::Tiled64,
        Self::Tiled32,
        Self::Wmma128,
        Self::Wmma64,
    ];

    pub(crate) fn tile(self) -> usize {
        match self {
            Self::Tiled128 | Self::Wmma128 => 128,
            Self::Tiled64 | Self::Wmma64 => 64,
            Self::Tiled32 => 32,
        }
    }

    /// The module (a file of `cuda/matmul/`).
    fn module(self) -> &'static str {
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => "matmul_tiled",
            Self::Wmma128 | Self::Wmma64 => "matmul_wmma",
        }
    }

    /// The entry point for these layouts: `matmul_tiled_128_nt_f32`.
    pub fn entry<T: Float>(self, transpose_a: bool, transpose_b: bool) -> String {
        let letter = |transpose| if transpose { 't' } else { 'n' };
        let (a, b) = (letter(transpose_a), letter(transpose_b));
        format!("{}_{}_{a}{b}_{}", self.module(), self.tile(), T::NAME)
    }

    /// Whether the stream's device has this kernel for `T`.
    pub fn is_available<T: Float>(self, stream: &Arc<CudaStream>) -> bool {
        let entry = self.entry::<T>(false, false);
        kernels::is_available(stream.context(), self.module(), &entry)
    }

    /// Blocks, one to an output tile.
    fn blocks(self, gemm: &Gemm) -> usize {
        let tiles = gemm.m.div_ceil(self.tile()) * gemm.n.div_ceil(self.tile());
        tiles.saturating_mul(gemm.batch)
    }

    /// Dynamic shared memory: three stages of both operands. A tile of 64-byte pieces of rows pads each row by 16
    /// bytes; one of whole rows has 64 bytes' worth of them, each padded by 8 elements.
    fn shared(self, gemm: &Gemm) -> u32 {
        let stage = |contiguous_k| match contiguous_k {
            true => 80 * self.tile(),
            false => 64 * self.tile() + 512,
        };
        match self {
            Self::Tiled128 | Self::Tiled64 | Self::Tiled32 => 0,
            Self::Wmma128 | Self::Wmma64 => {
                3 * (stage(!gemm.transpose_a) + stage(gemm.transpose_b)) as u32
            }
        }
    }

    /// The kernel that should be fastest: Tensor Cores where they compute what is asked, and of the tiles the one with
    /// the least work for the busiest multiprocessor. Small tiles waste less at the edges and spread further, but
    /// load more for each product; the weights are what that costs.
    pub fn choose<T: Float>(stream: &Arc<CudaStream>, gemm: &Gemm) -> Result<Self> {
        let wmma = (T::NAME != "f32" || gemm.allow_tf32) && Self::Wmma64.is_available::<T>(stream);
        let weighted: &[(Self, usize)] = match (wmma, T::NAME) {
            (true, _) => &[(Self::Wmma128, 2), (Self::Wmma64, 3)],
            (false, "f32") => &[(Self::Tiled128, 4), (Self::Tiled64, 5), (Self::Tiled32, 8)],
            (false, _) => &[(Self::Tiled64, 1)],
        };
        let multiprocessors = stream
            .context()
            .attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
            .map_err(|e| Error::driver(OP, e))?
            .max(1) as usize;
        let cost = |&&(kernel, weight): &&(Self, usize)| {
            let rounds = kernel.blocks(gemm).div_ceil(multiprocessors);
            rounds.saturating_mul(weight * kernel.tile() * kernel.tile())
        };
        let best = weighted.iter().min_by_key(cost);
        Ok(best.map_or(Self::Tiled32, |&(kernel, _)| kernel))
    }
}

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
    let kernel = Kernel::choose::<T>(stream, gemm)?;
    matmul_by(kernel, stream, a, b, bias, y, gemm)
}

/// [`matmul`] with a kernel of the caller's choice.
///
/// # Errors
/// As [`matmul`], and where there is no such kernel for `T` or this device.
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
    let [span_a, span_b, span_y] = gemm.spans(OP)?;
    let entry = kernel.entry::<T>(gemm.transpose_a, gemm.transpose_b);
    let activation = match gemm.activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::Sigmoid => 2,
    };
    let mut launch = Launch::new(stream, kernel.module(), &entry)?
        .grid(kernel.blocks(gemm), 1, 1)
        .block(2 * kernel.tile() as u32)
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
    launch.scalar(activation).run()
}
