//! A rank that is killed at some stage of a training step.

use std::env;
use std::time::{Duration, Instant};

use warpsmith::distributed::{Communicator, DistributedDataParallel};
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{self, Module};
use warpsmith::{Error, Result};

use crate::failures::die;
use crate::parallel::{learn, model, part, weights};
use crate::ranks::ranks;
use crate::runs::STAGE;

/// The other soon hears which, and the last checkpoint is whole: that of the step before.
pub fn killed() {
    let stage = env::var(STAGE).unwrap();
    let port = env::var("MASTER_PORT").unwrap();
    let folder = env::temp_dir().join(format!("warpsmith-{stage}-{port}"));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("run.safetensors");
    let victim = if stage == "save" { 0 } else { 1 };
    ranks(|own| {
        let mut ours = model(11, own.device())?;
        let dies = |own: &Communicator, at: &str| {
            if own.rank() == victim && stage == at && path.exists() {
                die();
            }
        };
        if own.rank() == victim && stage == "backward" {
            // the last layer's bucket has gone, the first's has not
            let path = path.clone();
            ours.parameters()[2].register_post_accumulate_grad_hook(move |_| {
                if path.exists() {
                    die();
                }
                Ok(())
            });
        }
        let mut model = DistributedDataParallel::new(ours, own)?.bucket_cap_mb(0.0)?;
        let mut sgd = Sgd::new(0.5).momentum(0.9);
        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        let mut saved = Vec::new();
        let mut since = Instant::now();
        let failed = (0..3).try_for_each(|_| {
            since = Instant::now();
            dies(own, "forward");
            learn(&mut model, &x, &labels)?;
            dies(own, "step");
            sgd.step(&mut model)?;
            own.on_rank_0(|| {
                dies(own, "save");
                nn::save_checkpoint(&mut model, &sgd, &path)
            })?;
            saved = weights(&mut model)?;
            // all have seen it before the next step, in which somebody dies
            own.barrier()
        });
        let error = failed.expect_err("nobody goes on alone");
        assert!(matches!(error, Error::Distributed { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("rank {victim}")), "{text}");
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            since.elapsed()
        );
        check(&path, &saved)
    });
    std::fs::remove_dir_all(&folder).unwrap();
}

fn check(path: &std::path::Path, saved: &[f32]) -> Result<()> {
    let (mut model, mut sgd) = (
        model(1, &warpsmith::Device::Cpu)?,
        Sgd::new(0.5).momentum(0.9),
    );
    nn::load_checkpoint(&mut model, &mut sgd, path)?;
    assert_eq!(sgd.steps()?, 1);
    assert_eq!(weights(&mut model)?, saved);
    Ok(())
}
