//! Batches against the clock.

use std::error::Error;
use std::time::Instant;

use warpsmith::nn::{Module, Sequential};
use warpsmith::{Device, Generator, Tensor};

const RUNS: usize = 7;

/// Prints the median time of a forward pass. A time from an emulated device would say nothing, so it is refused.
pub fn time(model: &mut Sequential, batch: usize, device: &Device) -> Result<(), Box<dyn Error>> {
    if device.is_emulated() {
        return Err("a time from the emulated driver is not a measurement".into());
    }
    let x = Tensor::randn(
        &[batch, 3, 227, 227],
        &mut Generator::manual_seed(1),
        device,
    )?;
    let mut seconds = Vec::new();
    for _ in 0..RUNS + 2 {
        let start = Instant::now();
        // reading waits for the device
        model.forward(&x)?.sum()?.item()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    // the first two warm up
    let warm = &mut seconds[2..];
    warm.sort_by(f64::total_cmp);
    let median = warm[warm.len() / 2];
    println!(
        "batch {batch}: {:.2} ms an image, {:.1} images/s",
        1e3 * median / batch as f64,
        batch as f64 / median
    );
    Ok(())
}
