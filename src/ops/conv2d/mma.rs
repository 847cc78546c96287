//! The launches of `cuda/conv2d/conv2d_mma.cu`, and of what makes its operands.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::layout::{Gradient, Rows, gradient, pack, padded, scalars, unpack};
use super::padded::Padded;
use super::tile::{BACKWARD_WEIGHT, Tile};
use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::ops::activation::Activation;
use crate::runtime::grid::multiprocessors;
use crate::runtime::launch::{Launch, workspace};

/// Blocks of a sum's parts that a multiprocessor works on at a time.
const BLOCKS_EACH: usize = 2;
/// Steps along k, of 64 bytes, that are worth a block's start and its sums on their way through memory.
const LEAST_STEPS: usize = 16;

/// The numbers 0, 1, ... in mixed radix, low of `lows`, then mid of `mids`, then high, and what each digit weighs.
struct Ladder {
    lows: usize,
    mids: usize,
    per: [usize; 3],
}

impl Ladder {
    /// Positions of windows, in chunks.
    fn positions<T: Float>(x: &Padded) -> Self {
        let [image, row, pixel] = x.steps::<T>();
        Self {
            lows: x.windows[1],
            mids: x.windows[0],
            per: [x.stride[1] * pixel, x.stride[0] * row, image],
        }
    }

    /// Chunks of a window, tap after tap.
    fn taps<T: Float>(x: &Padded) -> Self {
        let [_, row, pixel] = x.steps::<T>();
        let [down, across] = x.dilation;
        Self {
            lows: x.chunks::<T>(),
            mids: x.kernel[1],
            per: [1, across * pixel, down * row],
        }
    }

    /// Elements of the planes that a copy is made of, which a convolution's positions are to its gradient.
    fn elements<T: Float>(x: &Padded) -> Self {
        let [image, row, pixel] = x.steps::<T>();
        Self {
            lows: x.plane[1],
            mids: x.plane[0],
            per: [x.apart[1] * pixel, x.apart[0] * row, image],
        }
    }

    fn give<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        scalars(scalars(launch, &[self.lows, self.mids]), &self.per)
    }

    /// A step by `by`, as `Step` in windows.cuh has it.
    fn step(&self, by: usize) -> [i32; 7] {
        let [lows, mids] = [self.lows, self.mids].map(|base| base as i32);
        let [per_low, per_mid, per_high] = self.per.map(|per| per as i32);
        let digits = [
            by % self.lows,
            by / self.lows % self.mids,
            by / self.lows / self.mids,
        ];
        let [low, mid, high] = digits.map(|digit| digit as i32);
        let (carry_low, carry_mid) = (per_mid - lows * per_low, per_high - mids * per_mid);
        let offset = low * per_low + mid * per_mid + high * per_high;
        [
            low - lows,
            mid + 1 - mids,
            -lows,
            -mids,
            offset + carry_low + carry_mid,
            carry_low,
            carry_mid,
        ]
    }
}

pub(super) fn forward<T: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (x, w): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    conv: &Conv,
) -> Result<()> {
    let x = padded(stream, x, &Padded::input::<T>(conv))?;
    forward_of(stream, tile, (&x, w), bias, y, conv)
}

/// [`forward`] from a copy of the input.
pub(super) fn forward_of<T: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (x, w): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    conv: &Conv,
) -> Result<()> {
    let of = Padded::input::<T>(conv);
    let a = pack(stream, w, conv, &of, Rows::Outputs)?;
    product(stream, tile, &a, (x, &of), bias, y, conv.outputs, conv)
}

pub(super) fn backward_input<T: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (dy, w): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    dx: &mut impl DevicePtrMut<T>,
    conv: &Conv,
) -> Result<()> {
    let dy = padded(stream, dy, &Padded::gradient(conv))?;
    backward_input_of(stream, tile, (&dy, w), dx, conv)
}

/// [`backward_input`] from a copy of the output's gradient.
pub(super) fn backward_input_of<T: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (dy, w): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    dx: &mut impl DevicePtrMut<T>,
    conv: &Conv,
) -> Result<()> {
    let of = Padded::gradient(conv);
    let a = pack(stream, w, conv, &of, Rows::Inputs)?;
    let bias = None::<&CudaSlice<T>>;
    // what the gradient is of has no activation
    let conv = &Conv {
        activation: Activation::None,
        ..*conv
    };
    product(stream, tile, &a, (dy, &of), bias, dx, conv.inputs, conv)
}

/// `m` channels of each group, from windows over `x`.
#[allow(clippy::too_many_arguments, reason = "three operands and their shapes")]
fn product<T: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    a: &CudaSlice<T>,
    (x, padded): (&impl DevicePtr<T>, &Padded),
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    m: usize,
    conv: &Conv,
) -> Result<()> {
    let plane = padded.windows[0] * padded.windows[1];
    let n = conv.images * plane;
    let k = padded.taps() * padded.filled::<T>();
    let k = to_i32(OP, "terms in whole chunks", k)?;
    let taps = Ladder::taps::<T>(padded);
    let launch = tile
        .launch::<T>(stream, "", conv.groups, [m, n], true)?
        .read(a, a.len())
        .read(x, padded.len::<T>())
        .read_optional(bias, conv.groups * m)
        .write(y, conv.groups * m * n);
    let launch = scalars(launch, &[m, n, k as usize, plane, conv.groups]);
    let launch = launch.scalar(conv.activation.code());
    let launch = Ladder::positions::<T>(padded).give(launch);
    let step = taps.step(4);
    let launch = taps.give(launch);
    let step = step.iter();
    step.fold(launch, |launch, &s| launch.scalar(s)).run()
}

