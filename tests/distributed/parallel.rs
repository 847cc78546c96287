//! Data-parallel training: ranks with parts of a batch learn as one with the whole.

use std::panic::{AssertUnwindSafe, catch_unwind};

use warpsmith::distributed::{Communicator, DistributedDataParallel, ZeroRedundancyOptimizer};
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{
    self, BatchNorm2d, Conv2d, CrossEntropyLoss, Linear, Module, Parameter, ReLU, Sequential,
};
use warpsmith::{CudaGraph, Device, Generator, Result, Tensor, data};

use crate::common::compare::{Tolerance, assert_close};
use crate::ranks::{ranks, says};

/// Samples of a batch on all ranks together.
const BATCH: usize = 24;
const STEPS: usize = 6;
/// Sums in another order, over some steps.
const CLOSE: Tolerance = Tolerance {
    abs: 1e-6,
    rel: 1e-5,
};

pub fn weights(model: &mut dyn Module) -> Result<Vec<f32>> {
    let mut weights = Vec::new();
    for parameter in model.parameters() {
        weights.extend(parameter.value.to_vec()?);
    }
    Ok(weights)
}

pub fn grads(model: &mut dyn Module) -> Result<Vec<f32>> {
    let mut grads = Vec::new();
    for parameter in model.parameters() {
        grads.extend(parameter.grad.to_vec()?);
    }
    Ok(grads)
}

