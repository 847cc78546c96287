//! LRN on the CPU: windows summed in `f64`, the power taken in `f32` of the rounded sum.

use super::LrnOptions;
use super::windows::{BLOCK, Block, Shape, Walk, chunks, windows};
use crate::cpu::math::{exp, ln};
use crate::cpu::vectorized;
use crate::element::Float;

/// `s -> s^-beta`. A value, not a closure, so that the loops around it are compiled once for each type.
#[derive(Clone, Copy)]
enum Power {
    ThreeQuarters,
    Half,
    One,
    Other(f32),
}

impl Power {
    fn new(beta: f64) -> Self {
        match beta {
            0.75 => Self::ThreeQuarters,
            0.5 => Self::Half,
            1.0 => Self::One,
            beta => Self::Other(beta as f32),
        }
    }

    /// Raises a block in place: loops of fixed length, as wide as vectors are.
    #[inline(always)]
    fn raise(self, s: &mut [f32; BLOCK]) {
        match self {
            Self::ThreeQuarters => each(s, |s| 1.0 / (s.sqrt() * s.sqrt().sqrt())),
            Self::Half => each(s, |s| 1.0 / s.sqrt()),
            Self::One => each(s, |s| 1.0 / s),
            Self::Other(beta) => each(
                s,
                #[inline(always)]
                |s| exp(-beta * ln(s)),
            ),
        }
    }
}

#[inline(always)]
fn each(y: &mut [f32; BLOCK], f: impl Fn(f32) -> f32) {
    for y in y {
        *y = f(*y);
    }
}

/// `k + scale * sum` of a block.
#[inline(always)]
fn bases(k: f64, scale: f64, sums: &Block) -> [f32; BLOCK] {
    let mut s = [0.0; BLOCK];
    for (s, &sum) in s.iter_mut().zip(sums) {
        *s = (k + scale * sum) as f32;
    }
    s
}

pub(crate) fn lrn<T: Float>(x: &[T], y: &mut [T], shape: Shape, options: &LrnOptions) {
    let power = Power::new(options.beta);
    let [_, channels, plane] = shape;
    let (before, after) = options.reach(channels);
    let (scale, k) = (options.scale(), options.k);
    chunks(y, shape, before + after + 1, |chunk| {
        let image = &x[chunk.image * channels * plane..][..channels * plane];
        let mut tails = Vec::new();
        let count = chunk.out.len() / plane;
        let begin = chunk.first as isize - before as isize;
        for position in (0..plane).step_by(BLOCK) {
            let len = BLOCK.min(plane - position);
            vectorized!({
                let walk = Walk {
                    image,
                    channels,
                    plane,
                    position,
                    len,
                };
                let window = before + after + 1;
                windows(
                    begin,
                    count,
                    window,
                    &mut tails,
                    #[inline(always)]
                    |c, sum| walk.add_squares(c, sum),
                    #[inline(always)]
                    |i, sums| {
                        let y = &mut chunk.out[i * plane + position..][..len];
                        let mut out = bases(k, scale, sums);
                        power.raise(&mut out);
                        walk.channel(
                            (chunk.first + i) as isize,
                            #[inline(always)]
                            |x| out.iter_mut().zip(x).for_each(|(y, &x)| *y *= x),
                        );
                        T::narrow(&out[..len], y);
                    },
                );
            });
        }
    });
}

pub(crate) fn lrn_backward<T: Float>(
    dy: &[T],
    x: &[T],
    dx: &mut [T],
    shape: Shape,
    options: &LrnOptions,
) {
    let power = Power::new(options.beta);
    let [_, channels, plane] = shape;
    let (before, after) = options.reach(channels);
    let (scale, k) = (options.scale(), options.k);
    let slope = 2.0 * scale * options.beta;
    let window = before + after + 1;
    chunks(dx, shape, 2 * window, |chunk| {
        let of = chunk.image * channels * plane..(chunk.image + 1) * channels * plane;
        let (x, dy) = (&x[of.clone()], &dy[of]);
        let (mut tails, mut terms, mut passed) = (Vec::new(), Vec::new(), Vec::new());
        let count = chunk.out.len() / plane;
        // windows whose sums reach into this chunk: those with their middles from first - after to last + before
        let middles = chunk.first.saturating_sub(after)..channels.min(chunk.first + count + before);
        terms.resize(middles.len(), [0.0; BLOCK]);
        passed.resize(middles.len(), [0.0_f32; BLOCK]);
        for position in (0..plane).step_by(BLOCK) {
            let len = BLOCK.min(plane - position);
            vectorized!({
                let [x, dy] = [x, dy].map(|image| Walk {
                    image,
                    channels,
                    plane,
                    position,
                    len,
                });
                let begin = middles.start as isize - before as isize;
                windows(
                    begin,
                    middles.len(),
                    window,
                    &mut tails,
                    #[inline(always)]
                    |c, sum| x.add_squares(c, sum),
                    #[inline(always)]
                    |i, sums| {
                        let (term, passed) = (&mut terms[i], &mut passed[i]);
                        let s = bases(k, scale, sums);
                        let mut powers = s;
                        power.raise(&mut powers);
                        dy.channel(
                            (middles.start + i) as isize,
                            #[inline(always)]
                            |dy| {
                                x.channel(
                                    (middles.start + i) as isize,
                                    #[inline(always)]
                                    |x| {
                                        for (j, (&dy, &x)) in dy.iter().zip(x).enumerate() {
                                            passed[j] = dy * powers[j];
                                            term[j] = f64::from(passed[j] * (x / s[j]));
                                        }
                                    },
                                );
                            },
                        );
                    },
                );
                let begin = chunk.first as isize - after as isize;
                windows(
                    begin,
                    count,
                    window,
                    &mut tails,
                    #[inline(always)]
                    |c, sum| {
                        let i = c - middles.start as isize;
                        if let Some(term) = usize::try_from(i).ok().and_then(|i| terms.get(i)) {
                            sum.iter_mut().zip(term).for_each(|(s, t)| *s += t);
                        }
                    },
                    #[inline(always)]
                    |i, sums| {
                        let passed = &passed[chunk.first + i - middles.start];
                        let mut out = [0.0_f32; BLOCK];
                        x.channel(
                            (chunk.first + i) as isize,
                            #[inline(always)]
                            |x| {
                                for (j, (out, &x)) in out.iter_mut().zip(x).enumerate() {
                                    *out = (f64::from(passed[j]) - slope * f64::from(x) * sums[j])
                                        as f32;
                                }
                            },
                        );
                        T::narrow(&out[..len], &mut chunk.out[i * plane + position..][..len]);
                    },
                );
            });
        }
    });
}
