//! The questions a student asks, answered by running the networks: each prints its finding from its own numbers and
//! writes a picture.
//!
//! ```text
//! cargo run --bin questions            lists them
//! cargo run --bin questions -- all     answers them all
//! ```

mod chart;
mod gradients;
mod lrn;
mod optimizers;
mod precision;
mod relu;
mod softmax;
mod spiral;
mod transpose;
mod width;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use warpsmith::Device;

/// Answers questions about networks by running them.
#[derive(Parser)]
#[command(arg_required_else_help = true)]
struct Options {
    #[command(subcommand)]
    question: Question,
    /// Where to run: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", global = true)]
    device: Device,
    /// The folder for the pictures
    #[arg(long, default_value = "out", value_name = "DIR", global = true)]
    out: PathBuf,
}

#[derive(Clone, Copy, Subcommand)]
enum Question {
    /// What does ReLU change?
    Relu,
    /// Why do gradients vanish with sigmoid?
    Gradients,
    /// Wider or deeper, at equal numbers of parameters?
    Width,
    /// What does softmax do to logits?
    Softmax,
    /// SGD, momentum, AdaGrad, AdaDelta, RMSprop or Adam?
    Optimizers,
    /// What does local response normalisation do in AlexNet, and what had LeNet instead?
    Lrn,
    /// What is a Tensor Core, and what does half precision cost?
    Precision,
    /// Why does a tensor run on a GPU?
    Transpose,
    /// All of them
    All,
}

/// What an answer needs: where to run, and where its picture goes.
struct Desk<'a> {
    device: &'a Device,
    out: &'a Path,
}

impl Desk<'_> {
    /// The place of a picture.
    fn picture(&self, name: &str) -> PathBuf {
        self.out.join(format!("question-{name}.png"))
    }
}

/// A finding in a sentence.
type Answer = Result<String, Box<dyn Error>>;

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

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&options.out).map_err(|e| format!("{}: {e}", options.out.display()))?;
    println!("device: {}", options.device);
    let desk = Desk {
        device: &options.device,
        out: &options.out,
    };
    type Asked = (&'static str, fn(&Desk) -> Answer);
    let one = |question| -> Option<Asked> {
        Some(match question {
            Question::Relu => ("What does ReLU change?", relu::answer),
            Question::Gradients => ("Why do gradients vanish?", gradients::answer),
            Question::Width => ("Wider or deeper?", width::answer),
            Question::Softmax => ("What does softmax do?", softmax::answer),
            Question::Optimizers => ("Which optimizer?", optimizers::answer),
            Question::Lrn => ("What does LRN do?", lrn::answer),
            Question::Precision => (
                "What is a Tensor Core, and what does half precision cost?",
                precision::answer,
            ),
            Question::Transpose => ("Why a GPU?", transpose::answer),
            Question::All => return None,
        })
    };
    let all = [
        Question::Relu,
        Question::Gradients,
        Question::Width,
        Question::Softmax,
        Question::Optimizers,
        Question::Lrn,
        Question::Precision,
        Question::Transpose,
    ];
    let asked: Vec<Asked> = match one(options.question) {
        Some(asked) => vec![asked],
        None => all.into_iter().filter_map(one).collect(),
    };
    for (question, answer) in asked {
        println!("\n{question}\n{}", answer(&desk)?);
    }
    Ok(())
}
