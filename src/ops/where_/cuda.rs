//! Binding of `cuda/where.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, Side};
use crate::element::Element;
use crate::error::Result;
use crate::ops::binary::cuda::{MOST, offset};
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
    if n == 0 {
        return Ok(());
    }
    let words = Strides::<3>::new(&[], [&[]; 3]).words(OP)?;
    let launch = Launch::new(stream, OP, &kernel::<T>())?;
    let launch = launch
        .over::<T>(n)
        .read(condition, n)
        .read(a, n)
        .read(b, n)
        .write(y, n);
    let launch = launch.scalar(n as i64).scalar(0_i64).scalar(0_i64);
    launch.table(&words).run()
}

fn kernel<T>() -> String {
    format!("where_b{}", 8 * size_of::<T>())
}

/// The address and the bits of a choice, of which the kernel takes one.
fn of<'a, T: Element>(
    launch: &mut Launch<'a>,
    side: &Side<&'a CudaSlice<T>, T>,
    at: isize,
) -> (u64, u64) {
    match side {
        Side::Data(x) => (launch.address(*x, x.len()) + offset::<T>(at as usize), 0),
        Side::Value(value) => (0, value.bits()),
    }
}

pub(super) fn run<T: Element>(
    stream: &Arc<CudaStream>,
    condition: &CudaSlice<bool>,
    a: &Side<&CudaSlice<T>, T>,
    b: &Side<&CudaSlice<T>, T>,
    y: &mut CudaSlice<T>,
    strides: &Strides<3>,
) -> Result<()> {
    let mut done = 0;
    for (at, part) in strides.parts(MOST) {
        let mut launch = Launch::new(stream, OP, &kernel::<T>())?;
        let of_condition =
            launch.address(condition, condition.len()) + offset::<bool>(at[0] as usize);
        let (of_a, bits_a) = of(&mut launch, a, at[1]);
        let (of_b, bits_b) = of(&mut launch, b, at[2]);
        let of_y = launch.address_mut(y, strides.numel()) + offset::<T>(done);
        let n = part.numel();
        let words = match part.is_contiguous() {
            true => Strides::<3>::new(&[], [&[]; 3]).words(OP)?,
            false => part.words(OP)?,
        };
        let launch = launch.over::<T>(n).scalar(of_condition);
        let launch = launch.scalar(of_a).scalar(of_b).scalar(of_y);
        let launch = launch.scalar(n as i64).scalar(bits_a).scalar(bits_b);
        launch.table(&words).run()?;
        done += n;
    }
    Ok(())
}
