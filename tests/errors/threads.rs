//! Threads that have had nothing to do with a device before.

use half::f16;
use warpsmith::{Generator, Result, Tensor};

use crate::common::devices::cuda_devices;

/// Its kernels are loaded, so nothing but the launch itself makes the context current: on Hopper a product asks the driver
/// for tensor maps and for more shared memory than a block gets unasked.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn a_new_thread_launches_what_another_has_loaded() -> Result<()> {
    for device in cuda_devices() {
        let mut generator = Generator::manual_seed(1);
        let a = Tensor::<f16>::randn(&[256, 128], &mut generator, &device)?;
        let b = Tensor::<f16>::randn(&[128, 256], &mut generator, &device)?;
        let here = a.matmul(&b)?.to_vec()?;
        let mut there = Tensor::<f16>::zeros(&[256, 256], &device)?;
        let launched = std::thread::scope(|scope| {
            let launch = || a.matmul_out(&b, &mut there);
            scope.spawn(launch).join().expect("it does not panic")
        });
        launched?;
        assert_eq!(there.to_vec()?, here);
    }
    Ok(())
}