pub fn model(seed: u64, device: &Device) -> Result<Sequential> {
    let mut generator = Generator::manual_seed(seed);
    Ok(Sequential::new()
        .push(Linear::new(2, 33, &mut generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(33, 10, &mut generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(10, 3, &mut generator, device)?))
}

/// The samples of one rank of so many, of whole batches of [`BATCH`].
pub fn part(rank: usize, of: usize, device: &Device) -> Result<(Tensor<f32>, Tensor<i32>)> {
    let (x, labels) = data::spiral(3, BATCH / 3, &mut Generator::manual_seed(2), &Device::Cpu)?;
    let rows: Vec<usize> = (0..BATCH).filter(|row| row % of == rank).collect();
    let (x, labels) = (x.to_vec()?, labels.to_vec()?);
    let points: Vec<f32> = rows
        .iter()
        .flat_map(|&row| [x[2 * row], x[2 * row + 1]])
        .collect();
    let labels: Vec<i32> = rows.iter().map(|&row| labels[row]).collect();
    let x = Tensor::from_slice(&points, &[rows.len(), 2], device)?;
    Ok((x, Tensor::from_slice(&labels, &[rows.len()], device)?))
}

pub fn learn(model: &mut dyn Module, x: &Tensor<f32>, labels: &Tensor<i32>) -> Result<()> {
    let mut criterion = CrossEntropyLoss::new();
    criterion.forward(&model.forward(x)?, labels)?;
    model.backward_parameters(&criterion.backward()?)
}

fn train(model: &mut dyn Module, rank: usize, of: usize, device: &Device) -> Result<Vec<f32>> {
    let (x, labels) = part(rank, of, device)?;
    let mut sgd = Sgd::new(0.5).momentum(0.9);
    for _ in 0..STEPS {
        learn(model, &x, &labels)?;
        sgd.step(model)?;
    }
    weights(model)
}

/// One device with all samples.
fn alone() -> Result<Vec<f32>> {
    let device = Device::Cpu;
    train(&mut model(11, &device)?, 0, 1, &device)
}

/// A rank's weights, and in how many buckets the gradients went.
fn together(own: &Communicator, mib: f64) -> Result<(Vec<f32>, usize)> {
    // each begins elsewhere: rank 0's values are what counts
    let model = model(11 + own.rank() as u64, own.device())?;
    let mut model = DistributedDataParallel::new(model, own)?.bucket_cap_mb(mib)?;
    let buckets = model.buckets();
    let weights = train(&mut model, own.rank(), own.world_size(), own.device())?;
    Ok((weights, buckets))
}

/// With buckets of every size, every rank ends with the weights of one device with the whole batch, and does so again bit for
/// bit.
pub fn alike() {
    let want = alone().unwrap();
    // one for each of six parameters, some with several, one for all
    for (mib, buckets) in [(0.0, 6), (0.000_1, 4), (25.0, 1)] {
        let runs = ranks(|own| Ok([together(own, mib)?, together(own, mib)?]));
        for [first, second] in &runs {
            assert_close("the weights", &first.0, &want, CLOSE);
            assert_eq!(first.0, second.0, "another run, {mib} MiB");
            assert_eq!(first.0, runs[0][0].0, "another rank, {mib} MiB");
            assert_eq!(first.1, buckets, "{mib} MiB");
        }
    }
}

/// A step captured with its calls, those on the stream beside the device's too: replayed it is the step itself. With shares of
/// the gradients and of the optimizer's state too.
pub fn captured() {
    let runs = ranks(|own| {
        let run = |captured: bool, shares: bool| {
            let model = model(11, own.device())?;
            let model = DistributedDataParallel::new(model, own)?.bucket_cap_mb(0.000_2)?;
            let mut model = model.reduce_scatter(shares)?;
            let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
            let mut sgd: Box<dyn Optimizer> = match shares {
                false => Box::new(Sgd::new(0.5).momentum(0.9)),
                true => {
                    let sgd = Sgd::new(0.5).momentum(0.9);
                    Box::new(ZeroRedundancyOptimizer::new(sgd, own))
                }
            };
            let mut step = || {
                learn(&mut model, &x, &labels)?;
                sgd.step(&mut model)
            };
            // an optimizer's first step makes its state
            step()?;
            match captured {
                true => {
                    let (mut graph, ()) = CudaGraph::capture(own.device(), step)?;
                    (1..STEPS).try_for_each(|_| graph.replay())?;
                }
                false => (1..STEPS).try_for_each(|_| step())?,
            }
            weights(&mut model)
        };
        Ok([run(false, false)?, run(true, false)?, run(true, true)?])
    });
    let want = alone().unwrap();
    for [launched, replayed, shared] in &runs {
        assert_close("the weights", launched, &want, CLOSE);
        assert_eq!(launched, replayed);
        assert_close("with shares", shared, &want, CLOSE);
    }
}

/// A batch in parts whose gradients are added up, and averaged with the last alone.
pub fn parts() {
    let device = Device::Cpu;
    let mut one = model(11, &device).unwrap();
    let (x, labels) = part(0, 1, &device).unwrap();
    learn(&mut one, &x, &labels).unwrap();
    let want = grads(&mut one).unwrap();
    ranks(|own| {
        let mut model = DistributedDataParallel::new(model(11, own.device())?, own)?;
        let (rank, n) = (own.rank(), own.world_size());
        // the first half of this rank's part is another rank's in a world of twice as many
        let (first, second) = (
            part(rank, 2 * n, own.device())?,
            part(rank + n, 2 * n, own.device())?,
        );
        let own_grads = model.no_sync(|model| {
            learn(model, &first.0, &first.1)?;
            grads(model)
        })?;
        let mut apart = self::model(11, own.device())?;
        learn(&mut apart, &first.0, &first.1)?;
        assert_eq!(own_grads, grads(&mut apart)?, "not averaged yet");
        model.accumulate_grad(true);
        learn(&mut model, &second.0, &second.1)?;
        // two means over halves
        let got: Vec<f32> = grads(&mut model)?.iter().map(|g| g / 2.0).collect();
        assert_close("the gradients", &got, &want, CLOSE);
        // what panics without averages leaves none behind
        let panics = || model.no_sync(|_| std::panic::panic_any("as it is to"));
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        model.accumulate_grad(false);
        let mine = part(rank, n, own.device())?;
        learn(&mut model, &mine.0, &mine.1)?;
        assert_close("after a panic", &grads(&mut model)?, &want, CLOSE);
        Ok(())
    });
}

/// A parameter that no backward writes, between two that one does; and one that writes twice.
pub struct Odd {
    first: Linear,
    pub unused: Parameter,
    last: Linear,
    twice: bool,
}

impl Odd {
    pub fn new(device: &Device) -> Result<Self> {
        let mut generator = Generator::manual_seed(1);
        Ok(Self {
            first: Linear::new(2, 4, &mut generator, device)?,
            unused: Parameter::new(Tensor::full(&[7], 2.0, device)?)?,
            last: Linear::new(4, 3, &mut generator, device)?,
            twice: false,
        })
    }
}

impl Module for Odd {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let hidden = Module::forward(&mut self.first, input)?;
        Module::forward(&mut self.last, &hidden)
    }
    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        let hidden = Module::backward(&mut self.last, grad)?;
        if self.twice {
            Module::backward(&mut self.last, grad)?;
        }
        Module::backward(&mut self.first, &hidden)
    }
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let first = Module::named_parameters(&mut self.first).into_iter();
        let last = Module::named_parameters(&mut self.last).into_iter();
        let named = |name: &'static str| move |(key, p)| (format!("{name}.{key}"), p);
        let all = first
            .map(named("first"))
            .chain([("unused".into(), &mut self.unused)]);
        all.chain(last.map(named("last"))).collect()
    }
}

