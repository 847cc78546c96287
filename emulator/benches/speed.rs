//! Lane-instructions a second on one core, with bounds checks alone and with every check: `cargo bench -p cuda-emulator`.
//!
//! Instructions are counted in the PTX: those of each counted stretch, times how often every thread passes through it.
//! What is not counted (a kernel's first and last lines) makes the figure too small, never too large.

use std::process::Command;
use std::sync::Arc;

use cudarc::driver::{
    CudaContext, CudaFunction, CudaStream, DriverError, LaunchConfig, PushKernelArg,
};
use cudarc::nvrtc::Ptx;

const PTX: &str = include_str!("../tests/engine/basic_80.ptx");
const CHECKS: &str = "CUDA_EMULATOR_CHECKS";
const RUNS: usize = 7;

/// Side of the matrices of `tiled`, a multiple of its tile of 16.
const SIDE: usize = 256;
/// Rows and columns of `softmax`, and its threads for each row.
const ROWS: usize = 256;
const COLS: usize = 4096;
const THREADS: usize = 256;

fn main() {
    // cargo test builds benches too, and asks them to list or run their tests
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    if std::env::var(CHECKS).is_ok() {
        return measure().unwrap_or_else(|error| panic!("{error}"));
    }
    // the checks are read once in a process, and one thread shows the speed of one core
    let program = std::env::current_exe().expect("the path of this program");
    for checks in ["none", "bounds", "all"] {
        let status = Command::new(&program)
            .env(CHECKS, checks)
            .env("RAYON_NUM_THREADS", "1")
            .env("WARPSMITH_DEVICE", "emulator")
            .status();
        assert!(status.expect("this program runs").success());
    }
}

fn measure() -> Result<(), DriverError> {
    assert!(cuda_emulator_testing::emulated(), "this times the emulator");
    let context = CudaContext::new(0)?;
    let stream = context.default_stream();
    let module = context.load_module(Ptx::from_src(PTX))?;
    tiled(&stream, &module.load_function("tiled")?)?;
    softmax(&stream, &module.load_function("softmax")?)
}

fn tiled(stream: &Arc<CudaStream>, kernel: &CudaFunction) -> Result<(), DriverError> {
    let (a, b) = (
        stream.clone_htod(&vec![1f32; SIDE * SIDE])?,
        stream.clone_htod(&vec![2f32; SIDE * SIDE])?,
    );
    let mut c = stream.alloc_zeros::<f32>(SIDE * SIDE)?;
    let (size, tiles) = (SIDE as i32, (SIDE / 16) as u32);
    let config = LaunchConfig {
        grid_dim: (tiles, tiles, 1),
        block_dim: (16, 16, 1),
        shared_mem_bytes: 0,
    };
    // each of SIDE / 16 steps runs from the first label of the loop to the one behind it
    let step = between("$L__BB1_2:", "$L__BB1_7:");
    report("tiled", SIDE * SIDE * (SIDE / 16) * step, || {
        // SAFETY: the parameters are those of `tiled`, and the three buffers hold SIDE * SIDE elements.
        unsafe {
            stream
                .launch_builder(kernel)
                .arg(&a)
                .arg(&b)
                .arg(&mut c)
                .arg(&size)
                .arg(&size)
                .arg(&size)
                .launch(config)
        }?;
        stream.synchronize()
    })?;
    assert!(
        stream
            .clone_dtoh(&c)?
            .iter()
            .all(|&c| c == 2.0 * SIDE as f32)
    );
    Ok(())
}

fn softmax(stream: &Arc<CudaStream>, kernel: &CudaFunction) -> Result<(), DriverError> {
    let x = stream.clone_htod(&vec![1f32; ROWS * COLS])?;
    let mut y = stream.alloc_zeros::<f32>(ROWS * COLS)?;
    let cols = COLS as i32;
    let config = LaunchConfig {
        grid_dim: (ROWS as u32, 1, 1),
        block_dim: (THREADS as u32, 1, 1),
        shared_mem_bytes: 0,
    };
    // the two loops over the columns
    let each = between("$L__BB2_2:", "$L__BB2_3:") + between("$L__BB2_14:", "$L__BB2_15:");
    let lanes = ROWS * THREADS * (COLS / THREADS * each);
    report("softmax", lanes, || {
        // SAFETY: the parameters are those of `softmax`, and both buffers hold ROWS * COLS elements.
        unsafe {
            stream
                .launch_builder(kernel)
                .arg(&x)
                .arg(&mut y)
                .arg(&cols)
                .launch(config)
        }?;
        stream.synchronize()
    })?;
    let y = stream.clone_dtoh(&y)?;
    assert!(y.iter().all(|y| (y * COLS as f32 - 1.0).abs() < 1e-4));
    Ok(())
}

/// Instructions between two labels of the PTX.
fn between(from: &str, to: &str) -> usize {
    let start = PTX.find(from).expect("the first label");
    let end = PTX[start..].find(to).expect("the second label");
    let lines = PTX[start..start + end].lines().map(str::trim);
    lines
        .filter(|line| line.ends_with(';') && !line.starts_with('.'))
        .count()
}

fn report(
    kernel: &str,
    lanes: usize,
    mut run: impl FnMut() -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    run()?;
    let mut best = f64::MAX;
    for _ in 0..RUNS {
        let start = processor_seconds();
        run()?;
        best = best.min(processor_seconds() - start);
    }
    let checks = std::env::var(CHECKS).unwrap_or_default();
    println!(
        "{kernel:8} checks {checks:7} {:.2} G lane-instructions/s (best of {RUNS})",
        lanes as f64 / best / 1e9
    );
    Ok(())
}

/// Processor time of this process, which has one thread that works: other work on the machine counts for less.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the struct to fill is a local.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
