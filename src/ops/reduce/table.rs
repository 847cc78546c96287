//! The reductions: what stands for no elements, how elements are taken in, how two parts become one, what comes out. Kernels
//! do the same in `cuda/reduce.cu`, in `f32`.

/// What a column has come to, in up to three numbers.
pub(super) type State = [f64; 3];

/// States of neighbouring columns, each of the three numbers a run of its own.
pub(super) type Lanes = [Vec<f64>; 3];

/// The places of a block's elements along the reduced dimension: `first + lane * step`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) first: usize,
    pub(super) step: usize,
}

pub(super) struct Op {
    pub(super) name: &'static str,
    /// Numbers of 32 bits that a kernel's state has.
    pub(super) words: usize,
    pub(super) none: State,
    /// An element more for each lane.
    pub(super) take: fn(&mut Lanes, &[f32], Places),
    pub(super) both: fn(State, State) -> State,
    /// Of a state of n elements; the number is what a sum is divided by, or var's correction.
    pub(super) value: fn(State, f64, f64) -> f64,
}

const INFINITY: f64 = f64::INFINITY;

fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

/// `f` on the first number of each lane.
macro_rules! first {
    (|$state:ident, $x:ident| $new:expr) => {
        |lanes, x, _| {
            crate::cpu::vectorized!(for (state, &x) in lanes[0].iter_mut().zip(x) {
                let ($state, $x) = (*state, f64::from(x));
                *state = $new;
            });
        }
    };
}

fn take_logsumexp(lanes: &mut Lanes, x: &[f32], _: Places) {
    let [most, sum, _] = lanes;
    for ((most, sum), &x) in most.iter_mut().zip(sum).zip(x) {
        [*most, *sum, _] = logsumexp([*most, *sum, 0.0], [f64::from(x), 1.0, 0.0]);
    }
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
fn take_var(lanes: &mut Lanes, x: &[f32], _: Places) {
    let [count, mean, squares] = lanes;
    for (((count, mean), squares), &x) in count.iter_mut().zip(mean).zip(squares).zip(x) {
        *count += 1.0;
        let apart = f64::from(x) - *mean;
        *mean += apart / *count;
        *squares += apart * (f64::from(x) - *mean);
    }
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

fn take_place<const MOST: bool>(lanes: &mut Lanes, x: &[f32], places: Places) {
    let [best, at, _] = lanes;
    for (lane, ((best, at), &x)) in best.iter_mut().zip(at).zip(x).enumerate() {
        let place = (places.first + lane * places.step) as f64;
        [*best, *at, _] = place_of::<MOST>([*best, *at, 0.0], [f64::from(x), place, 0.0]);
    }
}

/// The first of equal ones; NaN before all.
fn place_of<const MOST: bool>(a: State, b: State) -> State {
    let better = match (a[0].is_nan(), b[0].is_nan()) {
        (false, false) if a[0] == b[0] => a[1] < b[1],
        (false, false) => (a[0] > b[0]) == MOST,
        (true, true) => a[1] < b[1],
        (a_nan, _) => a_nan,
    };
    if better { a } else { b }
}

macro_rules! op {
    ($name:literal, $words:literal, $none:expr, $take:expr, $both:expr, $value:expr) => {
        Op {
            name: $name,
            words: $words,
            none: $none,
            take: $take,
            both: $both,
            value: $value,
        }
    };
}

pub(super) const SUM: Op = op!(
    "sum",
    2,
    [0.0; 3],
    first!(|s, x| s + x),
    |a, b| [a[0] + b[0], 0.0, 0.0],
    |s, _, divisor| s[0] / divisor
);
pub(super) const PROD: Op = op!(
    "prod",
    1,
    [1.0; 3],
    first!(|s, x| s * x),
    |a, b| [a[0] * b[0], 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const MAX: Op = op!(
    "max",
    1,
    [-INFINITY; 3],
    first!(|s, x| larger(s, x)),
    |a, b| [larger(a[0], b[0]), 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const MIN: Op = op!(
    "min",
    1,
    [INFINITY; 3],
    first!(|s, x| smaller(s, x)),
    |a, b| [smaller(a[0], b[0]), 0.0, 0.0],
    |s, _, _| s[0]
);
pub(super) const NORM: Op = op!(
    "norm",
    2,
    [0.0; 3],
    first!(|s, x| x.mul_add(x, s)),
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
