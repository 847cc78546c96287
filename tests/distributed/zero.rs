//! Optimizer state in shares.

use warpsmith::distributed::{Communicator, DistributedDataParallel, ZeroRedundancyOptimizer};
use warpsmith::nn::Module;
use warpsmith::nn::optim::{Adam, Optimizer, OptimizerState};
use warpsmith::{Error, Result};

use crate::parallel::{learn, model, part, weights};
use crate::ranks::ranks;

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
        Ok(())
    });
}
