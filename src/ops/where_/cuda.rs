//! Binding of `cuda/where.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Element;
use crate::error::Result;
use crate::ops::binary::cuda::{MOST, offset, operand};
use crate::ops::dispatch::Side;
use crate::ops::strides::Strides;
use crate::runtime::launch::Launch;

/// `y[i] = condition[i] ? a[i] : b[i]` for every element of `y`; the others are as long.
///
/// # Errors
/// A shorter buffer, buffers of another context, or whatever the driver answers.
pub fn where_<T: Element>(
    stream: &Arc<CudaStream>,
    condition: &impl DevicePtr<bool>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    let n = y.len();
    let strides = Strides::new(&[n], [&[1]; 3]);
    let (a, b) = (Side::Data((a, n)), Side::Data((b, n)));
    launch::<T, _, _>(stream, (condition, n), a, b, y, &strides)
}

/// On buffers and so many of their elements; `y` is as long as the box.
pub(super) fn launch<T: Element, A: DevicePtr<T>, B: DevicePtr<T>>(
    stream: &Arc<CudaStream>,
    (condition, conditions): (&impl DevicePtr<bool>, usize),
    a: Side<(&A, usize), T>,
    b: Side<(&B, usize), T>,
    y: &mut impl DevicePtrMut<T>,
    strides: &Strides<3>,
) -> Result<()> {
    let len = strides.numel();
    if len == 0 {
        return Ok(());
    }
    let mut done = 0;
    for (at, part) in strides.parts(MOST) {
        let mut launch = Launch::new(stream, OP, &format!("where_b{}", 8 * size_of::<T>()))?;
        let condition = Side::<_, bool>::Data((condition, conditions));
        let (of_condition, _) = operand(&mut launch, &condition, at[0]);
        let (of_a, value_a) = operand(&mut launch, &a, at[1]);
        let (of_b, value_b) = operand(&mut launch, &b, at[2]);
        let of_y = launch.address_mut(y, len) + offset::<T>(done);
        let n = part.numel();
        let launch = launch.over::<T>(n).scalar(of_condition);
        let launch = launch.scalar(of_a).scalar(of_b).scalar(of_y);
        let bits = [value_a, value_b].map(|value| value.map_or(0, T::bits));
        let launch = launch.scalar(n as i64).scalar(bits[0]).scalar(bits[1]);
        launch.table(&part.words_unless_contiguous(OP)?).run()?;
        done += n;
    }
    Ok(())
}
