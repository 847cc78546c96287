//! The stream beside a device's: what it works on is its own until the device's stream has waited for it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use warpsmith::distributed::{Communicator, DistributedDataParallel};
use warpsmith::nn::{Module, Sequential};
use warpsmith::{Result, Tensor};

use crate::parallel::{learn, model, part};
use crate::ranks::ranks;

/// What takes the memory of a gradient that is dropped, and is to stay as it is.
const OTHER: f32 = 7.0;

/// A model with a bucket for each gradient, and `work` in a hook of the parameter at a place, behind the one that sends its
/// bucket.
fn with_hook(
    own: &Communicator,
    at: usize,
    work: impl Fn(&mut Tensor<f32>) -> Result<()> + Send + Sync + 'static,
) -> Result<DistributedDataParallel<Sequential>> {
    let model = model(11, own.device())?;
    let mut model = DistributedDataParallel::new(model, own)?.bucket_cap_mb(0.0)?;
    model.module().parameters()[at].register_post_accumulate_grad_hook(work);
    Ok(model)
}

/// A gradient that is dropped while its bucket is on its way: its memory is nobody else's yet.
pub fn kept() {
    ranks(|own| {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let takes = taken.clone();
        let mut model = with_hook(own, 5, move |grad| {
            let (shape, device) = (grad.shape().to_vec(), grad.device().clone());
            *grad = Tensor::zeros(&[0], &device)?;
            let mut takes = takes.lock().unwrap();
            for _ in 0..4 {
                takes.push(Tensor::full(&shape, OTHER, &device)?);
            }
            *grad = Tensor::zeros(&shape, &device)?;
            Ok(())
        })?;
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

/// A model that is dropped in the middle of a backward: what takes its gradients' memory is written behind what has gone.
pub fn dropped() {
    ranks(|own| {
        let mut model = with_hook(own, 2, |_| std::panic::panic_any("as it is to"))?;
        let shapes: Vec<_> = model
            .parameters()
            .iter()
            .map(|p| p.grad.shape().to_vec())
            .collect();
        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        let model = RefCell::new(Some(model));
        let panics = || {
            let mut model = model.take().unwrap();
            learn(&mut model, &x, &labels)
        };
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        let mut taken = Vec::new();
        for shape in shapes.iter().cycle().take(4 * shapes.len()) {
            taken.push(Tensor::full(shape, OTHER, own.device())?);
        }
        // first what the device's own stream has, then all
        let read = |taken: &[Tensor<f32>]| -> Result<bool> {
            let mut well = true;
            for tensor in taken {
                well &= tensor.to_vec()?.iter().all(|x| *x == OTHER);
            }
            Ok(well)
        };
        assert!(read(&taken)?);
        own.barrier()?;
        assert!(read(&taken)?);
        Ok(())
    });
}
