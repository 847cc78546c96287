//! Elements by index on the CPU. `scatter_add` is cut by what is added to, never along a column, so that each sum has one order.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::walk::{Gather, Scatter};
use crate::cpu::{TASK, collect, share, tasks};
use crate::element::{Element, Number, Wide};
use crate::error::Result;

fn place(index: i64, size: usize) -> Option<usize> {
    usize::try_from(index).ok().filter(|k| *k < size)
}

pub(super) fn gather<T: Element>(x: &[T], index: &[i64], y: &mut [T], walk: &Gather) -> Result<()> {
    const NONE: usize = usize::MAX;
    let wrong = AtomicUsize::new(NONE);
    let [step, step_index] = walk.strides.inner().map(|step| step as usize);
    let is_wrong = |at: usize| {
        wrong.fetch_min(at, Ordering::Relaxed);
    };
    let of = |at: usize| {
        let found = place(index[at], walk.size).map(|k| k * walk.step as usize);
        if found.is_none() {
            is_wrong(at);
        }
        found
    };
    let along_rows = step == 0 && walk.step == 1 && step_index == 1;
    tasks(y, |first, y| {
        let mut rest = &mut *y;
        let end = first + rest.len();
        walk.strides.runs(first, end, |[at, at_index], len| {
            let (y, behind) = std::mem::take(&mut rest).split_at_mut(len);
            rest = behind;
            let (at, at_index) = (at as usize, at_index as usize);
            if step_index == 0 && step == 1 {
                if let Some(k) = of(at_index) {
                    y.copy_from_slice(&x[at + k..][..len]);
                }
                return;
            }
            if along_rows {
                let row = x.get(at..at + walk.size).unwrap_or_default();
                let index = &index[at_index..][..len];
                for (i, (y, k)) in y.iter_mut().zip(index).enumerate() {
                    match usize::try_from(*k).ok().and_then(|k| row.get(k)) {
                        Some(x) => *y = *x,
                        None => is_wrong(at_index + i),
                    }
                }
                return;
            }
            for (i, y) in y.iter_mut().enumerate() {
                if let Some(k) = of(at_index + i * step_index) {
                    *y = x[at + i * step + k];
                }
            }
        });
    });
    match wrong.into_inner() {
        NONE => Ok(()),
        at => Err(walk.error(index[at])),
    }
}

/// Errors where an index is out of range, with the first one.
pub(super) fn check(index: &[i64], walk: &Scatter) -> Result<()> {
    let wrong = |part: &[i64]| {
        let mut part = part.iter().copied();
        part.find(|k| place(*k, walk.size).is_none())
    };
    let wrong = collect(index.chunks(TASK), wrong).into_iter().flatten();
    match wrong.into_iter().next() {
        None => Ok(()),
        Some(index) => Err(crate::error::Error::Index {
            op: walk.op,
            dim: walk.dim,
            size: walk.size,
            index,
        }),
    }
}

/// `index` has been checked.
pub(super) fn scatter_add<T: Number>(src: &[T], index: &[i64], y: &mut [T], walk: &Scatter) {
    let loaded;
    let src = match T::as_wide(src) {
        Some(src) => src,
        None => {
            loaded = wide(src);
            &loaded
        }
    };
    if let Some(y) = T::as_wide_mut(y) {
        return add(src, index, y, walk);
    }
    let mut sums = wide(y);
    add(src, index, &mut sums, walk);
    tasks(y, |at, y| T::store(&sums[at..at + y.len()], y));
}

fn wide<T: Number>(x: &[T]) -> Vec<T::Wide> {
    let mut wide = vec![T::Wide::default(); x.len()];
    tasks(&mut wide, |at, y| T::load(&x[at..at + y.len()], y));
    wide
}

fn add<W: Wide>(src: &[W], index: &[i64], y: &mut [W], walk: &Scatter) {
    let step = walk.steps[2] as usize;
    // where an outer index begins in each buffer; y is in as many pieces, some of which may have nothing to add
    let block = walk.size * step;
    let mut starts = Vec::with_capacity(walk.outer.numel());
    let end = walk.outer.numel();
    let steps = walk.outer.inner();
    walk.outer.runs(0, end, |places, len| {
        starts.extend((0..len as isize).map(|i| {
            let at = |k: usize| (places[k] + i * steps[k]) as usize;
            [at(0), at(1), at(2)]
        }));
    });
    // few blocks are cut along the dimension, and each part looks at every index
    let busy = walk.n * walk.columns.numel() > TASK;
    let parts = match busy {
        true => rayon::current_num_threads().div_ceil(starts.len()),
        false => 1,
    };
    let rows = walk.size.div_ceil(parts).max(1);
    let mut starts = starts.into_iter().peekable();
    let mut work = Vec::new();
    for (i, block) in y.chunks_mut(block).enumerate() {
        if let Some(start) = starts.next_if(|start| start[2] == i * walk.size * step) {
            for (part, y) in block.chunks_mut(rows * step).enumerate() {
                work.push((start, part * rows, y));
            }
        }
    }
    share_all(work, busy, |(start, first, y)| {
        let inner = walk.inner.inner().map(|step| step as usize);
        for k in 0..walk.n {
            let at = |which: usize| start[which] + k * walk.steps[which] as usize;
            let (of_src, of_index) = (at(0), at(1));
            walk.inner.runs(0, walk.inner.numel(), |places, len| {
                let places = places.map(|place| place as usize);
                for i in 0..len {
                    let to = index[of_index + places[1] + i * inner[1]] as usize;
                    let row = to.wrapping_sub(first).wrapping_mul(step);
                    if to >= first
                        && let Some(y) = y.get_mut(row..).and_then(|row| {
                            let column = places[2] + i * inner[2];
                            row.get_mut(column)
                        })
                    {
                        *y = y.plus(src[of_src + places[0] + i * inner[0]]);
                    }
                }
            });
        }
    });
}

/// Shared out over the threads where it is worth it.
fn share_all<R: Send>(work: Vec<R>, busy: bool, f: impl Fn(R) + Sync) {
    match busy {
        true => share(work.into_iter(), f),
        false => work.into_iter().for_each(f),
    }
}