pub(super) fn backward_weight<T: Float, Y: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (dy, x): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    dw: &mut impl DevicePtrMut<Y>,
    conv: &Conv,
) -> Result<()> {
    let x = padded(stream, x, &Padded::input::<T>(conv))?;
    let (dy, lies) = gradient(stream, dy, conv)?;
    backward_weight_of(stream, tile, (&dy, lies), &x, dw, conv)
}

/// [`backward_weight`] from copies of the output's gradient and of the input.
pub(super) fn backward_weight_of<T: Float, Y: Float>(
    stream: &Arc<CudaStream>,
    tile: Tile,
    (dy, lies): (&impl DevicePtr<T>, Gradient),
    x: &impl DevicePtr<T>,
    dw: &mut impl DevicePtrMut<Y>,
    conv: &Conv,
) -> Result<()> {
    let to = Padded::input::<T>(conv);
    let (m, n) = (conv.outputs, to.taps() * to.filled::<T>());
    let count = conv.groups * m * n;
    to_i32(OP, "elements of the weights in whole chunks", count + 256)?;
    let positions = conv.images * conv.planes()[1];
    let blocks = conv.groups * tile.tiles(m, n);
    let (chunk, splits) = split::<T>(positions, blocks, multiprocessors(stream, OP)?);
    let mut partial = workspace::<f32>(stream, OP, (splits * count).max(1))?;
    if splits > 0 {
        let walked = Ladder::positions::<T>(&to);
        let len = match lies {
            Gradient::Rows(ld) => conv.groups * m * ld,
            Gradient::Last(of) => of.len::<T>(),
        };
        let launch = tile
            .launch::<T>(stream, BACKWARD_WEIGHT, splits * conv.groups, [m, n], false)?
            .read(dy, len)
            .read(x, to.len::<T>())
            .write(&mut partial, splits * count);
        let launch = scalars(launch, &[m, n]);
        let launch = match lies {
            Gradient::Rows(ld) => launch.scalar(ld as i64),
            Gradient::Last(of) => scalars(launch, &[of.first::<T>(), of.chunks::<T>()]),
        };
        let launch = scalars(launch, &[positions, chunk, conv.groups]);
        let launch = Ladder::taps::<T>(&to).give(walked.give(launch));
        let by = 64 / size_of::<T>();
        let launch = walked.step(by).into_iter().fold(launch, Launch::scalar);
        match lies {
            Gradient::Rows(_) => launch,
            Gradient::Last(of) => {
                let beside = Ladder::elements::<T>(&of);
                let step = beside.step(by).into_iter().skip(4);
                step.fold(scalars(launch, &beside.per), Launch::scalar)
            }
        }
        .run()?;
    }
    unpack::<T, Y>(stream, &partial, dw, conv, splits)
}

/// Positions of a split, whole steps of them, and how many splits; together with `blocks` of each they fill the device, but no
/// block waits for another to end, and no more sums than need be go through memory.
fn split<T: Float>(positions: usize, blocks: usize, multiprocessors: usize) -> (usize, usize) {
    let step = 64 / size_of::<T>();
    let wanted = (BLOCKS_EACH * multiprocessors / blocks.max(1)).max(1);
    let chunk = positions.div_ceil(wanted).max(LEAST_STEPS * step);
    let chunk = chunk.next_multiple_of(step);
    (chunk, positions.div_ceil(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk by steps stands where the number that it counts to stands.
    #[test]
    fn a_walk_stands_where_its_number_does() {
        for (lows, mids, by) in [(1, 1, 4), (3, 2, 4), (5, 7, 32), (40, 3, 4), (2, 30, 16)] {
            let per = [1, 11, 970];
            let ladder = Ladder { lows, mids, per };
            let [
                add_low,
                add_mid,
                minus_lows,
                minus_mids,
                offset,
                carry_low,
                carry_mid,
            ] = ladder.step(by);
            let (mut low, mut mid, mut at) = (0_i32, 0_i32, 0_i32);
            for i in 0..50 {
                let n = i * by;
                let digits = [n % lows, n / lows % mids, n / lows / mids];
                let wanted: usize = digits.iter().zip(&per).map(|(d, p)| d * p).sum();
                assert_eq!(at, wanted as i32, "{lows} {mids} {by}: {n}");
                low += add_low;
                let short = low >> 31;
                low += short * minus_lows;
                at += offset + short * carry_low;
                mid += add_mid + short;
                let short = mid >> 31;
                mid += short * minus_mids;
                at += short * carry_mid;
            }
        }
    }

    #[test]
    fn splits_are_whole_steps_and_cover_all_positions() {
        for (positions, blocks) in [(0, 1), (1, 1), (93_312, 13), (21_632, 54), (387_200, 8)] {
            let (chunk, splits) = split::<half::bf16>(positions, blocks, 108);
            assert!(chunk % 32 == 0 && chunk * splits >= positions);
            assert!(splits == 0 || chunk * (splits - 1) < positions);
        }
        assert_eq!(split::<f32>(100, 1, 108), (256, 1));
    }
}
