//! Batches of images, shuffled and normalised, the next ones made while the last is learnt from.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::images::Images;
use super::resize::resize;
use crate::device::Device;
use crate::error::{Error, Result, numel, to_i32};
use crate::random::Generator;
use crate::tensor::Tensor;

/// Batches that wait to be taken.
const AHEAD: usize = 2;

/// Cuts images into batches (`torch.utils.data.DataLoader`).
///
/// ```
/// use std::sync::Arc;
/// use warpsmith::data::{DataLoader, glyphs};
/// use warpsmith::{Device, Generator};
///
/// let images = Arc::new(glyphs(100, &mut Generator::manual_seed(1))?);
/// let (mean, std) = images.mean_and_std();
/// let loader = DataLoader::new(images, 32)?.shuffle(7).normalize(mean, std)?;
/// for batch in loader.epoch(0, &Device::best())? {
///     let (x, labels) = batch?;
///     assert_eq!(x.shape()[1..], [1, 28, 28]);
///     assert_eq!(x.shape()[0], labels.numel());
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataLoader {
    images: Arc<Images>,
    batch_size: usize,
    seed: Option<u64>,
    mean: f32,
    std: f32,
    size: [usize; 2],
}

impl DataLoader {
    /// Batches of `batch_size` images in order, the last one smaller where they do not divide; pixels from 0 to 1.
    ///
    /// # Errors
    /// No images, a batch size of 0, or a batch too large for a tensor.
    pub fn new(images: Arc<Images>, batch_size: usize) -> Result<Self> {
        if batch_size == 0 || images.is_empty() {
            let got = format!("{batch_size} of {}", images.len());
            return Err(Error::argument(
                "DataLoader",
                "at least one image in a batch, and at least one image",
                got,
            ));
        }
        let size = images.size();
        Self {
            images,
            batch_size,
            seed: None,
            mean: 0.0,
            std: 1.0,
            size,
        }
        .checked()
    }

    /// In another order in each epoch, the same orders for the same seed.
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// `(pixel - mean) / std` (`torchvision.transforms.Normalize`).
    ///
    /// # Errors
    /// A mean that is not finite, a deviation that is not finite and above 0.
    pub fn normalize(mut self, mean: f32, std: f32) -> Result<Self> {
        if !(mean.is_finite() && std.is_finite() && std > 0.0) {
            let got = format!("{mean} and {std}");
            return Err(Error::argument(
                "DataLoader",
                "a finite mean and a deviation above 0",
                got,
            ));
        }
        (self.mean, self.std) = (mean, std);
        Ok(self)
    }

    /// Images made this large or small, between their pixels (`torch.nn.functional.interpolate`, bilinear).
    ///
    /// # Errors
    /// A side of 0, or a batch too large for a tensor.
    pub fn resize(mut self, height: usize, width: usize) -> Result<Self> {
        if height == 0 || width == 0 {
            let got = format!("{height} x {width}");
            return Err(Error::argument("DataLoader", "images of some size", got));
        }
        self.size = [height, width];
        self.checked()
    }

    fn checked(self) -> Result<Self> {
        let [height, width] = self.size;
        let most = self.batch_size.min(self.images.len());
        let len = numel("DataLoader", &[most, height, width])?;
        to_i32("DataLoader", "pixels of a batch", len)?;
        Ok(self)
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> usize {
        self.images.len().div_ceil(self.batch_size)
    }

    /// The images that batches are cut from.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The batches of one pass over the images: x (n, 1, height, width) and labels (n), on a device. A thread makes them
    /// ahead; dropping the iterator ends it.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn epoch(&self, epoch: u64, device: &Device) -> Result<Epoch> {
        self.epoch_of(order(self.seed, epoch, self.images.len()), device)
    }

    /// The batches of these images, by their numbers and in their order, as a sampler chooses them (PyTorch's
    /// `DataLoader(sampler=...)`), such as a [`DistributedSampler`](crate::distributed::DistributedSampler).
    ///
    /// # Errors
    /// A number that no image has, or where the system gives no thread.
    pub fn epoch_of(&self, images: Vec<usize>, device: &Device) -> Result<Epoch> {
        let n = self.images.len();
        if let Some(wrong) = images.iter().find(|i| **i >= n) {
            let expected = format!("images below {n}");
            return Err(Error::argument("DataLoader", expected, wrong));
        }
        let (send, made) = sync_channel(AHEAD);
        let loader = self.clone();
        thread::Builder::new()
            .name("warpsmith batches".into())
            .spawn(move || loader.make(&images, &send))
            .map_err(|error| Error::argument("DataLoader", "a thread to make batches", error))?;
        Ok(Epoch {
            made,
            size: self.size,
            device: device.clone(),
        })
    }

    /// Sends the batches of these images, until nobody takes them any more.
    fn make(&self, order: &[usize], send: &SyncSender<Batch>) {
        for batch in order.chunks(self.batch_size) {
            if send.send(self.batch(batch)).is_err() {
                return;
            }
        }
    }

    fn batch(&self, chosen: &[usize]) -> Batch {
        let mut pixels = Vec::with_capacity(chosen.len() * self.size[0] * self.size[1]);
        let mut labels = Vec::with_capacity(chosen.len());
        let (scale, shift) = (1.0 / (255.0 * self.std), -self.mean / self.std);
        for &i in chosen {
            // an index below the number of images has both
            let image = self.images.pixels(i).unwrap_or_default();
            let start = pixels.len();
            resize(image, self.images.size(), self.size, &mut pixels);
            for pixel in &mut pixels[start..] {
                *pixel = pixel.mul_add(scale, shift);
            }
            labels.push(i32::from(self.images.label(i).unwrap_or_default()));
        }
        Batch { pixels, labels }
    }
}

/// The order of `n` samples in an epoch; their own without a seed.
pub(crate) fn order(seed: Option<u64>, epoch: u64, n: usize) -> Vec<usize> {
    let Some(seed) = seed else {
        return (0..n).collect();
    };
    // two numbers that no small change brings together (a step of the golden ratio's fraction)
    let seed = seed.wrapping_add(epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Generator::manual_seed(seed).permutation(n)
}

struct Batch {
    pixels: Vec<f32>,
    labels: Vec<i32>,
}

/// The batches of one pass; see [`DataLoader::epoch`].
pub struct Epoch {
    made: Receiver<Batch>,
    size: [usize; 2],
    device: Device,
}

impl Iterator for Epoch {
    type Item = Result<(Tensor<f32>, Tensor<i32>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let Batch { pixels, labels } = self.made.recv().ok()?;
        let (n, [height, width]) = (labels.len(), self.size);
        let x = Tensor::from_vec(pixels, &[n, 1, height, width], &self.device);
        let labels = Tensor::from_vec(labels, &[n], &self.device);
        Some(x.and_then(|x| Ok((x, labels?))))
    }
}
