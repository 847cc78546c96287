//! Whether a GPU runs this build's kernels, found out by one launch.

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::launch::Launch;
use super::memory::DeviceSlice;
use super::transfer::to_host;
use super::turn::turn_outside;
use crate::error::{Error, Result};

/// Launches the smallest kernel, and reads what it wrote. A driver may answer, and yet refuse the kernels.
pub(crate) fn probe(stream: &Arc<CudaStream>) -> Result<()> {
    const OP: &str = "Device::cuda";
    const WANT: i32 = 42;
    let reason = "the host cannot read what is not computed yet";
    drop(turn_outside(stream, OP, reason)?);
    let mut there = DeviceSlice::<i32>::alloc(stream, 1)?;
    Launch::new(stream, "fill", "fill_b32")?
        .over::<i32>(1)
        .write::<i32>(&mut *there, 1)
        .scalar(1_i64)
        .scalar(i64::from(WANT))
        .run()?;
    let _turn = turn_outside(stream, OP, reason)?;
    let back = to_host(stream, &*there);
    match back.map_err(|e| Error::driver(OP, e))?[..] {
        [WANT] => Ok(()),
        ref other => Err(Error::argument(
            OP,
            format!("a GPU whose kernels write {WANT} where they are told to"),
            format!("one that leaves {other:?}"),
        )),
    }
}
