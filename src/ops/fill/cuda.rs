//! Binding of `cuda/fill.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtrMut};

use super::OP;
use crate::element::Element;
use crate::error::Result;
use crate::runtime::launch::Launch;

/// `y[i] = value` for every element of `y`.
///
/// # Errors
/// A buffer of another context, or whatever the driver answers.
pub fn fill<T: Element>(
    stream: &Arc<CudaStream>,
    y: &mut impl DevicePtrMut<T>,
    value: T,
) -> Result<()> {
    let n = y.len();
    if n == 0 {
        return Ok(());
    }
    let kernel = match size_of::<T>() {
        8 => "fill_b64",
        4 => "fill_b32",
        2 => "fill_b16",
        _ => "fill_b8",
    };
    Launch::new(stream, OP, kernel)?
        .over::<T>(n)
        .write(y, n)
        .scalar(n as i64)
        .scalar(value.bits())
        .run()
}
