//! Optimizer state in shares.

use warpsmith::distributed::{
    Communicator, DistributedDataParallel, ReduceOp, ZeroRedundancyOptimizer,
};
use warpsmith::nn::optim::{Adam, Optimizer, OptimizerState};
use warpsmith::nn::{GradScaler, Module, clip_grad_norm_};
use warpsmith::{Error, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::parallel::{Odd, grads, learn, model, part, weights};
use crate::ranks::{ranks, says};

const STEPS: usize = 4;

/// The weights after each step, from those of a seed on.
fn train(
    own: &Communicator,
    adam: &mut dyn Optimizer,
    model: &mut dyn Module,
) -> Result<Vec<Vec<f32>>> {
    let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
    let steps = (0..STEPS).map(|_| {
        learn(model, &x, &labels)?;
        adam.step(model)?;
        weights(model)
    });
    steps.collect()
}

fn values(state: &OptimizerState) -> Result<Vec<(String, Vec<f32>)>> {
    let tensors = state.tensors.iter();
    tensors
        .map(|(key, value)| Ok((key.clone(), value.to_vec()?)))
        .collect()
}

/// Sums in another order, over some steps of Adam's.
const CLOSE: Tolerance = Tolerance {
    abs: 1e-5,
    rel: 1e-4,
};

/// Gradients of which each rank has its share: the steps are those of one optimizer, and all that asks for all of the
/// gradients gets it.
pub fn shares() {
    let all = ranks(|own| {
        let whole = || DistributedDataParallel::new(model(11, own.device())?, own);
        let shared = || whole()?.bucket_cap_mb(0.000_1)?.reduce_scatter(true);
        let adam = || Adam::new(1e-2);
        let zero = || ZeroRedundancyOptimizer::new(adam(), own);
        let want = train(own, &mut adam(), &mut whole()?)?;
        let got = train(own, &mut zero(), &mut shared()?)?;
        match cuda_emulator_testing::emulated() {
            true => assert_eq!(got, want),
            false => assert_close("weights", &got.concat(), &want.concat(), CLOSE),
        }

        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        let (mut one, mut both) = (whole()?, shared()?);
        learn(&mut one, &x, &labels)?;
        learn(&mut both, &x, &labels)?;
        let (want, got) = (grads(&mut one)?, grads(&mut both)?);
        let others = got.iter().zip(&want).filter(|(got, _)| **got == 0.0);
        assert!(others.count() > got.len() / 10, "another's are zeros");
        assert_close("shares", &sum(own, &mut both)?, &want, CLOSE);

        // another backward adds to what was averaged, also behind one that averages nothing
        one.accumulate_grad(true);
        both.accumulate_grad(true);
        learn(&mut one, &x, &labels)?;
        learn(&mut both, &x, &labels)?;
        let want = grads(&mut one)?;
        assert_close("added up", &sum(own, &mut both)?, &want, CLOSE);
        both.no_sync(|both| learn(both, &x, &labels))?;
        learn(&mut both, &x, &labels)?;
        let twice: Vec<f32> = want.iter().map(|g| 2.0 * g).collect();
        assert_close("added up again", &sum(own, &mut both)?, &twice, CLOSE);

        says(
            adam().step(&mut both),
            &["a ZeroRedundancyOptimizer where each rank has a share"],
        );
        clips(own, &mut one, &mut both)?;
        skips(own, &mut both)?;
        unused(own)?;
        weights(&mut both)
    });
    assert!(all.iter().all(|weights| *weights == all[0]));
}

/// The gradients of all ranks' shares.
fn sum(own: &Communicator, model: &mut dyn Module) -> Result<Vec<f32>> {
    let own_share = grads(model)?;
    let mut all = Tensor::from_slice(&own_share, &[own_share.len()], own.device())?;
    let shares = model.grad_shares().expect("shares");
    shares.sum(&mut all)?;
    all.to_vec()
}

/// A norm is that of all shares.
fn clips(own: &Communicator, one: &mut dyn Module, both: &mut dyn Module) -> Result<()> {
    one.accumulate_grad(false);
    both.accumulate_grad(false);
    let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
    learn(one, &x, &labels)?;
    learn(both, &x, &labels)?;
    let norms = [clip_grad_norm_(one, 1e-2)?, clip_grad_norm_(both, 1e-2)?];
    let [want, got] = [norms[0].to_vec()?, norms[1].to_vec()?];
    assert_close("norm", &got, &want, CLOSE);
    assert!(got[0] > 1e-2, "{got:?} is not clipped");
    assert_close("clipped", &sum(own, both)?, &grads(one)?, CLOSE);
    Ok(())
}

/// What is not finite in one rank's share, no rank steps with; scaled or not.
fn skips(own: &Communicator, both: &mut dyn Module) -> Result<()> {
    let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
    let mut zero = ZeroRedundancyOptimizer::new(Adam::new(1e-2), own);
    let mut scaler = GradScaler::new();
    for (at, unscales) in [(0, false), (1, true)] {
        learn(both, &x, &labels)?;
        let before = weights(both)?;
        let mut parameters = both.parameters();
        let grad = &mut parameters[at].grad;
        // only its owner has any of it
        if grad.to_vec()?.iter().any(|g| *g != 0.0) {
            grad.fill_(f32::INFINITY)?;
        }
        if unscales {
            scaler.unscale_(both)?;
        }
        scaler.step(&mut zero, both)?;
        scaler.update()?;
        assert_eq!(weights(both)?, before);
    }
    assert_eq!(scaler.state_dict()?.skipped, 2);
    Ok(())
}

/// A gradient that no backward writes stays the mean of what the ranks had.
fn unused(own: &Communicator) -> Result<()> {
    let model = DistributedDataParallel::new(Odd::new(own.device())?, own)?;
    let mut model = model.reduce_scatter(true)?;
    let grad = own.rank() as f32 * 4.0;
    model.module().unused.grad = Tensor::full(&[7], grad, own.device())?;
    let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
    for _ in 0..3 {
        learn(&mut model, &x, &labels)?;
        let mut all = model.module().unused.grad.clone();
        own.all_reduce(&mut all, ReduceOp::Sum)?;
        let mean = 2.0 * (own.world_size() - 1) as f32;
        assert_eq!(all.to_vec()?, [mean; 7]);
    }
    Ok(())
}

/// Steps are those of one optimizer, bit for bit; so is the state once it is collected, and a run that goes on from it.
pub fn steps() {
    let all = ranks(|own| {
        let of_seed = || DistributedDataParallel::new(model(11, own.device())?, own);
        let (mut plain, mut whole) = (of_seed()?, Adam::new(1e-2));
        let first = train(own, &mut whole, &mut plain)?;
        let (mut shared, mut zero) = (
            of_seed()?,
            ZeroRedundancyOptimizer::new(Adam::new(1e-2), own),
        );
        assert_eq!(train(own, &mut zero, &mut shared)?, first);
        assert_eq!(zero.steps()?, STEPS as u64);

        let unasked = zero.state_dict(&mut shared).unwrap_err().to_string();
        assert!(unasked.contains("consolidate_state_dict"), "{unasked}");
        let to = own.world_size();
        let nobody = zero.consolidate_state_dict(&mut shared, to).unwrap_err();
        assert!(matches!(nobody, Error::Argument { .. }), "{nobody}");
        let last = own.world_size() - 1;
        zero.consolidate_state_dict(&mut shared, last)?;
        let state = zero.state_dict(&mut shared);
        assert_eq!(state.is_ok(), own.rank() == last);
        let whole_state = whole.state_dict(&mut plain)?;
        if let Ok(state) = &state {
            assert_eq!(state.step, whole_state.step);
            assert_eq!(values(state)?, values(&whole_state)?);
        }

        // each takes its share of a whole state, wherever that was written
        let mut resumed = ZeroRedundancyOptimizer::new(Adam::new(1e-2), own);
        resumed.load_state_dict(&mut shared, &whole_state)?;
        let again = train(own, &mut resumed, &mut shared)?;
        assert_eq!(again, train(own, &mut whole, &mut plain)?);
        let mut lacks = whole_state.clone();
        lacks.tensors.retain(|key, _| key.ends_with(".exp_avg"));
        assert!(resumed.load_state_dict(&mut shared, &lacks).is_err());
        Ok(again)
    });
    assert!(all.iter().all(|weights| *weights == all[0]));

    // more ranks than parameters
    ranks(|own| {
        let weight = warpsmith::Tensor::full(&[2], 1.0_f32, own.device())?;
        let grad = weight.clone();
        let mut zero = ZeroRedundancyOptimizer::new(Adam::new(1e-2), own);
        let refused = zero.step_tensors(&mut [(&mut weight.clone(), &grad)]);
        assert!(matches!(refused, Err(Error::Argument { .. })));
        let one = warpsmith::nn::Sequential::new();
        let none = DistributedDataParallel::new(one, own)?.reduce_scatter(true);
        says(
            none.map(drop),
            &["at least a parameter for each of", "got 0"],
        );
        Ok(())
    });
}
