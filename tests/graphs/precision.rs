//! Steps of a model that computes in halves.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::{
    CrossEntropyLoss, GradScaler, Module, Precision, clip_grad_norm_, load_checkpoint_scaled,
    optim, save_checkpoint_scaled,
};
use warpsmith::{CudaGraph, Device, Error, Generator, Result};

use crate::run::{Batch, Run, batches, check, convolutional, perceptron};

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

/// What is trained in f16: a batch in two parts, with gradients clipped or not.
struct Scaled {
    run: Run,
    scaler: GradScaler,
    clipped: bool,
}

impl Scaled {
    fn new(
        optimizer: Box<dyn optim::Optimizer>,
        init_scale: f32,
        clipped: bool,
        device: &Device,
    ) -> Result<Self> {
        let model = convolutional(device)?.precision(Precision::F16);
        let criterion = CrossEntropyLoss::new();
        let run = Run {
            model,
            optimizer,
            criterion,
        };
        let scaler = GradScaler::new().init_scale(init_scale).growth_interval(3);
        Ok(Self {
            run,
            scaler,
            clipped,
        })
    }

    fn step(&mut self, (x, labels): &Batch) -> Result<()> {
        let Run {
            model,
            optimizer,
            criterion,
        } = &mut self.run;
        for accumulate in [false, true] {
            let logits = model.forward(x)?;
            criterion.forward(&logits, labels)?;
            model.accumulate_grad(accumulate);
            model.backward_parameters(&self.scaler.backward(criterion)?)?;
        }
        if self.clipped {
            self.scaler.unscale_(model)?;
            clip_grad_norm_(model, 0.1)?;
        }
        self.scaler.step(&mut **optimizer, model)?;
        self.scaler.update()
    }

    fn captured(&mut self, inputs: &Batch, device: &Device) -> Result<CudaGraph> {
        Ok(CudaGraph::capture(device, || self.step(inputs))?.0)
    }
}

/// Replayed steps of which some overflow are the same steps launched: the scale falls until none does and grows again,
/// and what was skipped counts for no optimizer.
pub fn a_scaled_step(device: &Device) -> Result<()> {
    let batches = batches(7, &[6, 1, 8, 8], 3, device)?;
    let makes: [fn() -> Box<dyn optim::Optimizer>; 3] = [
        || Box::new(optim::Adam::new(0.01)),
        || Box::new(optim::Sgd::new(0.1).momentum(0.9).dampening(0.5)),
        || Box::new(optim::Adagrad::new(0.1).lr_decay(0.1)),
    ];
    for (i, make) in makes.into_iter().enumerate() {
        let clipped = i == 0;
        // the first steps overflow f16
        let new = || Scaled::new(make(), 2_f32.powi(20), clipped, device);
        let (mut plain, mut captured) = (new()?, new()?);
        for batch in &batches {
            plain.step(batch)?;
        }
        captured.step(&batches[0])?;
        let (mut x, mut labels) = (batches[0].0.copy()?, batches[0].1.copy()?);
        let inputs = (x.clone(), labels.clone());
        let mut graph = captured.captured(&inputs, device)?;
        for batch in &batches[1..] {
            x.copy_(&batch.0)?;
            labels.copy_(&batch.1)?;
            graph.replay()?;
        }
        let state = plain.scaler.state_dict()?;
        assert_eq!(captured.scaler.state_dict()?, state, "{i}");
        assert!(state.skipped > 1, "{i}: {state:?}");
        let made = batches.len() as u64 - state.skipped;
        assert!(made > 1 && captured.run.optimizer.steps()? == made, "{i}");
        assert!(captured.run.values()? == plain.run.values()?, "{i}");
        // the rate of now is the next replay's, and one that is none is its error
        for run in [&mut plain, &mut captured] {
            run.run.optimizer.set_lr(0.5);
        }
        plain.step(&batches[6])?;
        graph.replay()?;
        assert!(captured.run.values()? == plain.run.values()?, "{i}");
        captured.run.optimizer.set_lr(-1.0);
        assert!(graph.replay().unwrap_err().to_string().contains("lr"));
    }
    Ok(())
}

/// A checkpoint is that of the device's counts, and loaded between replays the next one goes on from it.
pub fn a_scaled_checkpoint(device: &Device) -> Result<()> {
    let batches = batches(1, &[6, 1, 8, 8], 3, device)?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.safetensors");
    let adam = || Box::new(optim::Adam::new(0.01));
    let new = |scale: i32| Scaled::new(adam(), 2_f32.powi(scale), false, device);
    let mut run = new(8)?;
    run.step(&batches[0])?;
    let mut graph = run.captured(&batches[0], device)?;
    graph.replay()?;
    save_checkpoint_scaled(&mut run.run.model, &*run.run.optimizer, &run.scaler, &file)?;
    let mut seen = Vec::new();
    for _ in 0..2 {
        graph.replay()?;
        graph.replay()?;
        seen.push((run.run.values()?, run.scaler.state_dict()?));
        let Run {
            model, optimizer, ..
        } = &mut run.run;
        load_checkpoint_scaled(model, &mut **optimizer, &mut run.scaler, &file)?;
    }
    assert!(seen[0] == seen[1]);
    let mut other = new(3)?;
    let Run {
        model, optimizer, ..
    } = &mut other.run;
    load_checkpoint_scaled(model, &mut **optimizer, &mut other.scaler, &file)?;
    assert_eq!(other.run.optimizer.steps()?, 2);
    other.step(&batches[0])?;
    other.step(&batches[0])?;
    assert!((other.run.values()?, other.scaler.state_dict()?) == seen[0]);
    Ok(())
}

/// What a replay would make anew is not made in a capture: the scaler's numbers, and the count of steps.
pub fn a_scalers_first_step(device: &Device) -> Result<()> {
    let batches = batches(1, &[6, 1, 8, 8], 3, device)?;
    let adam = || Box::new(optim::Adam::new(0.01));
    let mut fresh = Scaled::new(adam(), 8.0, false, device)?;
    // the optimizer has its state, and has counted on the host
    fresh.run.step(&batches[0])?;
    let answer = fresh.captured(&batches[0], device);
    let scaler = |e: &Error| matches!(e, Error::Capture { op, .. } if *op == "GradScaler");
    assert!(scaler(&answer.unwrap_err()));
    fresh.scaler.backward(&fresh.run.criterion)?;
    let answer = fresh.captured(&batches[0], device);
    let adam = |e: &Error| matches!(e, Error::Capture { op, .. } if *op == "Adam");
    assert!(adam(&answer.unwrap_err()));
    fresh.scaler.load_state_dict(&fresh.scaler.state_dict()?)?;
    fresh.step(&batches[0])?;
    assert_eq!(fresh.run.optimizer.steps()?, 2);
    fresh.captured(&batches[0], device)?.replay()?;
    assert_eq!(fresh.run.optimizer.steps()?, 3);
    // steps without a scale go on in the device's count
    fresh.run.step(&batches[0])?;
    assert_eq!(fresh.run.optimizer.steps()?, 4);
    // and neither count nor scale is read in a capture
    let answer = CudaGraph::capture(device, || fresh.run.optimizer.steps());
    assert!(matches!(answer, Err(Error::Capture { .. })));
    let answer = CudaGraph::capture(device, || fresh.scaler.scale());
    assert!(matches!(answer, Err(Error::Capture { .. })));
    Ok(())
}
