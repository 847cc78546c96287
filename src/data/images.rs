//! Grey images with their classes.

use super::idx::Idx;
use crate::error::{Error, Result};

/// Grey images of one size and the class of each, in host memory.
#[derive(Clone, Debug)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    size: [usize; 2],
    classes: usize,
}

impl Images {
    /// Images of (n, height, width) and labels of (n), each below `classes`.
    ///
    /// # Errors
    /// Shapes that do not fit each other, images of no pixels, a label outside the classes.
    pub fn new(images: Idx, labels: Idx, classes: usize) -> Result<Self> {
        const OP: &str = "Images";
        let (&[n, height, width], &[m]) = (&images.shape[..], &labels.shape[..]) else {
            let got = format!("{:?} and {:?}", images.shape, labels.shape);
            return Err(Error::shape(
                OP,
                "images (n, height, width) and labels (n)",
                got,
            ));
        };
        if n != m || height * width == 0 {
            let got = format!("{n} images of {height} x {width} and {m} labels");
            return Err(Error::shape(
                OP,
                "as many images as labels, and pixels in them",
                got,
            ));
        }
        if images.bytes.len() != n * height * width || labels.bytes.len() != n {
            let got = format!("{} and {}", images.bytes.len(), labels.bytes.len());
            return Err(Error::shape(OP, "as many bytes as the shapes say", got));
        }
        let outside = |&label: &u8| usize::from(label) >= classes;
        if let Some(row) = labels.bytes.iter().position(outside) {
            let label = labels.bytes[row].into();
            return Err(Error::Label {
                op: OP,
                classes,
                label,
                row,
            });
        }
        Ok(Self {
            pixels: images.bytes,
            labels: labels.bytes,
            size: [height, width],
            classes,
        })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Height and width in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The pixels of an image in rows from the top, 0 black and 255 white; none where there is no such image.
    pub fn pixels(&self, index: usize) -> Option<&[u8]> {
        self.pixels
            .chunks_exact(self.size[0] * self.size[1])
            .nth(index)
    }

    /// The class of an image; none where there is no such image.
    pub fn label(&self, index: usize) -> Option<u8> {
        self.labels.get(index).copied()
    }

    /// The first `n`, or all where there are fewer.
    #[must_use]
    pub fn first(mut self, n: usize) -> Self {
        self.labels.truncate(n);
        self.pixels
            .truncate(self.labels.len() * self.size[0] * self.size[1]);
        self
    }

    /// Mean and standard deviation of all pixels, white being 1: what [`DataLoader::normalize`] takes.
    ///
    /// [`DataLoader::normalize`]: super::DataLoader::normalize
    pub fn mean_and_std(&self) -> (f32, f32) {
        let mut counts = [0_u64; 256];
        for &pixel in &self.pixels {
            counts[usize::from(pixel)] += 1;
        }
        let n = (self.pixels.len() as f64).max(1.0);
        let moment = |f: &dyn Fn(f64) -> f64| {
            let terms = counts.iter().enumerate();
            terms
                .map(|(v, &count)| f(v as f64 / 255.0) * count as f64)
                .sum::<f64>()
                / n
        };
        let mean = moment(&|v| v);
        let variance = moment(&|v| (v - mean).powi(2));
        (mean as f32, variance.sqrt() as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idx(shape: &[usize], bytes: &[u8]) -> Idx {
        let (shape, bytes) = (shape.to_vec(), bytes.to_vec());
        Idx { shape, bytes }
    }

    #[test]
    fn images_keep_their_order() -> Result<()> {
        let pixels: Vec<u8> = (0..12).collect();
        let images = Images::new(idx(&[2, 2, 3], &pixels), idx(&[2], &[1, 0]), 2)?;
        assert_eq!(
            (images.len(), images.size(), images.classes()),
            (2, [2, 3], 2)
        );
        assert_eq!(images.pixels(1), Some(&[6, 7, 8, 9, 10, 11][..]));
        assert_eq!((images.label(0), images.label(2)), (Some(1), None));
        let one = images.first(1);
        assert_eq!((one.len(), one.pixels(1)), (1, None));
        Ok(())
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_pixels() -> Result<()> {
        let (mean, std) =
            Images::new(idx(&[1, 1, 4], &[0, 255, 0, 255]), idx(&[1], &[0]), 1)?.mean_and_std();
        assert_eq!((mean, std), (0.5, 0.5));
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let bad = [
            (idx(&[2, 1, 1], &[0, 0]), idx(&[1], &[0])),
            (idx(&[2, 1], &[0, 0]), idx(&[2], &[0, 0])),
            (idx(&[1, 0, 5], &[]), idx(&[1], &[0])),
            (idx(&[1, 1, 1], &[]), idx(&[1], &[0])),
            (idx(&[1, 1, 1], &[0]), idx(&[1], &[2])),
        ];
        for (images, labels) in bad {
            let what = format!("{images:?} {labels:?}");
            assert!(Images::new(images, labels, 2).is_err(), "{what}");
        }
    }
}
