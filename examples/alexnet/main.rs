//! AlexNet: classifies images, runs tensors through, times batches, and trains where there is a GPU.
//!
//! ```text
//! alexnet --weights W.safetensors cat.jpg                             the five likeliest classes
//! alexnet --weights bvlcalexnet-12.onnx cat.jpg                       the same with Caffe's weights, as ONNX publishes them
//! alexnet --weights W.safetensors --input X.safetensors --output Y.safetensors
//!                                                                     `input` in, `logits` out
//! alexnet --batch 16                                                  images per second, any weights
//! alexnet --train --device cuda                                       Fashion-MNIST enlarged to 227 x 227
//! alexnet --train --data FOLDER --epochs 90                           images in FOLDER/<class>/, or FOLDER/{train,val}/<class>/
//! alexnet --train --data FOLDER --epochs 90 --resume alexnet-checkpoint.safetensors
//!                                                                     the same, where that was interrupted
//! alexnet --train --data FOLDER --devices all                         the same on all GPUs, a thread each
//! torchrun's RANK, WORLD_SIZE, ...                                    on many, a process each
//! ```

mod classify;
mod folder;
mod learn;
mod onnx;
mod picture;
mod proto;
mod timing;
mod train;
#[cfg(test)]
mod trial;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use common::Devices;
use warpsmith::models::{AlexNetOptions, LrnConstants, alexnet};
use warpsmith::nn::{self, Module, Precision, Sequential};
use warpsmith::{Device, Generator};

/// Runs AlexNet on images, on tensors or against the clock.
#[derive(Parser)]
struct Options {
    /// Images to classify: PNG or JPEG, whatever their names; EXIF's orientation is honoured
    images: Vec<PathBuf>,
    /// Where to run: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    device: Device,
    /// Weights under PyTorch's keys, conv1.weight to fc8.bias, or an .onnx file of bvlc_alexnet's, conv1_w_0 to fc8_b_0, whose
    /// images are then prepared as Caffe does; without them the network knows nothing
    #[arg(long, value_name = "W.safetensors|W.onnx")]
    weights: Option<PathBuf>,
    /// A file with the tensor `input` (n, 3, 227, 227), or 224, to run through
    #[arg(long, value_name = "X.safetensors", requires = "output")]
    input: Option<PathBuf>,
    /// Where the tensor `logits` (n, 1000) goes
    #[arg(long, value_name = "Y.safetensors", requires = "input")]
    output: Option<PathBuf>,
    /// A text file with one class name in each line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Time batches of so many images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: Option<u16>,
    /// What the network computes in: f32, tf32, bf16 or f16
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// The constants of local response normalisation; default: caffe for the weights of an .onnx file, else paper
    #[arg(long, value_enum)]
    lrn: Option<Lrn>,
    /// Train on Fashion-MNIST instead, or on the images of --data
    #[arg(long, conflicts_with_all = ["images", "input", "batch", "weights"])]
    train: bool,
    /// Train on so many GPUs together, or on `all`, each with its part of every batch
    #[arg(long, value_name = "N|all", requires = "train")]
    devices: Option<Devices>,
    /// A folder with a folder of images for each class, or with two such, train and val (else a tenth is held out); or that of
    /// Fashion-MNIST's files; default: where Debian's dataset-fashion-mnist puts them
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Images in each step of a training on images, on all devices together
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// The learning rate of such a training to begin with
    #[arg(long, default_value_t = train::LEARNING_RATE)]
    lr: f64,
    /// After so many epochs of it the rate is a tenth, and again
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    lr_step: u64,
    /// Ends it after so many steps in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Goes on from the checkpoint of such a training with the same options
    #[arg(
        long,
        value_name = "alexnet-checkpoint.safetensors",
        requires = "train"
    )]
    resume: Option<PathBuf>,
    /// Passes over the training images
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Training images to use, for a quick try; default: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    train_images: Option<u32>,
    /// Seed of the first weights, the masks and the order of the images
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lrn {
    Paper,
    Caffe,
    None,
}

impl From<Lrn> for LrnConstants {
    fn from(lrn: Lrn) -> Self {
        match lrn {
            Lrn::Paper => Self::Paper,
            Lrn::Caffe => Self::Caffe,
            Lrn::None => Self::None,
        }
    }
}

impl Options {
    /// Whether the weights are Caffe's.
    fn caffe(&self) -> bool {
        self.weights.as_deref().is_some_and(onnx::is_onnx)
    }

    fn lrn(&self) -> LrnConstants {
        let default = if self.caffe() { Lrn::Caffe } else { Lrn::Paper };
        self.lrn.unwrap_or(default).into()
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).map_err(|error| error.to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.train {
        let folder = options.data.as_deref().filter(|data| has_folders(data));
        if folder.is_none() && options.resume.is_some() {
            return Err(
                "--resume goes on with a training on images: name their folder by --data".into(),
            );
        }
        return common::on_each(options.devices.as_ref(), &options.device, |ranks| {
            println!("{ranks}");
            match folder {
                Some(data) => learn::train_on_images(data, options, ranks),
                None => train::train(options, ranks),
            }
        });
    }
    if options.images.is_empty() && options.input.is_none() && options.batch.is_none() {
        return Err("nothing to do: name images, --input and --output, --batch or --train".into());
    }
    let mut model = network(options)?;
    if let (Some(input), Some(output)) = (&options.input, &options.output) {
        classify::tensors(&mut model, input, output, &options.device)?;
    }
    if !options.images.is_empty() {
        classify::images(&mut model, options)?;
    }
    if let Some(batch) = options.batch {
        timing::time(&mut model, batch.into(), &options.device)?;
    }
    Ok(())
}

/// Whether a folder holds folders, as those of images do and Fashion-MNIST's does not.
fn has_folders(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().is_dir())
}

fn network(options: &Options) -> Result<Sequential, Box<dyn Error>> {
    let shape = AlexNetOptions {
        lrn: options.lrn(),
        ..AlexNetOptions::default()
    };
    let mut generator = Generator::manual_seed(options.seed);
    let mut model = alexnet(&shape, &mut generator, &options.device)?.precision(options.precision);
    if let Some(weights) = &options.weights {
        match onnx::is_onnx(weights) {
            true => nn::load_state_dict(&mut model, &onnx::weights(weights)?)?,
            false => nn::load(&mut model, weights)?,
        }
    }
    model.eval();
    Ok(model)
}
