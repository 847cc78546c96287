//! One model on every rank: whether it is, and rank 0's values.

use super::communicator::Communicator;
use super::group;
use crate::error::Result;
use crate::nn::Module;
use crate::tensor::Tensor;

/// Every tensor becomes rank 0's.
pub(super) fn broadcast(tensors: &mut [&mut Tensor<f32>], ranks: &Communicator) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    group(|| {
        let mut tensors = tensors.iter_mut();
        tensors.try_for_each(|tensor| ranks.broadcast(*tensor, 0))
    })
}

/// Errors where a rank's model has other parameters or buffers than rank 0's: it would wait for calls that never come.
pub(super) fn same_on_every_rank(
    op: &'static str,
    module: &mut dyn Module,
    ranks: &Communicator,
) -> Result<()> {
    let mut own = String::new();
    for (key, parameter) in module.named_parameters() {
        own += &format!("{key} {:?};", parameter.value.shape());
    }
    for (key, buffer) in module.named_buffers() {
        own += &format!("{key} {:?};", buffer.shape());
    }
    // FNV-1a: short, and the same in every build
    let hash = own.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let own = Tensor::from_slice(&[hash.cast_signed()], &[1], ranks.device())?;
    let all = ranks.all_gather(&own)?.to_vec()?;
    match all.iter().position(|hash| *hash != all[0]) {
        None => Ok(()),
        Some(rank) => {
            let why = format!("rank {rank} has other parameters or buffers than rank 0");
            Err(ranks.error(op, why))
        }
    }
}
