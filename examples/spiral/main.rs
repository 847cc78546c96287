//! Why a network needs a nonlinearity, and an optimizer that finds its way.
//!
//! Two networks learn the same three spirals: Linear-Linear with SGD, which can only draw straight lines, and
//! Linear-ReLU-Linear with Adam. `--grid` trains all four combinations and shows that it takes both changes.

mod plot;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use warpsmith::Device;
use warpsmith::nn::Precision;

use train::{Activation, Experiment, Optimizer, Trained};

/// Trains two networks on three spirals and draws what they have learnt.
#[derive(Parser)]
struct Options {
    /// Where to train: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    device: Device,
    /// Seed of the data and of the first weights
    #[arg(long, default_value_t = 6)]
    seed: u64,
    /// Training steps of each network, each over all points
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,
    /// What the network computes in: f32, tf32, bf16 or f16
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// The picture to write
    #[arg(long, default_value = "out/spiral.png", value_name = "FILE.png", value_parser = common::png)]
    out: PathBuf,
    /// Train all four combinations of activation and optimizer and print the table
    #[arg(long)]
    grid: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // on a thread of the pool, so that no op has to wake it first and wait for it to answer
    match rayon::scope(|_| run(&options).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    println!("device: {}", options.device);
    let experiment = Experiment::new(
        options.seed,
        options.iterations,
        options.precision,
        &options.device,
    )?;
    if options.grid {
        println!("| activation | SGD | Adam |\n|---|---|---|");
        for activation in [Activation::None, Activation::Relu] {
            let [sgd, adam] =
                [Optimizer::Sgd, Optimizer::Adam].map(|o| experiment.train(activation, o));
            println!(
                "| {activation} | {:.3} | {:.3} |",
                sgd?.accuracy, adam?.accuracy
            );
        }
        return Ok(());
    }
    let linear = experiment.train(Activation::None, Optimizer::Sgd)?;
    let relu = experiment.train(Activation::Relu, Optimizer::Adam)?;
    let panel = |title: &str, trained: Trained| {
        let title = format!("{title}: accuracy {:.3}", trained.accuracy);
        trained
            .regions(plot::CELLS, plot::REACH)
            .map(|regions| plot::Panel { title, regions })
    };
    let (linear_accuracy, relu_accuracy) = (linear.accuracy, relu.accuracy);
    let panels = [
        panel("Linear-Linear, SGD", linear)?,
        panel("Linear-ReLU-Linear, Adam", relu)?,
    ];
    plot::draw(&options.out, &panels, &experiment.points()?)?;
    println!("picture: {}", options.out.display());
    println!("linear accuracy: {linear_accuracy:.3}");
    println!("relu accuracy: {relu_accuracy:.3}");
    Ok(())
}