pub fn unused() {
    ranks(|own| {
        let mut want = Odd::new(own.device())?;
        let want = train(&mut want, 0, 1, own.device())?;
        let mut model =
            DistributedDataParallel::new(Odd::new(own.device())?, own)?.bucket_cap_mb(0.0)?;
        // a gradient that no backward writes becomes the mean, and stays that
        let grad = own.rank() as f32 * 4.0;
        model.module().unused.grad = Tensor::full(&[7], grad, own.device())?;
        model.module().unused.value = Tensor::full(&[7], 2.0, own.device())?;
        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        learn(&mut model, &x, &labels)?;
        assert_eq!(model.module().unused.grad.to_vec()?, [2.0; 7]);
        learn(&mut model, &x, &labels)?;
        assert_eq!(model.module().unused.grad.to_vec()?, [2.0; 7]);
        model.module().unused.grad = Tensor::zeros(&[7], own.device())?;
        let got = train(&mut model, own.rank(), own.world_size(), own.device())?;
        assert_close("the weights", &got, &want, CLOSE);

        // an error of a backward is an error, and the next one is as if it had not been
        model.module().twice = true;
        says(
            learn(&mut model, &x, &labels),
            &["written once in a backward"],
        );
        model.module().twice = false;
        learn(&mut model, &x, &labels)?;
        let mut alone = model.into_inner();
        // no hook is left that waits for anybody
        if own.rank() == 0 {
            learn(&mut alone, &x, &labels)?;
        }
        own.barrier()
    });
}

/// Running statistics are rank 0's before every forward in training.
pub fn buffers() {
    ranks(|own| {
        let device = own.device();
        let make = || -> Result<Sequential> {
            let mut generator = Generator::manual_seed(1);
            let options = warpsmith::ops::Conv2dOptions::default();
            Ok(Sequential::new()
                .push(Conv2d::new(1, 2, [1, 1], options, &mut generator, device)?)
                .push(BatchNorm2d::new(2, device)?))
        };
        let seen = |model: &mut dyn Module| -> Result<Vec<f32>> {
            let mut seen = Vec::new();
            for (_, buffer) in model.named_buffers() {
                seen.extend(buffer.to_vec()?);
            }
            Ok(seen)
        };
        let image = |rank: usize, step: usize| {
            let mut generator = Generator::manual_seed((10 * step + rank) as u64);
            Tensor::<f32>::randn(&[2, 1, 3, 3], &mut generator, device)
        };
        let mut model = DistributedDataParallel::new(make()?, own)?;
        let mut want = make()?;
        for step in 0..3 {
            Module::forward(&mut model, &image(own.rank(), step)?)?;
            // rank 0's statistics, and this rank's batch on top of them
            let before = nn::state_dict(&mut want)?;
            Module::forward(&mut want, &image(own.rank(), step)?)?;
            assert_eq!(seen(&mut model)?, seen(&mut want)?, "step {step}");
            nn::load_state_dict(&mut want, &before)?;
            Module::forward(&mut want, &image(0, step)?)?;
        }
        model.eval();
        if own.rank() == 0 {
            // nobody is waited for where nothing is learnt
            Module::forward(&mut model, &image(0, 9)?)?;
        }
        own.barrier()
    });
}

pub fn wrong_models() {
    ranks(|own| {
        let out = 3 + own.rank();
        let model = Linear::new(2, out, &mut Generator::manual_seed(1), own.device())?;
        let made = DistributedDataParallel::new(model, own).map(drop);
        says(
            made,
            &["rank 1 has other parameters", "DistributedDataParallel"],
        );
        let model = Linear::new(2, 3, &mut Generator::manual_seed(1), &Device::Cpu)?;
        says(
            DistributedDataParallel::new(model, own).map(drop),
            &["one device", "cpu"],
        );
        let model = Linear::new(2, 3, &mut Generator::manual_seed(1), own.device())?;
        let model = DistributedDataParallel::new(model, own)?;
        says(
            model.bucket_cap_mb(-1.0).map(drop),
            &["bucket_cap_mb of at least 0", "-1"],
        );
        own.barrier()
    });
}
