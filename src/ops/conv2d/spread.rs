//! Which tiles may be transformed (`winograd.rs` says why not all).

use super::minimal::{LANES, SIDE};
use super::tiling::{Tile, Tiling};
use crate::cpu::{Buffer, collect, share, vectorized};
use crate::error::Result;

/// How much larger than what a window of the tile holds the tile's largest number may be.
const SPREAD: f32 = 4.0;

/// Neither sums of 2^31 products of numbers up to this nor the factors of the points leave an f32's range.
const LARGEST: f32 = (1 << 30) as f32;

/// Where the largest product of a tile is below this, what is lost to subnormal numbers on the way might show.
const SMALLEST: f32 = 1.0 / (1_u128 << 80) as f32;

/// Pixels of one parallel task.
const TASK: usize = 256;

/// The bits of a magnitude: as integers they have the order that they have as numbers, and NaN comes last.
#[inline(always)]
fn magnitude(x: f32) -> i32 {
    (x.to_bits() & (u32::MAX >> 1)).cast_signed()
}

#[inline(always)]
fn larger(most: &mut [i32; LANES], x: [f32; LANES]) {
    for (most, x) in most.iter_mut().zip(x) {
        *most = magnitude(x).max(*most);
    }
}

/// The largest magnitude of a run of whole cache lines, as bits.
#[inline(always)]
fn largest_of(x: &[f32]) -> i32 {
    let mut most = [0; LANES];
    x.as_chunks().0.iter().for_each(|x| larger(&mut most, *x));
    most.into_iter().fold(0, i32::max)
}

/// Whether all numbers are finite and of moderate size; whole cache lines of them.
pub(super) fn moderate(x: &[f32]) -> bool {
    let parts = collect(x.chunks(TASK * LANES), |x| vectorized!(largest_of(x)));
    parts.into_iter().all(|x| x <= magnitude(LARGEST))
}

/// The largest magnitude of each run of `len`.
pub(super) fn largest(x: &[f32], len: usize) -> Vec<f32> {
    let runs = x.chunks_exact(len);
    runs.map(|x| f32::from_bits(vectorized!(largest_of(x)).cast_unsigned()))
        .collect()
}

/// For each pixel and group of channels the bits of two magnitudes: the largest input times the largest weight of its
/// channel, and the largest input.
pub(super) struct Magnitudes(Buffer<i32>);

impl Magnitudes {
    /// `x` is (N, H, W, C), and `scales` the largest magnitude of each channel's weights, in `groups` groups.
    pub(super) fn new(x: &[f32], scales: &[f32], groups: usize) -> Result<Self> {
        let channels = scales.len() / groups;
        let mut all = Buffer::stale(x.len() / channels * 2)?;
        let tasks = all.chunks_mut(TASK * groups * 2);
        let x = x.chunks(TASK * groups * channels);
        share(tasks.zip(x), |(to, x)| {
            vectorized!({
                let pixels = to.as_chunks_mut().0.chunks_exact_mut(groups);
                for (to, x) in pixels.zip(x.chunks_exact(groups * channels)) {
                    let groups = x.chunks_exact(channels).zip(scales.chunks_exact(channels));
                    for (to, (x, scales)) in to.iter_mut().zip(groups) {
                        let [mut weighed, mut plain] = [[0; LANES]; 2];
                        let lines = x.as_chunks::<LANES>().0.iter();
                        for (x, scales) in lines.zip(scales.as_chunks::<LANES>().0) {
                            larger(&mut plain, *x);
                            larger(&mut weighed, std::array::from_fn(|i| x[i] * scales[i]));
                        }
                        *to = [weighed, plain].map(|most| most.into_iter().fold(0, i32::max));
                    }
                }
            });
        });
        Ok(Self(all))
    }

