//! The stream beside a device's: what it works on is its own until the device's stream has waited for it.

use std::sync::{Arc, Mutex};

use warpsmith::Tensor;
use warpsmith::distributed::DistributedDataParallel;
use warpsmith::nn::Module;

use crate::parallel::{learn, model, part};
use crate::ranks::ranks;

/// What takes the memory of a gradient that is dropped, and is to stay as it is.
const OTHER: f32 = 7.0;

/// A gradient that is dropped while its bucket is on its way: its memory is nobody else's yet.
pub fn kept() {
    ranks(|own| {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let takes = taken.clone();
        let model = model(11, own.device())?;
        // a bucket for each gradient: when this hook is called, the one before it has sent it on its way
        let mut model = DistributedDataParallel::new(model, own)?.bucket_cap_mb(0.0)?;
        let replace = move |grad: &mut Tensor<f32>| {
            let (shape, device) = (grad.shape().to_vec(), grad.device().clone());
            *grad = Tensor::zeros(&[0], &device)?;
            let mut takes = takes.lock().unwrap();
            for _ in 0..4 {
                takes.push(Tensor::full(&shape, OTHER, &device)?);
            }
            *grad = Tensor::zeros(&shape, &device)?;
            Ok(())
        };
        model.module().parameters()[5].register_post_accumulate_grad_hook(replace);
        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        learn(&mut model, &x, &labels)?;
        own.device().synchronize()?;
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 4);
        for tensor in taken.iter() {
            assert!(tensor.to_vec()?.iter().all(|x| *x == OTHER));
        }
        own.barrier()
    });
}
