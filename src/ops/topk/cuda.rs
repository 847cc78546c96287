//! Binding of `cuda/topk.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Number;
use crate::error::{Error, Result, numel, to_i32};
use crate::runtime::launch::{Launch, workspace};

const THREADS: usize = 256;

/// All kernels.
pub const KERNELS: &[&str] = &[
    "topk_select_b64",
    "topk_select_b32",
    "topk_select_b16",
    "topk_select_b8",
    "topk_order_b64",
    "topk_order_b32",
];

/// `index` (rows, k) = the places of the `k` largest or smallest of each row of `x` (rows, n), sorted or in their own order.
///
/// # Errors
/// A `k` of 0 or past n, an `index` of no whole rows, an `x` that is shorter than as many, sizes past what the kernels index,
/// buffers of another context, out of memory, or whatever the driver answers.
pub fn topk<T: Number>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    index: &mut impl DevicePtrMut<i64>,
    [n, k]: [usize; 2],
    largest: bool,
    sorted: bool,
) -> Result<()> {
    if k == 0 || k > n || !index.len().is_multiple_of(k) {
        let expected = format!("rows of k indices, k from 1 to {n}");
        let got = format!("{} for k = {k}", index.len());
        return Err(Error::argument(OP, expected, got));
    }
    let rows = index.len() / k;
    if rows == 0 {
        return Ok(());
    }
    to_i32(OP, "elements of a row", n)?;
    let bytes = size_of::<T>();
    // keys are words of 32 bits but for those of 64
    let (key, words) = if bytes == 8 { (64, 2) } else { (32, 1) };
    let (of_x, chosen) = (numel(OP, &[rows, n])?, rows * k);
    let mut keys = workspace::<i32>(stream, OP, words * chosen)?;
    let mut places = workspace::<i32>(stream, OP, chosen)?;
    let kind: i64 = match T::NAME {
        "f32" => 0x7f80_0000,
        "f16" => 0x7c00,
        "bf16" => 0x7f80,
        "u8" => 0,
        _ => -1,
    };
    let flip: i64 = if largest { 0 } else { -1 };
    let launch = Launch::new(stream, OP, &format!("topk_select_b{}", 8 * bytes))?;
    let launch = launch.grid(rows, 1, 1).block(THREADS as u32).read(x, of_x);
    let launch = launch
        .write(&mut keys, words * chosen)
        .write(&mut places, chosen);
    let launch = launch.scalar(n as i64).scalar(k as i64);
    launch.scalar(kind).scalar(flip).run()?;
    let launch = Launch::new(stream, OP, &format!("topk_order_b{key}"))?;
    let launch = launch
        .grid(rows * k.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32);
    let launch = launch.read(&keys, words * chosen).read(&places, chosen);
    let launch = launch.write(index, chosen).scalar(k as i64);
    launch.scalar(i32::from(sorted)).run()
}
