//! How LRN walks an image on the CPU. A task is a chunk of channels of one image, walked in blocks of neighbouring
//! positions, which are the vector lanes; over such a block slide the windows of channels.

use crate::cpu::{TASK, share};
use crate::element::Float;

/// Positions that are worked on together.
pub(super) const BLOCK: usize = 128;
pub(super) type Block = [f64; BLOCK];

/// Images, channels and positions per channel.
pub(super) type Shape = [usize; 3];

/// Channels `first..` of one image, as many as fit in `out`.
pub(super) struct Chunk<'a, T> {
    pub(super) image: usize,
    pub(super) first: usize,
    pub(super) out: &'a mut [T],
}

/// Splits an output into chunks of whole channels and works on them in parallel.
pub(super) fn chunks<T: Float>(
    out: &mut [T],
    [_, channels, plane]: Shape,
    window: usize,
    work: impl Fn(Chunk<T>) + Sync,
) {
    // a chunk reads `window` channels of its neighbours again
    let per_task = TASK.div_ceil(plane).max(4 * window).min(channels);
    let images = out.chunks_mut(channels * plane).enumerate();
    let chunks = images.flat_map(|(image, out)| {
        let chunks = out.chunks_mut(per_task * plane).enumerate();
        chunks.map(move |(i, out)| Chunk {
            image,
            first: i * per_task,
            out,
        })
    });
    share(chunks.collect::<Vec<_>>().into_iter(), work);
}

/// A block of positions in every channel of an image.
pub(super) struct Walk<'a, T> {
    pub(super) image: &'a [T],
    pub(super) channels: usize,
    pub(super) plane: usize,
    pub(super) position: usize,
    pub(super) len: usize,
}

impl<T: Float> Walk<'_, T> {
    /// Calls `f` with the block's values in a channel; outside the channels there are none.
    #[inline(always)]
    pub(super) fn channel(&self, c: isize, f: impl FnOnce(&[f32])) {
        let Some(c) = usize::try_from(c).ok().filter(|&c| c < self.channels) else {
            return;
        };
        let at = c * self.plane + self.position;
        let values = &self.image[at..at + self.len];
        let mut wide = [0.0; BLOCK];
        f(match T::as_f32(values) {
            Some(values) => values,
            None => {
                T::widen(values, &mut wide[..self.len]);
                &wide[..self.len]
            }
        });
    }

    #[inline(always)]
    pub(super) fn add_squares(&self, c: isize, sum: &mut Block) {
        self.channel(
            c,
            #[inline(always)]
            |values| {
                for (sum, &v) in sum.iter_mut().zip(values) {
                    *sum += f64::from(v) * f64::from(v);
                }
            },
        );
    }
}

/// Gives `emit` the sums of the windows that begin at `first`, `first + 1`, ...: `count` of them.
///
/// A window is the tail of one group of `window` terms and the head of the next. Nothing is subtracted, so a large
/// term leaves no error behind. `add` adds the term of a place; `tails` is scratch.
#[inline(always)]
pub(super) fn windows(
    first: isize,
    count: usize,
    window: usize,
    tails: &mut Vec<Block>,
    add: impl Fn(isize, &mut Block),
    mut emit: impl FnMut(usize, &Block),
) {
    tails.resize(window, [0.0; BLOCK]);
    for group in (0..count).step_by(window) {
        let start = first + group as isize;
        let mut sum = [0.0; BLOCK];
        for (j, tail) in tails.iter_mut().enumerate().rev() {
            add(start + j as isize, &mut sum);
            *tail = sum;
        }
        let mut head = [0.0; BLOCK];
        for (j, tail) in tails.iter_mut().enumerate().take(count - group) {
            if j > 0 {
                add(start + (window + j - 1) as isize, &mut head);
            }
            tail.iter_mut().zip(&head).for_each(|(t, h)| *t += h);
            emit(group + j, tail);
        }
    }
}