    /// Whether a tile may be transformed: no window that makes one of its outputs holds only numbers far smaller than
    /// its largest, and nothing overflows or underflows on the way.
    pub(super) fn permit<const R: usize, const M: usize>(
        &self,
        tiling: &Tiling<R, M>,
        group: usize,
        tile: Tile,
    ) -> bool {
        let (all, groups) = (self.0.as_chunks::<2>().0, tiling.0.groups);
        let mut places = [[0; SIDE]; SIDE];
        let [mut most, mut most_plain] = [0; 2];
        for (i, places) in places.iter_mut().enumerate() {
            for (j, place) in places.iter_mut().enumerate() {
                if let Some(pixel) = tiling.pixel(tile, i, j) {
                    let [weighed, plain] = all[pixel * groups + group];
                    *place = weighed;
                    most = weighed.max(most);
                    most_plain = plain.max(most_plain);
                }
            }
        }
        let [height, width] = tiling.size(tile);
        let mut least = i32::MAX;
        for j in 0..width {
            let rows = places.map(|row| row[j..j + R].iter().copied().fold(0, i32::max));
            for i in 0..height {
                least = rows[i..i + R].iter().copied().fold(0, i32::max).min(least);
            }
        }
        let [most, least] = [most, least].map(|bits| f32::from_bits(bits.cast_unsigned()));
        // zeros stay zeros
        most_plain == 0
            || most_plain <= magnitude(LARGEST) && most >= SMALLEST && most <= SPREAD * least
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::transpose::cpu::transpose;
    use crate::ops::{Conv2dOptions, Window, conv2d::Conv};
    use crate::{Device, Generator, Tensor};

    /// Of all tiles of a convolution, the share that may be transformed.
    fn share(x: &Tensor<f32>, w: &Tensor<f32>, padding: usize) -> Result<f64> {
        fn of<const R: usize, const M: usize>(
            conv: &Conv,
            x: &Tensor<f32>,
            w: &Tensor<f32>,
        ) -> Result<f64> {
            let [plane, _] = conv.planes();
            let mut scales = vec![0.0_f32; conv.inputs];
            for (i, w) in w.to_vec()?.iter().enumerate() {
                let scale = &mut scales[i / (R * R) % conv.inputs];
                *scale = scale.max(w.abs());
            }
            let mut turned = vec![0.0; x.numel()];
            transpose(&x.to_vec()?, &mut turned, conv.inputs, plane);
            let magnitudes = Magnitudes::new(&turned, &scales, 1)?;
            let tiling = Tiling::<R, M>(conv);
            let rows = conv.images * tiling.grid()[0];
            let tiles: Vec<Tile> = tiling.tiles(0..rows).collect();
            let permitted = tiles
                .iter()
                .filter(|tile| magnitudes.permit(&tiling, 0, **tile));
            Ok(permitted.count() as f64 / tiles.len() as f64)
        }
        let options = Conv2dOptions::default().padding([padding; 2]);
        let conv = Conv::new("share", x.shape(), w.shape(), &options)?;
        match w.shape()[2] {
            5 => of::<5, 2>(&conv, x, w),
            _ => of::<3, 4>(&conv, x, w),
        }
    }

    /// The shares of AlexNet's last four convolutions, with weights as drawn, on an image.
    fn alexnet(image: impl Fn(f32, f32, f32) -> f32) -> Result<Vec<f64>> {
        let (cpu, mut generator) = (Device::Cpu, Generator::manual_seed(1));
        let plane = |i: usize| ((i / 227 % 227) as f32, (i % 227) as f32);
        let x = (0..3 * 227 * 227).map(|i| image(plane(i).0, plane(i).1, generator.normal()));
        let mut x = Tensor::from_vec(x.collect(), &[1, 3, 227, 227], &cpu)?;
        let mut shares = Vec::new();
        for (i, (shape, stride, padding)) in [
            ([96, 3, 11, 11], 4, 0),
            ([256, 96, 5, 5], 1, 2),
            ([384, 256, 3, 3], 1, 1),
            ([384, 384, 3, 3], 1, 1),
            ([256, 384, 3, 3], 1, 1),
        ]
        .into_iter()
        .enumerate()
        {
            let scale = (2.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
            let w = Tensor::randn(&shape, &mut generator, &cpu)?.mul(scale)?;
            if i > 0 {
                shares.push(share(&x, &w, padding)?);
            }
            let options = Conv2dOptions::default()
                .stride([stride; 2])
                .padding([padding; 2]);
            x = x.conv2d(&w, None, &options)?.relu()?;
            if i < 2 {
                x = x.max_pool2d(&Window::new([3, 3]).stride([2, 2]))?;
            }
        }
        Ok(shares)
    }

    #[test]
    fn usual_numbers_are_transformed() -> Result<()> {
        let (cpu, mut generator) = (Device::Cpu, Generator::manual_seed(2));
        let mut randn = |shape: &[usize]| Tensor::<f32>::randn(shape, &mut generator, &cpu);
        let (x, w) = (randn(&[2, 32, 40, 39])?, randn(&[32, 32, 3, 3])?);
        assert_eq!(share(&x, &w, 1)?, 1.0);
        assert_eq!(share(&x.relu()?, &w, 1)?, 1.0);
        assert_eq!(share(&x.relu()?, &randn(&[32, 32, 5, 5])?, 2)?, 1.0);
        assert_eq!(alexnet(|_, _, noise| noise)?, [1.0; 4]);
        // a sky that darkens, a disc and a roof with sharp edges, as dark as a pixel can be
        let photograph = alexnet(|y, x, noise| {
            let sky = 1.0 + 0.3 * y / 227.0 + 0.01 * noise;
            match (x - 100.0).hypot(y - 120.0) {
                ..30.0 => -1.5,
                _ if x + 0.5 * y > 220.0 => sky - 1.2,
                _ => sky,
            }
        })?;
        assert!(
            photograph.iter().all(|share| *share >= 0.8),
            "{photograph:?}"
        );
        Ok(())
    }

    #[test]
    fn what_stands_out_is_not() -> Result<()> {
        let cpu = Device::Cpu;
        let w = Tensor::full(&[32, 32, 3, 3], 0.5, &cpu)?;
        let one = |among: f32, pixel: f32| -> Result<f64> {
            let mut x = vec![among; 32 * 24 * 24];
            x[(3 * 24 + 9) * 24 + 9] = pixel;
            share(&Tensor::from_vec(x, &[1, 32, 24, 24], &cpu)?, &w, 1)
        };
        // of 36 tiles the one that it lies in alone, or as well those that overlap it there
        for (among, pixel) in [
            (0.0, 1.0),
            (1.0, 5.0),
            (1.0, -1e9),
            (1.0, f32::NAN),
            (1e-25, 1e-25),
        ] {
            let share = one(among, pixel)?;
            assert!(share < 1.0, "{pixel} among {among}");
            assert!(
                among == 1e-25 || share >= 32.0 / 36.0,
                "{pixel} among {among}: {share}"
            );
        }
        for (among, pixel) in [(0.0, 0.0), (1.0, 3.9), (1.0, 0.0)] {
            assert_eq!(one(among, pixel)?, 1.0, "{pixel} among {among}");
        }
        Ok(())
    }
}
