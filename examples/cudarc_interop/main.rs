//! The kernels alone, on buffers that a `cudarc` program already has: no `Tensor`, the program's own stream.

use warpsmith::cudarc::driver::CudaContext;
use warpsmith::{Device, ops};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // cudarc panics where there is no driver; this asks first
    if let Err(error) = Device::cuda_count() {
        println!("nothing to show here: {error}");
        return Ok(());
    }
    let context = CudaContext::new(0)?;
    let stream = context.new_stream()?;
    let (rows, cols) = (2, 4);
    let x = stream.clone_htod(&[1.0_f32, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0])?;
    let mut y = stream.alloc_zeros::<f32>(rows * cols)?;

    ops::softmax::cuda::softmax(&stream, &x, &mut y, rows, cols)?;

    let y = stream.clone_dtoh(&y)?;
    // a copy to memory that is not pinned may still be going on
    stream.synchronize()?;
    for row in y.chunks(cols) {
        println!("{row:.4?}");
    }
    Ok(())
}
