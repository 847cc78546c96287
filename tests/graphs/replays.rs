//! n replays are n steps.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{self, Optimizer, OptimizerState};
use warpsmith::nn::{CrossEntropyLoss, Dropout, Module, load_state_dict, state_dict};
use warpsmith::{CudaGraph, Device, Generator, Result, Tensor};

use crate::run::{Batch, Run, batches, check, convolutional, perceptron};

pub fn every_optimizer(device: &Device) -> Result<()> {
    let batches = batches(5, &[12, 5], 3, device)?;
    macro_rules! check {
        ($($optimizer:expr,)*) => {
            $(let make = || Ok(Run::new(perceptron(device)?, $optimizer));
            check(stringify!($optimizer), make, &batches, device)?;)*
        };
    }
    check! {
        optim::Sgd::new(0.1),
        optim::Sgd::new(0.1).momentum(0.9).nesterov(),
        optim::Adagrad::new(0.1),
        optim::Adadelta::new(1.0).weight_decay(0.1),
        optim::RmsProp::new(0.01),
        optim::RmsProp::new(0.01).momentum(0.5),
        optim::Adam::new(0.01),
        optim::AdamW::new(0.01),
        optim::Sgd::new(0.1).momentum(0.9).dampening(0.5),
        optim::RmsProp::new(0.01).centered(),
        optim::RmsProp::new(0.01).momentum(0.5).centered(),
        optim::Adam::new(0.01).amsgrad(),
    }
    Ok(())
}

/// Replays follow the rate of the optimizer, as steps do.
pub fn a_rate_that_changes(device: &Device) -> Result<()> {
    let batches = batches(6, &[12, 5], 3, device)?;
    type Make = fn() -> Box<dyn Optimizer>;
    let optimizers: [Make; 7] = [
        || Box::new(optim::Sgd::new(0.1)),
        || Box::new(optim::Sgd::new(0.1).momentum(0.9)),
        || Box::new(optim::Adagrad::new(0.1)),
        || Box::new(optim::Adadelta::new(1.0)),
        || Box::new(optim::RmsProp::new(0.01).momentum(0.5).centered()),
        || Box::new(optim::Adam::new(0.01).amsgrad()),
        // whose decay follows the rate as well
        || Box::new(optim::AdamW::new(0.01).weight_decay(0.5)),
    ];
    for (i, make) in optimizers.into_iter().enumerate() {
        let run = |optimizer| -> Result<Run> {
            Ok(Run {
                model: perceptron(device)?,
                optimizer,
                criterion: CrossEntropyLoss::new(),
            })
        };
        let [mut plain, mut captured, mut constant] = [run(make())?, run(make())?, run(make())?];
        let schedule = optim::StepLr::new(2, 0.25)?;
        let mut rates = optim::LrScheduler::new(schedule, &mut *plain.optimizer);
        for batch in &batches {
            plain.step(batch)?;
            constant.step(batch)?;
            rates.step(&mut *plain.optimizer);
        }
        let mut rates = optim::LrScheduler::new(schedule, &mut *captured.optimizer);
        captured.step(&batches[0])?;
        rates.step(&mut *captured.optimizer);
        let (x, labels) = &batches[0];
        let (mut x, mut labels) = (x.copy()?, labels.copy()?);
        let inputs = (x.clone(), labels.clone());
        let (mut graph, _) = CudaGraph::capture(device, || captured.step(&inputs))?;
        for (next, classes) in &batches[1..] {
            x.copy_(next)?;
            labels.copy_(classes)?;
            graph.replay()?;
            rates.step(&mut *captured.optimizer);
        }
        assert!(captured.values()? == plain.values()?, "optimizer {i}");
        assert!(captured.values()? != constant.values()?, "optimizer {i}");
        // one that is none is an error of the replay, and counts for nothing
        captured.optimizer.set_lr(-1.0);
        let before = captured.values()?;
        assert!(graph.replay().unwrap_err().to_string().contains("lr"));
        assert!(captured.values()? == before);
        captured.optimizer.set_lr(0.1);
        graph.replay()?;
        assert!(captured.values()? != before);
    }
    Ok(())
}

/// A loss with everything that it can have.
pub fn a_loss_with_options(device: &Device) -> Result<()> {
    let mut batches = batches(4, &[12, 5], 3, device)?;
    for (_, labels) in &mut batches {
        let mut values = labels.to_vec()?;
        values[3] = 7;
        *labels = Tensor::from_vec(values, &[12], device)?;
    }
    let weight = Tensor::from_slice(&[0.2_f32, 1.0, 3.0], &[3], device)?;
    let make = || {
        let mut run = Run::new(perceptron(device)?, optim::Adam::new(0.01));
        run.criterion = CrossEntropyLoss::new()
            .weight(weight.clone())
            .label_smoothing(0.1)
            .ignore_index(7);
        Ok(run)
    };
    check("cross entropy", make, &batches, device)
}

pub fn dropout_takes_the_next_mask(device: &Device) -> Result<()> {
    let batches = batches(5, &[6, 1, 8, 8], 3, device)?;
    let make = || Ok(Run::new(convolutional(device)?, optim::Adam::new(0.01)));
    check("dropout", make, &batches, device)
}

