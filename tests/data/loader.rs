//! Batches.

use std::sync::Arc;

use warpsmith::data::{DataLoader, Idx, Images};
use warpsmith::{Device, Result};

/// `n` images of 1 by 2 pixels; image i has pixels i and 255 - i, and label i mod 10.
fn images(n: u8) -> Arc<Images> {
    let pixels = Idx {
        shape: vec![n.into(), 1, 2],
        bytes: (0..n).flat_map(|i| [i, 255 - i]).collect(),
    };
    let labels = Idx {
        shape: vec![n.into()],
        bytes: (0..n).map(|i| i % 10).collect(),
    };
    Arc::new(Images::new(pixels, labels, 10).unwrap())
}

/// The first pixel of each image in the order of the batches, having checked that its label came with it.
fn order(loader: &DataLoader, epoch: u64) -> Result<Vec<u8>> {
    let mut seen = Vec::new();
    for batch in loader.epoch(epoch, &Device::Cpu)? {
        let (x, labels) = batch?;
        for (pixels, label) in x.to_vec()?.chunks(2).zip(labels.to_vec()?) {
            let first = (pixels[0] * 255.0).round() as u8;
            assert_eq!(i32::from(first % 10), label);
            seen.push(first);
        }
    }
    Ok(seen)
}

#[test]
fn without_a_seed_the_order_is_the_files() -> Result<()> {
    let loader = DataLoader::new(images(25), 10)?;
    assert_eq!(loader.batches(), 3);
    assert_eq!(order(&loader, 0)?, (0..25).collect::<Vec<u8>>());
    let shapes: Vec<_> = loader
        .epoch(0, &Device::Cpu)?
        .map(|batch| Ok(batch?.0.shape().to_vec()))
        .collect::<Result<_>>()?;
    assert_eq!(shapes, [[10, 1, 1, 2], [10, 1, 1, 2], [5, 1, 1, 2]]);
    Ok(())
}

#[test]
fn shuffled_epochs_differ_and_come_again() -> Result<()> {
    let loader = DataLoader::new(images(100), 7)?.shuffle(3);
    let (first, second) = (order(&loader, 0)?, order(&loader, 1)?);
    assert_ne!(first, second);
    assert_eq!(first, order(&loader, 0)?);
    let mut sorted = second;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<u8>>());
    assert_ne!(first, sorted);
    Ok(())
}

#[test]
fn normalised_pixels_have_mean_0_and_deviation_1() -> Result<()> {
    let images = images(100);
    let (mean, std) = images.mean_and_std();
    let loader = DataLoader::new(images, 100)?.normalize(mean, std)?;
    let (x, _) = loader.epoch(0, &Device::Cpu)?.next().expect("a batch")?;
    let x: Vec<f64> = x.to_vec()?.into_iter().map(f64::from).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    assert!(
        mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5,
        "{mean} {variance}"
    );
    Ok(())
}

#[test]
fn resized_images_have_the_new_shape() -> Result<()> {
    let loader = DataLoader::new(images(3), 2)?.resize(4, 6)?;
    let (x, _) = loader.epoch(0, &Device::Cpu)?.next().expect("a batch")?;
    assert_eq!(x.shape(), [2, 1, 4, 6]);
    Ok(())
}

#[test]
fn an_epoch_may_be_left_early() -> Result<()> {
    let loader = DataLoader::new(images(200), 1)?;
    let mut epoch = loader.epoch(0, &Device::Cpu)?;
    assert!(epoch.next().is_some());
    drop(epoch);
    assert_eq!(order(&loader, 0)?.len(), 200);
    Ok(())
}

#[test]
fn bad_arguments_are_errors() -> Result<()> {
    assert!(DataLoader::new(images(3), 0).is_err());
    assert!(DataLoader::new(images(0), 1).is_err());
    let loader = DataLoader::new(images(3), 2)?;
    assert!(loader.clone().normalize(0.0, 0.0).is_err());
    assert!(loader.clone().normalize(f32::NAN, 1.0).is_err());
    assert!(loader.clone().resize(0, 5).is_err());
    assert!(loader.clone().resize(usize::MAX, 2).is_err());
    assert!(loader.resize(1 << 20, 1 << 20).is_err());
    Ok(())
}
