//! Batches of images out of folders: decoded, scaled and cropped on all cores while the last batch is learnt from.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use warpsmith::data::ImageFolder;
use warpsmith::{Device, Generator, Tensor};

use crate::picture;
use common::Ranks;

/// Batches that wait to be taken.
const AHEAD: usize = 2;
/// Where there is no folder for it, every tenth image of a class is held out.
const HELD_OUT: usize = 10;
/// ImageNet's mean and deviation, as torchvision has them for colours from 0 to 1.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// What is learnt from, and what is held out: `train` and `val` in the folder, where they are there, or else the folder's own
/// classes without every tenth image.
pub fn parts(root: &Path) -> Result<(ImageFolder, ImageFolder), Box<dyn Error>> {
    let [train, val] = ["train", "val"].map(|part| root.join(part));
    if !(train.is_dir() && val.is_dir()) {
        return Ok(ImageFolder::new(root)?.split(HELD_OUT)?);
    }
    let (train, val) = (ImageFolder::new(train)?, ImageFolder::new(val)?);
    if train.classes() != val.classes() {
        let (own, other) = (train.classes().len(), val.classes().len());
        let root = root.display();
        return Err(format!(
            "{root}: expected one set of classes, got {own} in train and {other} others in val"
        )
        .into());
    }
    Ok((train, val))
}

/// How images are made one size: the shorter side is scaled, and a square taken out of that.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub scaled: u32,
    pub side: u32,
}

/// The paper's.
pub const SIZES: Sizes = Sizes {
    scaled: 256,
    side: 224,
};

/// Images in batches of one size: a rank's part of each.
#[derive(Clone)]
pub struct Batches {
    samples: Arc<[(PathBuf, usize)]>,
    ranks: Ranks,
    /// Images of a batch for this rank.
    batch: usize,
    sizes: Sizes,
    /// Where images are shuffled, cropped and mirrored at random.
    seed: Option<u64>,
}

/// Pixels (n, 3, side, side) and classes (n).
pub struct Batch {
    pixels: Vec<f32>,
    labels: Vec<i32>,
    side: usize,
}

impl Batch {
    pub fn to(self, device: &Device) -> warpsmith::Result<(Tensor<f32>, Tensor<i32>)> {
        let n = self.labels.len();
        let x = Tensor::from_vec(self.pixels, &[n, 3, self.side, self.side], device)?;
        Ok((x, Tensor::from_vec(self.labels, &[n], device)?))
    }
}

impl Batches {
    /// In order, the middle of each image; the last batch may be smaller, and a rank's share an image less than another's.
    ///
    /// # Errors
    /// Fewer images than ranks, or a batch that these do not divide.
    pub fn new(
        folder: &ImageFolder,
        batch: usize,
        sizes: Sizes,
        ranks: &Ranks,
    ) -> Result<Self, Box<dyn Error>> {
        let samples: Arc<[_]> = folder.samples().into();
        let most = samples.len() / ranks.count();
        if most == 0 {
            let (n, count) = (samples.len(), ranks.count());
            return Err(format!("{n} images are too few for {count} devices").into());
        }
        let batch = ranks.part_of(batch)?.min(most);
        Ok(Self {
            samples,
            ranks: ranks.clone(),
            batch,
            sizes,
            seed: None,
        })
    }

    /// In another order in each epoch, a part of each image anywhere in it, every second mirrored; what is left of the
    /// images when batches are full waits for another epoch.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many batches an epoch has for this rank: shuffled, as many as for every other.
    pub fn len(&self) -> usize {
        match self.seed {
            Some(_) => self.samples.len() / self.ranks.count() / self.batch,
            None => self.images().div_ceil(self.batch),
        }
    }

    /// How many images are this rank's where they are in order.
    pub fn images(&self) -> usize {
        self.ranks.share_of(self.samples.len()).len()
    }

    /// This rank's images in an epoch, in order; of shuffled ones as many as every other rank's, and batches of b on w ranks
    /// are together those of w b.
    fn order(&self, epoch: u64) -> warpsmith::Result<Vec<usize>> {
        let n = self.samples.len();
        let Some(seed) = self.seed else {
            return Ok(self.ranks.share_of(n));
        };
        let sampler = self.ranks.sampler(n)?.shuffle(seed).drop_last();
        Ok(sampler.indices(epoch))
    }

    /// The batches of an epoch from one on. An image that cannot be read is named and left out; a batch without any is an
    /// error.
    pub fn epoch(
        &self,
        epoch: u64,
        from: usize,
    ) -> Result<Receiver<Result<Batch, String>>, Box<dyn Error>> {
        let (send, made) = sync_channel(AHEAD);
        let (batches, order) = (self.clone(), self.order(epoch)?);
        thread::Builder::new()
            .name("images".into())
            .spawn(move || batches.make(&order, epoch, from, &send))?;
        Ok(made)
    }

