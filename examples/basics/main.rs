//! The first exercise of a student's notes on PyTorch, line by line: make tensors, look at them, calculate with them, move
//! them to a GPU. Each call stands beside what it answers, as PyTorch would print it.
//!
//! ```text
//! cargo run --release --example basics
//! ```

mod histogram;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use warpsmith::ops::{cat, stack};
use warpsmith::{Device, Generator, Tensor};

/// A call, and what it answers.
macro_rules! show {
    ($call:expr) => {
        println!(">>> {}\n{}\n", stringify!($call), $call)
    };
}

const CPU: &Device = &Device::Cpu;

fn main() -> Result<(), Box<dyn Error>> {
    let mut generator = Generator::manual_seed(1);
    made(&mut generator)?;
    let m = looked_at()?;
    calculated(&m)?;
    histogram::draw(Path::new("out/basics.png"), &mut generator)?;
    println!("Two histograms of randn are in out/basics.png.\n");
    joined()?;
    moved(&mut generator)
}

/// A number, a vector, a matrix, a cube; random ones; types.
fn made(generator: &mut Generator) -> Result<(), Box<dyn Error>> {
    println!("# Making tensors\n");
    show!(Tensor::new(3.5_f32, CPU)?);
    show!(Tensor::new([1.0_f32, 2.0, 3.0], CPU)?);
    show!(Tensor::new([[1.0_f32, 2.0], [3.0, 4.0]], CPU)?);
    show!(Tensor::<f32>::ones(&[2, 3, 4], CPU)?);
    show!(Tensor::<f32>::rand(&[2, 3], generator, CPU)?);
    show!(Tensor::<f32>::randn(&[2, 3], generator, CPU)?);
    show!(Tensor::<i64>::randint(0, 10, &[2, 5], generator, CPU)?);
    show!(Tensor::new([1_i64, 2, 3], CPU)?.cast::<f32>()?);
    show!(Tensor::<f32>::eye(3, CPU)?);
    Ok(())
}

/// Sizes, indices, rows and columns.
fn looked_at() -> Result<Tensor<f32>, Box<dyn Error>> {
    println!("# Looking at them\n");
    let m = Tensor::new([[2.0_f32, 5.0, 3.0, 7.0], [4.0, 2.0, 1.0, 9.0]], CPU)?;
    show!(m);
    show!(format!(
        "{:?} {} {} {}",
        m.shape(),
        m.size(0)?,
        m.dim(),
        m.numel()
    ));
    show!(m.i((0, 2))?);
    show!(m.i((.., 1))?);
    show!(m.i((0, ..))?);
    show!(m.i((.., 1..3))?);
    show!(m.gt(3.0)?);
    Ok(m)
}

/// Products, sums, transposes, sequences.
fn calculated(m: &Tensor<f32>) -> Result<(), Box<dyn Error>> {
    println!("# Calculating with them\n");
    let v = Tensor::arange(1, 5, 1, CPU)?;
    show!(v);
    println!(
        ">>> m.matmul(&v)\nThis does not compile: expected `&Tensor<f32>`, found `&Tensor<i32>`. In PyTorch it stops when it \
         runs:\nexpected m1 and m2 to have the same dtype. Either way, one of the two becomes the other's type:\n"
    );
    let v = v.cast::<f32>()?;
    show!(m.matmul(&v)?);
    show!(m.i((0, ..))?.dot(&v)?);
    show!(m.add(&v)?);
    show!((m * 2.0)?);
    show!(m.sum()?);
    show!(m.sum_dim(&[0], false)?);
    show!(m.mean_dim(&[1], true)?);
    show!(m.t()?);
    show!(format!("{:?}", m.transpose(0, 1)?.shape()));
    show!(Tensor::arange(3.0_f32, 8.0, 1.0, CPU)?);
    show!(Tensor::linspace(3.0_f32, 8.0, 20, CPU)?.view(&[1, -1])?);
    Ok(())
}

fn joined() -> Result<(), Box<dyn Error>> {
    println!("# Putting them together\n");
    let a = Tensor::new([[1_i64, 2, 3, 4]], CPU)?;
    let b = Tensor::new([[5_i64, 6, 7, 8]], CPU)?;
    show!(cat(&[&a, &b], 0)?);
    show!(cat(&[&a, &b], 1)?);
    show!(format!("{:?}", stack(&[&a, &b], 0)?.shape()));
    Ok(())
}

/// The same transpose on the CPU and on a GPU.
fn moved(generator: &mut Generator) -> Result<(), Box<dyn Error>> {
    println!("# On a GPU\n");
    let x = Tensor::<f32>::randn(&[2048, 2048], generator, CPU)?;
    let device = Device::best();
    let mut devices = vec![Device::Cpu];
    match device.as_cuda() {
        Some(_) => devices.push(device.clone()),
        None => println!("There is none here that takes kernels; the CPU alone, then.\n"),
    }
    for device in &devices {
        let there = x.to(device)?;
        // the first is slower: a GPU's driver compiles the kernel, a CPU touches new memory
        there.t()?.i((0, 0))?.item()?;
        let start = Instant::now();
        let turned = there.t()?;
        turned.i((0, 0))?.item()?;
        let took = start.elapsed();
        println!(
            ">>> x.t() of 2048 x 2048 on {device}: {:.2} ms",
            took.as_secs_f64() * 1e3
        );
        println!("{}\n", turned.i((0..2, 0..3))?);
        if device.is_emulated() {
            println!("(A time from the emulated driver is not a measurement.)\n");
        }
    }
    Ok(())
}
