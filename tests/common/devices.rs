//! The CUDA devices that the kernels are tried on.

use warpsmith::Device;

/// Every CUDA device that the driver answers with.
pub fn cuda_devices() -> Vec<Device> {
    let count = Device::cuda_count().unwrap();
    assert!(count > 0, "a driver without a device");
    (0..count)
        .map(|ordinal| Device::cuda(ordinal).unwrap())
        .collect()
}