    fn make(
        &self,
        order: &[usize],
        epoch: u64,
        from: usize,
        send: &SyncSender<Result<Batch, String>>,
    ) {
        // numbers that no small change brings together (steps of the golden ratio's fraction)
        let seed = self
            .seed
            .map(|seed| seed.wrapping_add(epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        for chosen in order.chunks(self.batch).take(self.len()).skip(from) {
            let batch = self.batch(chosen, seed);
            let failed = batch.is_err();
            if send.send(batch).is_err() || failed {
                return;
            }
        }
    }

    fn batch(&self, chosen: &[usize], seed: Option<u64>) -> Result<Batch, String> {
        let read = |&i: &usize| {
            let (path, class) = &self.samples[i];
            // of its own for each image, whichever thread reads it
            let of = |seed: u64| {
                Generator::manual_seed(seed ^ (i as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95))
            };
            match picture::open(path) {
                Ok(image) => Some((cut(&image, self.sizes, seed.map(of)), *class as i32)),
                Err(error) => {
                    eprintln!("left out: {}: {error}", path.display());
                    None
                }
            }
        };
        let read: Vec<Option<_>> = chosen.par_iter().map(read).collect();
        let (pixels, labels): (Vec<Vec<f32>>, Vec<i32>) = read.into_iter().flatten().unzip();
        if labels.is_empty() {
            let first = chosen
                .first()
                .map_or_else(String::new, |&i| self.samples[i].0.display().to_string());
            return Err(format!(
                "none of a batch's {} images can be read, from {first} on",
                chosen.len()
            ));
        }
        Ok(Batch {
            pixels: pixels.concat(),
            labels,
            side: self.sizes.side as usize,
        })
    }
}

/// A square of an image whose shorter side is scaled: of the middle, or anywhere and maybe mirrored, planes of red, green and
/// blue with ImageNet's mean and deviation taken off.
fn cut(image: &RgbImage, sizes: Sizes, generator: Option<Generator>) -> Vec<f32> {
    let (width, height) = image.dimensions();
    let shorter = f64::from(width.min(height));
    let scale = |side: u32| {
        ((f64::from(side) * f64::from(sizes.scaled) / shorter).round() as u32).max(sizes.side)
    };
    let scaled = imageops::resize(image, scale(width), scale(height), FilterType::Triangle);
    let room = [scaled.width(), scaled.height()].map(|side| side - sizes.side);
    let ([x, y], mirrored) = match generator {
        None => (room.map(|room| room / 2), false),
        Some(mut generator) => {
            let at = room.map(|room| (generator.uniform(0.0, room as f32 + 1.0) as u32).min(room));
            (at, generator.uniform(0.0, 1.0) < 0.5)
        }
    };
    let mut square = imageops::crop_imm(&scaled, x, y, sizes.side, sizes.side).to_image();
    if mirrored {
        imageops::flip_horizontal_in_place(&mut square);
    }
    let mut planes = Vec::with_capacity(3 * (sizes.side * sizes.side) as usize);
    for (color, (mean, std)) in MEAN.iter().zip(STD).enumerate() {
        let value = |p: &Rgb<u8>| (f32::from(p[color]) / 255.0 - mean) / std;
        planes.extend(square.pixels().map(value));
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Darker to the right, and up to this side larger.
    fn wide() -> RgbImage {
        RgbImage::from_fn(90, 60, |x, y| Rgb([255 - 2 * x as u8, y as u8, 0]))
    }

    const SMALL: Sizes = Sizes {
        scaled: 30,
        side: 24,
    };

    #[test]
    fn the_middle_of_an_image() {
        let planes = cut(&wide(), SMALL, None);
        assert_eq!(planes.len(), 3 * 24 * 24);
        // 45 x 30 of which 10 are left of the square, and half of a pixel's width lies in each
        let red = (255.0 - 2.0 * 2.0 * 10.5) / 255.0;
        let want = (red - MEAN[0]) / STD[0];
        assert!((planes[0] - want).abs() < 0.05, "{} and {want}", planes[0]);
        assert!(planes[0] > planes[23]);
        // one that is smaller grows
        assert_eq!(cut(&RgbImage::new(3, 200), SMALL, None).len(), 3 * 24 * 24);
    }

    #[test]
    fn parts_of_an_image_anywhere() {
        let image = wide();
        let cuts: Vec<_> = (0..32)
            .map(|seed| cut(&image, SMALL, Some(Generator::manual_seed(seed))))
            .collect();
        let mirrored = cuts.iter().filter(|planes| planes[0] < planes[23]).count();
        assert!((8..24).contains(&mirrored), "{mirrored}");
        let mut corners: Vec<_> = cuts
            .iter()
            .map(|planes| planes[0].max(planes[23]).to_bits())
            .collect();
        corners.sort_unstable();
        corners.dedup();
        assert!(corners.len() > 12, "{}", corners.len());
        assert_eq!(cuts[5], cut(&image, SMALL, Some(Generator::manual_seed(5))));
    }
}