/// Each run of a replay takes a mask.
pub fn a_layer_that_runs_twice(device: &Device) -> Result<()> {
    let x = Tensor::<f32>::full(&[100], 1.0, device)?;
    let [mut plain, mut captured] = [(); 2].map(|()| Dropout::new(0.5, 3).unwrap());
    let twice = |layer: &mut Dropout| {
        let (a, b) = (layer.forward(&x)?, layer.forward(&x)?);
        // 2 and 4, so that the sum tells which of the two dropped what
        a.add_alpha(&b, 2.0)
    };
    let want: Vec<Vec<f32>> = (0..4)
        .map(|_| twice(&mut plain)?.to_vec())
        .collect::<Result<_>>()?;
    let mut got = vec![twice(&mut captured)?.to_vec()?];
    let (mut graph, sum) = CudaGraph::capture(device, || twice(&mut captured))?;
    for _ in 1..3 {
        graph.replay()?;
        got.push(sum.to_vec()?);
    }
    got.push(twice(&mut captured)?.to_vec()?);
    assert!(got == want && want[0] != want[1]);
    Ok(())
}

pub fn lenet(device: &Device) -> Result<()> {
    let batches = batches(3, &[2, 1, 28, 28], 10, device)?;
    let make = || {
        let mut generator = Generator::manual_seed(1);
        let model = lenet5(10, LeNetActivation::ReLU, &mut generator, device)?;
        Ok(Run::new(model, optim::Adam::new(1e-3)))
    };
    check("lenet", make, &batches, device)
}

/// Steps that are not replayed, as for a last batch of another size, count and learn together with those that are.
pub fn steps_between_replays(device: &Device) -> Result<()> {
    let all = batches(6, &[6, 1, 8, 8], 3, device)?;
    let small = batches(1, &[2, 1, 8, 8], 3, device)?.remove(0);
    let make =
        || Ok::<_, warpsmith::Error>(Run::new(convolutional(device)?, optim::Adam::new(0.01)));
    let (mut plain, mut captured) = (make()?, make()?);
    let order = [&all[0], &all[1], &small, &all[2], &small, &all[3]];
    for batch in order {
        plain.step(batch)?;
    }
    captured.step(order[0])?;
    let (mut x, mut labels) = (all[0].0.copy()?, all[0].1.copy()?);
    let inputs = (x.clone(), labels.clone());
    let (mut graph, _) = CudaGraph::capture(device, || captured.step(&inputs))?;
    for batch in &order[1..] {
        if batch.0.shape()[0] == 6 {
            x.copy_(&batch.0)?;
            labels.copy_(&batch.1)?;
            graph.replay()?;
        } else {
            captured.step(batch)?;
        }
    }
    assert!(captured.values()? == plain.values()?);
    Ok(())
}

/// What is loaded is what the graph goes on with.
pub fn a_checkpoint_loaded_between(device: &Device) -> Result<()> {
    let batches = batches(1, &[12, 5], 3, device)?;
    let mut run = Run::new(perceptron(device)?, optim::Adam::new(0.01));
    run.step(&batches[0])?;
    // snapshots of their own: the graph writes the tensors themselves
    let own = |state: std::collections::BTreeMap<String, Tensor<f32>>| {
        let copies = state.into_iter().map(|(key, t)| Ok((key, t.copy()?)));
        copies.collect::<Result<_>>()
    };
    let model = own(state_dict(&mut run.model)?)?;
    let state = run.optimizer.state_dict(&mut run.model)?;
    let (step, tensors) = (state.step, own(state.tensors)?);
    let snapshot = OptimizerState { step, tensors };
    let (mut graph, _) = CudaGraph::capture(device, || run.step(&batches[0]))?;
    let mut seen = Vec::new();
    for _ in 0..2 {
        graph.replay()?;
        graph.replay()?;
        seen.push(run.values()?);
        load_state_dict(&mut run.model, &model)?;
        run.optimizer.load_state_dict(&mut run.model, &snapshot)?;
    }
    assert!(seen[0] == seen[1]);
    // an optimizer made fresh: its first step, though not the model's
    let mut fresh = Run::new(perceptron(device)?, optim::Adam::new(0.01));
    load_state_dict(&mut fresh.model, &model)?;
    run.optimizer
        .load_state_dict(&mut run.model, &OptimizerState::default())?;
    graph.replay()?;
    fresh.step(&batches[0])?;
    assert!(run.values()? == fresh.values()?);
    Ok(())
}

/// A graph for each size of batch, over the same parameters.
pub fn two_graphs_of_one_model(device: &Device) -> Result<()> {
    let (large, small) = (
        batches(1, &[12, 5], 3, device)?.remove(0),
        batches(1, &[4, 5], 3, device)?.remove(0),
    );
    let make = || Ok::<_, warpsmith::Error>(Run::new(perceptron(device)?, optim::Adam::new(0.01)));
    let (mut plain, mut captured) = (make()?, make()?);
    let order = [&large, &large, &small, &small, &large];
    let step = |batch: &&Batch| plain.step(batch)?.item();
    let want = order.iter().map(step).collect::<Result<Vec<f32>>>()?;
    let mut got = vec![captured.step(&large)?.item()?];
    let (mut on_large, large_loss) = CudaGraph::capture(device, || captured.step(&large))?;
    let (mut on_small, small_loss) = CudaGraph::capture(device, || captured.step(&small))?;
    for batch in &order[1..] {
        if batch.0.shape()[0] == 12 {
            on_large.replay()?;
            got.push(large_loss.item()?);
        } else {
            on_small.replay()?;
            got.push(small_loss.item()?);
        }
    }
    assert_eq!(got, want);
    assert!(captured.values()? == plain.values()?);
    Ok(())
}
