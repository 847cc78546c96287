//! Stores past the caches, for outputs that no cache holds. An ordinary store first reads the line that it overwrites;
//! without that a loop over two large tensors moves a third less.
//!
//! And loads ahead of their use, for loops that compute long on what they have read and would then wait for memory.
//!
//! x86-64 has both in its baseline; elsewhere stores are ordinary ones and nothing is loaded ahead.

use bytemuck::{Pod, Zeroable};

use crate::element::Element;

/// An output this large (in elements) is not found in a cache by whoever reads it next.
const LARGE: usize = 4 << 20;
const LANES: usize = 16;

/// A cache line: written as a whole or the store is slower than an ordinary one.
#[derive(Clone, Copy, Pod, Zeroable)]
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

    /// `y[i] = f(x[0][i], x[1][i], ...)`. All slices have one length.
    #[inline(always)]
    pub(crate) fn write<const N: usize>(
        &self,
        x: [&[f32]; N],
        y: &mut [f32],
        f: impl Fn([f32; N]) -> f32 + Copy,
    ) {
        let (head, lines, tail) = bytemuck::pod_align_to_mut::<f32, Line>(y);
        let (first, last) = (head.len(), x[0].len() - tail.len());
        for (i, y) in head.iter_mut().enumerate() {
            *y = f(x.map(|x| x[i]));
        }
        let middle = x.map(|x| x[first..last].as_chunks::<LANES>().0);
        for (at, line) in lines.iter_mut().enumerate() {
            let x = middle.map(|x| &x[at]);
            let mut values = [0.0; LANES];
            for (i, value) in values.iter_mut().enumerate() {
                *value = f(x.map(|x| x[i]));
            }
            store(values, line);
        }
        for (i, y) in tail.iter_mut().enumerate() {
            *y = f(x.map(|x| x[last + i]));
        }
    }

    /// Copies, past the caches what is of `f32`; both slices have one length.
    #[inline(always)]
    pub(crate) fn copy<T: Element>(&self, x: &[T], y: &mut [T]) {
        match (T::singles(x), T::singles_mut(y)) {
            (Some(x), Some(y)) => self.write([x], y, |[x]| x),
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
                Stores::begin().write([&x[start..][..len]], &mut y[start..][..len], |[x]| 2.0 * x);
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
        Stores::begin().write([&a, &b], &mut y, |[a, b]| a + b);
        assert!(y.iter().enumerate().all(|(i, &y)| y == 1001.0 * i as f32));
    }
}
