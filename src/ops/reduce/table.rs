//! The reductions: what stands for no elements, how elements are taken in, how two parts become one, what comes out. Kernels
//! do the same in `cuda/reduce.cu`, in `f32`.

use super::loops::{States, across, along, fold};
use crate::cpu::vectorized;

/// What a column has come to, in up to three numbers.
pub(super) type State = [f64; 3];

pub(super) struct Op {
    pub(super) name: &'static str,
    /// Numbers of 32 bits that a kernel's state has.
    pub(super) words: usize,
    pub(super) none: State,
    pub(super) along: Along,
    pub(super) across: Across,
    /// One state of those of a column's first lanes, of which there are so many.
    pub(super) fold: fn(&States, usize) -> State,
    pub(super) both: fn(State, State) -> State,
    /// Of a state of n elements; the number is what a sum is divided by, or var's correction.
    pub(super) value: fn(State, f64, f64) -> f64,
}

/// Of one column's elements, the first in this place.
type Along = fn(&mut States, &[f32], usize);
/// Of rows of columns side by side: how many, how far a row is from the next, and the place of the first.
type Across = fn(&mut States, &[f32], [usize; 2], usize);

const INFINITY: f64 = f64::INFINITY;

/// NaN where either is none; two selections, which are vector code.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    let most = if a > b { a } else { b };
    if a.is_nan() { a } else { most }
}

#[inline(always)]
fn smaller(a: f64, b: f64) -> f64 {
    let least = if a < b { a } else { b };
    if a.is_nan() { a } else { least }
}

#[inline(always)]
fn take_logsumexp([most, sum]: [f64; 2], x: f64, _: f64) -> [f64; 2] {
    let [most, sum, _] = logsumexp([most, sum, 0.0], [x, 1.0, 0.0]);
    [most, sum]
}

fn logsumexp(a: State, b: State) -> State {
    let (high, low) = if a[0] > b[0] || a[0].is_nan() {
        (a, b)
    } else {
        (b, a)
    };
    // of two infinities of one sign the difference is no number; both count whole
    let share = if low[0] == high[0] {
        1.0
    } else {
        (low[0] - high[0]).exp()
    };
    [high[0], high[1] + low[1] * share, 0.0]
}

/// Count, mean, and squares about it (Welford's way, and Chan's).
#[inline(always)]
fn take_var([count, mean, squares]: [f64; 3], x: f64, _: f64) -> [f64; 3] {
    let (count, apart) = (count + 1.0, x - mean);
    let mean = mean + apart / count;
    [count, mean, squares + apart * (x - mean)]
}

fn var(a: State, b: State) -> State {
    if a[0] == 0.0 || b[0] == 0.0 {
        return if a[0] == 0.0 { b } else { a };
    }
    let (count, apart) = (a[0] + b[0], b[1] - a[1]);
    let share = b[0] / count;
    [
        count,
        a[1] + apart * share,
        a[2] + b[2] + apart * apart * a[0] * share,
    ]
}

fn variance(state: State, n: f64, correction: f64) -> f64 {
    state[2] / (n - correction).max(0.0)
}

#[inline(always)]
fn take_place<const MOST: bool>([best, at]: [f64; 2], x: f64, place: f64) -> [f64; 2] {
    let [best, at, _] = place_of::<MOST>([best, at, 0.0], [x, place, 0.0]);
    [best, at]
}

/// The first of equal ones; NaN before all.
#[inline(always)]
fn place_of<const MOST: bool>(a: State, b: State) -> State {
    let apart = if MOST { a[0] > b[0] } else { a[0] < b[0] };
    let same = (a[0] == b[0]) | (a[0].is_nan() & b[0].is_nan());
    let better = apart | (a[0].is_nan() & !b[0].is_nan()) | (same & (a[1] < b[1]));
    if better { a } else { b }
}

macro_rules! op {
    ($name:literal, $words:literal, $none:expr, $step:expr, $both:expr, $value:expr) => {
        Op {
            name: $name,
            words: $words,
            none: $none,
            along: |states, x, first| vectorized!(along(states, x, first, $step)),
            across: |states, x, sizes, first| {
                vectorized!(across(states, x, sizes, first, $step));
            },
            fold: |states, used| fold(states, used, $both),
            both: $both,
            value: $value,
        }
    };
}

pub(super) const SUM: Op = op!(
    "sum",
    2,
    [0.0; 3],
    |[s], x, _| [s + x],
    |a, b| [a[0] + b[0], 0.0, 0.0],
    |s, _, divisor| s[0] / divisor
);
pub(super) const PROD: Op = op!(
    "prod",
    1,
    [1.0; 3],
    |[s], x, _| [s * x],
    |a, b| [a[0] * b[0], 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const MAX: Op = op!(
    "max",
    1,
    [-INFINITY; 3],
    |[s], x, _| [larger(s, x)],
    |a, b| [larger(a[0], b[0]), 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const MIN: Op = op!(
    "min",
    1,
    [INFINITY; 3],
    |[s], x, _| [smaller(s, x)],
    |a, b| [smaller(a[0], b[0]), 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const NORM: Op = op!(
    "norm",
    2,
    [0.0; 3],
    |[s], x, _| [x.mul_add(x, s)],
    |a, b| [a[0] + b[0], 0.0, 0.0],
    |s, _, _| s[0].sqrt()
);
pub(super) const LOGSUMEXP: Op = op!(
    "logsumexp",
    2,
    [-INFINITY, 0.0, 0.0],
    take_logsumexp,
    logsumexp,
    |s, _, _| s[0] + s[1].ln()
);
pub(super) const VAR: Op = op!("var", 3, [0.0; 3], take_var, var, variance);
pub(super) const STD: Op = op!("std", 3, [0.0; 3], take_var, var, |s, n, correction| {
    variance(s, n, correction).sqrt()
});
pub(super) const ARGMAX: Op = op!(
    "argmax",
    2,
    [-INFINITY, INFINITY, 0.0],
    take_place::<true>,
    place_of::<true>,
    |s, _, _| s[1]
);
pub(super) const ARGMIN: Op = op!(
    "argmin",
    2,
    [INFINITY, INFINITY, 0.0],
    take_place::<false>,
    place_of::<false>,
    |s, _, _| s[1]
);

macro_rules! kernels {
    ($($name:literal)*) => {
        /// The kernels: for each op and float one over the elements, one over the parts of long columns.
        pub const KERNELS: &[&str] = &[$(
            concat!("reduce_", $name, "_f32"),
            concat!("reduce_", $name, "_f16"),
            concat!("reduce_", $name, "_bf16"),
            concat!("reduce_", $name, "_finish_f32"),
            concat!("reduce_", $name, "_finish_f16"),
            concat!("reduce_", $name, "_finish_bf16"),
        )*];
    };
}
kernels!("sum" "prod" "max" "min" "norm" "logsumexp" "var" "std" "argmax" "argmin");
