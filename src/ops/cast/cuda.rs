//! Binding of `cuda/cast.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Element;
use crate::error::Result;
use crate::runtime::launch::Launch;

/// `y[i] = x[i]` as another type, for every element of `x`; `y` is at least as long.
///
/// # Errors
/// A shorter `y`, one type on both sides, buffers of another context, or whatever the driver answers.
pub fn cast<T: Element, U: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<U>,
) -> Result<()> {
    let n = x.len();
    if n == 0 {
        return Ok(());
    }
    let kernel = format!("cast_{}_{}", T::NAME, U::NAME);
    let launch = Launch::new(stream, OP, &kernel)?;
    let launch = match size_of::<T>() > size_of::<U>() {
        true => launch.over::<T>(n),
        false => launch.over::<U>(n),
    };
    launch.read(x, n).write(y, n).scalar(n as i64).run()
}
