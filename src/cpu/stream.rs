//! Stores past the caches, for outputs that no cache holds. An ordinary store first reads the line that it overwrites;
//! without that a loop over two large tensors moves a third less.
//!
//! And loads ahead of their use, for loops that compute long on what they have read and would then wait for memory.
//!
//! x86-64 has both in its baseline; elsewhere stores are ordinary ones and nothing is loaded ahead.

use crate::element::Element;

/// An output this large (in elements) is not found in a cache by whoever reads it next.
const LARGE: usize = 4 << 20;
const LANES: usize = 16;

/// A cache line: written as a whole or the store is slower than an ordinary one.
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Whether an output of so many `f32` is better written past the caches.
pub(crate) fn is_large(len: usize) -> bool {
    len >= LARGE
}

/// Stores past the caches by one thread, all of them done before another learns that this was dropped.
pub(crate) struct Stores(());

impl Stores {
    pub(crate) fn begin() -> Self {
        Self(())
    }

    /// `y[i] = f(x[i])`. Both slices have one length.
    #[inline(always)]
    pub(crate) fn map(&self, x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32 + Copy) {
        let (head, lines, tail) = lines(y);
        let (first, x) = x.split_at(head.len());
        let (whole, last) = x.as_chunks();
        for (x, y) in [(first, head), (last, tail)] {
            y.copy_from_slice(&mapped(&padded(x), f)[..y.len()]);
        }
        for (x, line) in whole.iter().zip(lines) {
            store(mapped(x, f), line);
        }
    }

    /// `y[i] = f(a[i], b[i])`. All slices have one length.
    #[inline(always)]
    pub(crate) fn zip(
        &self,
        [a, b]: [&[f32]; 2],
        y: &mut [f32],
        f: impl Fn(f32, f32) -> f32 + Copy,
    ) {
        let (head, lines, tail) = lines(y);
        let ((first_a, a), (first_b, b)) = (a.split_at(head.len()), b.split_at(head.len()));
        let ((whole_a, last_a), (whole_b, last_b)) = (a.as_chunks(), b.as_chunks());
        for (a, b, y) in [(first_a, first_b, head), (last_a, last_b, tail)] {
            y.copy_from_slice(&zipped(&padded(a), &padded(b), f)[..y.len()]);
        }
        for ((a, b), line) in whole_a.iter().zip(whole_b).zip(lines) {
            store(zipped(a, b, f), line);
        }
    }

    /// Copies, past the caches what is of `f32`; both slices have one length.
    #[inline(always)]
    pub(crate) fn copy<T: Element>(&self, x: &[T], y: &mut [T]) {
        match (T::singles(x), T::singles_mut(y)) {
            (Some(x), Some(y)) => self.map(x, y, |x| x),
            _ => y.copy_from_slice(x),
        }
    }
}

/// Copies, past the caches where there are stores that go there; both slices have one length.
#[inline(always)]
pub(crate) fn copy<T: Element>(x: &[T], y: &mut [T], past: Option<&Stores>) {
    match past {
        Some(past) => past.copy(x, y),
        None => y.copy_from_slice(x),
    }
}

#[inline(always)]
fn mapped(x: &[f32; LANES], f: impl Fn(f32) -> f32) -> [f32; LANES] {
    let mut made = [0.0; LANES];
    made.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    made
}

#[inline(always)]
fn zipped(a: &[f32; LANES], b: &[f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut made = [0.0; LANES];
    for ((y, &a), &b) in made.iter_mut().zip(a).zip(b) {
        *y = f(a, b);
    }
    made
}

/// Whole lines, and what is before and behind them.
fn lines(y: &mut [f32]) -> (&mut [f32], &mut [Line], &mut [f32]) {
    // SAFETY: a line is `f32`s alone, without gaps.
    unsafe { y.align_to_mut() }
}

/// Less than a line, filled up.
fn padded(x: &[f32]) -> [f32; LANES] {
    let mut line = [0.0; LANES];
    line[..x.len()].copy_from_slice(x);
    line
}

impl Drop for Stores {
    fn drop(&mut self) {
        fence();
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn store(values: [f32; LANES], line: &mut Line) {
    use std::arch::x86_64::{_mm_setr_ps, _mm_stream_ps};
    let (quarters, to) = (values.as_chunks::<4>().0, line.0.as_chunks_mut::<4>().0);
    for (&[a, b, c, d], to) in quarters.iter().zip(to) {
        // SAFETY: `to` is 16 bytes, borrowed exclusively, and aligned to them, as the type `Line` is to 64; SSE is in
        // the baseline of x86-64. `Stores`, the only way here, ends with `fence`, before another thread can learn of it.
        unsafe { _mm_stream_ps(to.as_mut_ptr(), _mm_setr_ps(a, b, c, d)) };
    }
}

#[cfg(target_arch = "x86_64")]
fn fence() {
    // SAFETY: SSE is in the baseline of x86-64; the instruction only orders stores.
    unsafe { std::arch::x86_64::_mm_sfence() };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn store(values: [f32; LANES], line: &mut Line) {
    line.0 = values;
}

#[cfg(not(target_arch = "x86_64"))]
fn fence() {}

/// Asks for what lies `distance` elements behind `x`, as much as `x` holds. Past the end of a tensor that asks for
/// nothing.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn prefetch(x: &[f32], distance: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in x.chunks(LANES) {
        let ahead = line.as_ptr().wrapping_add(distance);
        // SAFETY: a prefetch is a hint: it reads nothing into the program and takes any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn prefetch(_: &[f32], _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_and_length_is_written_and_nothing_else() {
        let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
        for start in 0..20 {
            for len in 0..60 {
                let mut y = [-1.0; 100];
                Stores::begin().map(&x[start..][..len], &mut y[start..][..len], |x| 2.0 * x);
                for (i, &y) in y.iter().enumerate() {
                    let inside = (start..start + len).contains(&i);
                    assert_eq!(y, if inside { 2.0 * i as f32 } else { -1.0 });
                }
            }
        }
    }

    #[test]
    fn several_inputs_keep_their_places() {
        let (a, b): (Vec<f32>, Vec<f32>) = (0..70).map(|i| (i as f32, 1e3 * i as f32)).unzip();
        let mut y = [0.0; 70];
        Stores::begin().zip([&a, &b], &mut y, |a, b| b - a);
        assert!(y.iter().enumerate().all(|(i, &y)| y == 999.0 * i as f32));
    }
}
