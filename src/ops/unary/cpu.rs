//! Ops of one operand on the CPU, a block at a time in `f32`, so that each formula is compiled once.

use super::Op;
use crate::cpu::stream::{self, Stores};
use crate::cpu::{tasks, widened};
use crate::element::Float;

/// Elements computed at a time; the blocks stay in the first-level cache.
const BLOCK: usize = 1024;

pub(crate) fn forward<T: Float>(op: &Op, x: &[T], y: &mut [T], numbers: [f32; 2]) {
    let large = stream::is_large(y.len());
    tasks(y, |at, y| {
        let past = large.then(Stores::begin);
        let (mut wide, mut made) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (x, y) in x[at..at + y.len()].chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
            ahead(x, &past);
            let x = widened(x, &mut wide);
            let made = &mut made[..y.len()];
            (op.forward)(x, made, numbers);
            put(made, y, &past);
        }
    });
}

pub(crate) fn in_place<T: Float>(op: &Op, y: &mut [T], numbers: [f32; 2]) {
    tasks(y, |_, y| {
        let (mut wide, mut made) = ([0.0; BLOCK], [0.0; BLOCK]);
        for y in y.chunks_mut(BLOCK) {
            let made = &mut made[..y.len()];
            (op.forward)(widened(y, &mut wide), made, numbers);
            T::narrow(made, y);
        }
    });
}

pub(crate) fn backward<T: Float>(op: &Op, dy: &[T], x: &[T], dx: &mut [T], numbers: [f32; 2]) {
    let large = stream::is_large(dx.len());
    tasks(dx, |at, dx| {
        let past = large.then(Stores::begin);
        let [mut wide_dy, mut wide_x, mut made] = [[0.0; BLOCK]; 3];
        let (dy, x) = (&dy[at..at + dx.len()], &x[at..at + dx.len()]);
        let inputs = dy.chunks(BLOCK).zip(x.chunks(BLOCK));
        for ((dy, x), dx) in inputs.zip(dx.chunks_mut(BLOCK)) {
            let made = &mut made[..dx.len()];
            ahead(dy, &past);
            ahead(x, &past);
            let (dy, x) = (widened(dy, &mut wide_dy), widened(x, &mut wide_x));
            (op.backward)(dy, x, made, numbers);
            put(made, dx, &past);
        }
    });
}

/// Asks for the next block of what memory holds, while this one is computed.
fn ahead<T: Float>(x: &[T], past: &Option<Stores>) {
    if let (Some(x), Some(_)) = (T::as_f32(x), past) {
        stream::prefetch(x, BLOCK);
    }
}

fn put<T: Float>(made: &[f32], y: &mut [T], past: &Option<Stores>) {
    match (T::as_f32_mut(y), past) {
        (Some(y), Some(past)) => past.copy(made, y),
        _ => T::narrow(made, y),
    }
}
