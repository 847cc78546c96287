//! What ranks read and write: files, and samples.

use std::env;
use std::thread;
use std::time::Duration;

use warpsmith::distributed::{DistributedDataParallel, DistributedSampler};
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{self, Module};
use warpsmith::{Error, Result};

use crate::parallel::{learn, model, part, weights};
use crate::ranks::{devices, ranks, says};

/// Rank 0 writes, all read, and all hear of an error.
pub fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    ranks(|own| {
        let make = || DistributedDataParallel::new(model(11, own.device())?, own);
        let (mut first, mut sgd) = (make()?, Sgd::new(0.5).momentum(0.9));
        let (x, labels) = part(own.rank(), own.world_size(), own.device())?;
        let step = |model: &mut dyn Module, sgd: &mut Sgd| -> Result<Vec<f32>> {
            learn(model, &x, &labels)?;
            sgd.step(model)?;
            weights(model)
        };
        step(&mut first, &mut sgd)?;
        let mut written = false;
        own.on_rank_0(|| {
            written = true;
            // whoever does not wait finds no file
            thread::sleep(Duration::from_millis(200));
            nn::save_checkpoint(&mut first, &sgd, &path)
        })?;
        assert_eq!(written, own.rank() == 0);
        let (mut second, mut other) = (make()?, Sgd::new(0.5).momentum(0.9));
        own.on_all_ranks(|| nn::load_checkpoint(&mut second, &mut other, &path))?;
        assert_eq!(step(&mut first, &mut sgd)?, step(&mut second, &mut other)?);

        let nowhere = folder.path().join("no/folder/run.safetensors");
        let saved = own.on_rank_0(|| nn::save_checkpoint(&mut first, &sgd, &nowhere));
        match own.rank() {
            0 => says(saved, &["run.safetensors"]),
            _ => says(saved, &["rank 0 has failed at its part"]),
        }
        let mine = if own.rank() == 1 { &nowhere } else { &path };
        let loaded = own.on_all_ranks(|| nn::load_checkpoint(&mut second, &mut other, mine));
        match own.rank() {
            1 => says(loaded, &["run.safetensors"]),
            _ => says(loaded, &["rank 1 has failed at its part"]),
        }
        own.barrier()
    });
}

/// Every sample is some rank's in every epoch, as many for each, in an order of the epoch's own.
pub fn sampler() {
    devices();
    assert!(env::var_os("RANK").is_none());
    for (ranks, samples) in [(1, 1), (2, 10), (3, 10), (4, 3), (4, 9)] {
        for (seed, drop_last) in [(None, false), (Some(7), false), (Some(7), true)] {
            let of = |rank, epoch| {
                let sampler = DistributedSampler::of(rank, ranks, samples)
                    .unwrap()
                    .shuffle(seed);
                let sampler = if drop_last {
                    sampler.drop_last()
                } else {
                    sampler
                };
                let indices = sampler.indices(epoch);
                assert_eq!(indices.len(), sampler.len());
                assert_eq!(indices.is_empty(), sampler.is_empty());
                indices
            };
            let each = if drop_last {
                samples / ranks
            } else {
                samples.div_ceil(ranks)
            };
            let all: Vec<Vec<usize>> = (0..ranks).map(|rank| of(rank, 5)).collect();
            assert!(all.iter().all(|part| part.len() == each), "{all:?}");
            // in the order in which they were dealt out
            let dealt: Vec<usize> = (0..each * ranks)
                .map(|i| all[i % ranks][i / ranks])
                .collect();
            let mut counts = vec![0; samples];
            dealt.iter().for_each(|&i| counts[i] += 1);
            match drop_last {
                true => assert!(counts.iter().all(|n| *n <= 1)),
                false => assert!(counts.iter().all(|n| *n >= 1)),
            }
            if !drop_last {
                let again: Vec<usize> = (0..dealt.len()).map(|i| dealt[i % samples]).collect();
                assert_eq!(dealt, again, "the first ones come once more");
            }
            assert_eq!(of(0, 5), of(0, 5));
            if seed.is_some() && samples == 10 {
                assert_ne!(of(0, 5), of(0, 6));
            }
        }
    }
    let refused = DistributedSampler::of(0, 2, 0);
    assert!(matches!(refused, Err(Error::Argument { .. })));
    assert!(DistributedSampler::of(2, 2, 5).is_err());
}
