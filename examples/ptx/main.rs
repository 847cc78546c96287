//! The PTX alone: `kernels::ptx` hands out the text of any kernel, and a program launches it as it launches its own kernels.
//! What a kernel takes, and on which grid, stands on top of its file in `cuda/`.

use warpsmith::cudarc::driver::{CudaContext, LaunchConfig, PushKernelArg};
use warpsmith::cudarc::nvrtc::Ptx;
use warpsmith::{Device, kernels};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // cudarc panics where there is no driver; this asks first
    if let Err(error) = Device::cuda_count() {
        println!("nothing to show here: {error}");
        return Ok(());
    }
    let context = CudaContext::new(0)?;
    let stream = context.default_stream();
    // sm_80 has what a Turing card lacks; every later one runs both
    let newer = context.compute_capability()? >= (8, 0);
    let text = kernels::ptx("softmax_block_f32", if newer { "sm_80" } else { "sm_75" });
    let text = text.ok_or("this build holds no kernels: NVRTC was not found")?;
    let softmax = context
        .load_module(Ptx::from_src(text))?
        .load_function("softmax_block_f32")?;

    let (rows, cols) = (2_i64, 4_i32);
    let x = stream.clone_htod(&[1.0_f32, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0])?;
    let mut y = stream.alloc_zeros::<f32>(x.len())?;
    // a block for each row
    let config = LaunchConfig {
        grid_dim: (rows as u32, 1, 1),
        block_dim: (64, 1, 1),
        shared_mem_bytes: 0,
    };
    let mut launch = stream.launch_builder(&softmax);
    launch.arg(&x).arg(&mut y).arg(&rows).arg(&cols).arg(&0_i32);
    // SAFETY: cuda/softmax.cu: x and y hold rows x cols elements, and the block has no more than its 512 threads.
    unsafe { launch.launch(config) }?;

    let y = stream.clone_dtoh(&y)?;
    // a copy to memory that is not pinned may still be going on
    stream.synchronize()?;
    for row in y.chunks(cols as usize) {
        println!("{row:.4?}");
    }
    Ok(())
}
