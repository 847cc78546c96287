//! What ONNX's batch normalisation is here.

use warpsmith::ops::{BatchNormStats, RunningStats, batch_norm2d_stats_out};
use warpsmith::{Result, Tensor};

use crate::onnx::Node;

/// The outputs: y, and in training the running mean and variance.
pub fn batch_norm(node: &Node, inputs: [Tensor<f32>; 5]) -> Result<Vec<Tensor<f32>>> {
    let [x, weight, bias, mut running_mean, mut running_var] = inputs;
    let eps = node.float("epsilon", 1e-5);
    let affine = Some([&weight, &bias]);
    if node.int("training_mode", 0) == 0 {
        let (mean, var) = (&running_mean, &running_var);
        let stats = BatchNormStats { mean, var, eps };
        return Ok(vec![x.batch_norm2d(&stats, affine)?]);
    }
    let (mut mean, mut var) = (running_mean.copy()?, running_var.copy()?);
    let old = running_var.copy()?;
    // ONNX's momentum is what stays
    let momentum = 1.0 - node.float("momentum", 0.9);
    let running = RunningStats {
        mean: &mut running_mean,
        var: &mut running_var,
        num_batches_tracked: &mut Tensor::zeros(&[], x.device())?,
        momentum,
    };
    batch_norm2d_stats_out(&x, Some(running), &mut mean, &mut var)?;
    let (mean, var) = (&mean, &var);
    let stats = BatchNormStats { mean, var, eps };
    // ONNX's new variance is the biased one: (n - 1) / n of what was added here
    let n = (x.numel() / mean.numel()) as f32;
    let kept = old.mul(1.0 - momentum as f32)?;
    let added = running_var.sub(&kept)?.mul((n - 1.0) / n)?;
    let y = x.batch_norm2d(&stats, affine)?;
    Ok(vec![y, running_mean, kept.add(&added)?])
}
