//! LeNet-5 on Fashion-MNIST: trained, saved, and asked what it sees.
//!
//! ```text
//! cargo run --bin lenet                       60,000 images of clothes, five epochs
//! cargo run --bin lenet -- --data synthetic   digits drawn here, where there are no files
//! cargo run --bin lenet -- --epochs 9 --resume lenet-checkpoint.safetensors      four epochs more
//! cargo run --bin lenet -- --devices 2        on two GPUs, a thread each
//! torchrun's RANK, WORLD_SIZE, ...            on many, a process each
//! ```

mod plot;
mod source;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, ValueEnum};
use common::{Devices, Ranks};
use warpsmith::Device;
use warpsmith::models::LeNetActivation;
use warpsmith::nn::Precision;

use source::Source;
use train::{Network, Run};

/// Trains LeNet-5 and writes its weights, its learning curve and what it says of some images.
#[derive(Parser)]
struct Options {
    /// Where to train: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    device: Device,
    /// Learn on so many GPUs together, or on `all`, each from its part of every batch
    #[arg(long, value_name = "N|all")]
    devices: Option<Devices>,
    /// The folder of Fashion-MNIST's (or MNIST's) files, or `synthetic` for digits drawn by this program; default: where
    /// Debian's dataset-fashion-mnist puts them
    #[arg(long, value_name = "DIR|synthetic")]
    data: Option<Source>,
    /// Passes over the training images, those of a resumed run included
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Images in each training step, on all devices together
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch_size: u32,
    /// Training images to use, for a quick try; default: all
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,
    /// Learning rate of Adam
    #[arg(long, default_value_t = 1e-3)]
    lr: f64,
    /// Capture a training step as a CUDA graph and replay it, on a GPU
    #[arg(long)]
    graph: bool,
    /// What stands between the layers
    #[arg(long, value_enum, default_value_t = Activation::Relu)]
    activation: Activation,
    /// What the network computes in: f32, tf32, bf16 or f16
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Seed of the first weights and of the order of the images
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Go on with the run of this checkpoint; with the same options as if nothing had been between
    #[arg(long, value_name = "FILE.safetensors", conflicts_with = "weights")]
    resume: Option<PathBuf>,
    /// Begin with the weights of this file
    #[arg(long, value_name = "FILE.safetensors")]
    weights: Option<PathBuf>,
    /// The folder for lenet.safetensors, lenet-checkpoint.safetensors, lenet-curve.png and lenet-samples.png
    #[arg(long, default_value = "out", value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Activation {
    Relu,
    Sigmoid,
    Tanh,
}

impl From<Activation> for LeNetActivation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Relu => Self::ReLU,
            Activation::Sigmoid => Self::Sigmoid,
            Activation::Tanh => Self::Tanh,
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    // on a thread of the pool, so that no op has to wake it first and wait for it to answer
    match rayon::scope(|_| run(options).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
    common::on_each(options.devices.as_ref(), &options.device, |ranks| {
        println!("{ranks}");
        learn(&options, ranks, &interrupted)
    })
}

/// Trains on a device, alone or as a rank; the first rank writes and says what there is to say.
fn learn(
    options: &Options,
    ranks: &Ranks,
    interrupted: &AtomicBool,
) -> Result<(), Box<dyn std::error::Error>> {
    let data = options
        .data
        .clone()
        .unwrap_or_default()
        .load(options.seed)?;
    let network = Network {
        activation: options.activation.into(),
        precision: options.precision,
    };
    let mut run = Run::new(
        data,
        network,
        options.seed,
        options.batch_size as usize,
        options.images.map(|n| n as usize),
        options.lr,
        ranks,
    )?;
    if options.graph {
        run.replay();
    }
    if let Some(file) = &options.weights {
        run.load(file)?;
    }
    if let Some(file) = &options.resume {
        run.resume(file)?;
    }
    std::fs::create_dir_all(&options.out).map_err(|e| format!("{}: {e}", options.out.display()))?;
    let weights = options.out.join("lenet.safetensors");
    let checkpoint = options.out.join("lenet-checkpoint.safetensors");
    while run.epochs_done()? < options.epochs {
        let whole = run.epoch(interrupted)?;
        run.save(&weights, &checkpoint)?;
        if !whole {
            if ranks.leads() {
                println!("interrupted; --resume {} goes on", checkpoint.display());
            }
            return Ok(());
        }
    }
    if !ranks.leads() {
        return Ok(());
    }
    println!("weights: {}", weights.display());
    let curve = options.out.join("lenet-curve.png");
    plot::curve(&curve, run.losses(), run.accuracies())?;
    println!("picture: {}", curve.display());
    let samples = options.out.join("lenet-samples.png");
    plot::samples(&samples, &run.samples(plot::SAMPLES)?)?;
    println!("picture: {}", samples.display());
    println!("test accuracy: {:.3}", run.accuracy()?);
    Ok(())
}
