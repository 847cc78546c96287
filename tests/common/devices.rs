//! The CUDA devices that the kernels are tried on.

use warpsmith::Device;

/// Every device of the real driver, or the emulated one where there is none (`WARPSMITH_DEVICE=emulator` asks for it).
///
/// The first call prints which it is, also where the test runner captures what tests print.
pub fn cuda_devices() -> Vec<Device> {
    cuda_emulator_testing::install();
    let count = Device::cuda_count().unwrap();
    assert!(count > 0, "a driver without a device");
    (0..count)
        .map(|ordinal| Device::cuda(ordinal).unwrap())
        .collect()
}
