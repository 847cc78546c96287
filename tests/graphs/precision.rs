//! Steps of a model that computes in halves.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::{GradScaler, Module, Precision, optim};
use warpsmith::{CudaGraph, Device, Error, Generator, Result};

use crate::run::{Run, batches, check, convolutional, perceptron};

const HALVES: [Precision; 2] = [Precision::Bf16, Precision::F16];

pub fn every_precision(device: &Device) -> Result<()> {
    let small = batches(4, &[12, 5], 3, device)?;
    let images = batches(3, &[2, 1, 28, 28], 10, device)?;
    for precision in [Precision::Tf32, Precision::Bf16, Precision::F16] {
        let make = || {
            let model = perceptron(device)?.precision(precision);
            Ok(Run::new(model, optim::Adam::new(0.01)))
        };
        check(&format!("perceptron in {precision}"), make, &small, device)?;
    }
    let make = || {
        let mut generator = Generator::manual_seed(1);
        let model = lenet5(10, LeNetActivation::ReLU, &mut generator, device)?;
        let model = model.precision(Precision::Bf16);
        Ok(Run::new(model, optim::Adam::new(1e-3)))
    };
    check("lenet in bf16", make, &images, device)
}

/// Forwards before and between, which find the parameters' copies as they are or not, change nothing for the replays, and
/// see the parameters of the last replay.
pub fn copies_are_made_anew(device: &Device) -> Result<()> {
    let all = batches(4, &[6, 1, 8, 8], 3, device)?;
    for precision in HALVES {
        let make = || -> Result<Run> {
            let model = convolutional(device)?.precision(precision);
            Ok(Run::new(model, optim::Sgd::new(0.1)))
        };
        let (mut plain, mut captured) = (make()?, make()?);
        let look = |run: &mut Run| -> Result<Vec<f32>> {
            run.model.eval();
            let logits = run.model.forward(&all[3].0)?.to_vec();
            run.model.train(true);
            logits
        };
        let mut want = Vec::new();
        for batch in &all {
            plain.step(batch)?;
            want.push(look(&mut plain)?);
        }
        captured.step(&all[0])?;
        // the copies are those of the parameters when the capture begins
        let mut got = vec![look(&mut captured)?];
        let (mut x, mut labels) = (all[0].0.copy()?, all[0].1.copy()?);
        let inputs = (x.clone(), labels.clone());
        let (mut graph, _) = CudaGraph::capture(device, || captured.step(&inputs))?;
        for batch in &all[1..] {
            x.copy_(&batch.0)?;
            labels.copy_(&batch.1)?;
            graph.replay()?;
            got.push(look(&mut captured)?);
        }
        assert!(got == want && got[0] != got[1], "{precision}");
        assert!(captured.values()? == plain.values()?, "{precision}");
    }
    Ok(())
}

/// A scaler's decision is the host's, so it is an error in a capture, after which it goes on as before.
pub fn a_scaler_reads_back(device: &Device) -> Result<()> {
    let batches = batches(1, &[12, 5], 3, device)?;
    let model = perceptron(device)?.precision(Precision::F16);
    let mut run = Run::new(model, optim::Sgd::new(0.1));
    let mut scaler = GradScaler::new();
    let mut step = || -> Result<bool> {
        let logits = run.model.forward(&batches[0].0)?;
        run.criterion.forward(&logits, &batches[0].1)?;
        let grad = scaler.backward(&run.criterion)?;
        run.model.backward_parameters(&grad)?;
        let made = scaler.step(&mut *run.optimizer, &mut run.model)?;
        scaler.update();
        Ok(made)
    };
    assert!(step()?);
    let answer = CudaGraph::capture(device, &mut step);
    assert!(matches!(
        answer,
        Err(Error::Capture {
            op: "GradScaler",
            ..
        })
    ));
    assert!(step()?);
    Ok(())
}
