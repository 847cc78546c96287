//! Winograd's minimal filtering of one row: six inputs and R taps, taken as polynomials to six points, make 7 - R outputs
//! with six multiplications instead of R (7 - R). Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
//! 2016, whose B^T, G and A^T these are, for other points: 0, P, -P, Q, -Q and infinity. Theirs, of 1 and 2, leave more than
//! twice the error; P and Q are the fractions of few bits that left least, about twice the direct sum's.
//!
//! A tile is transformed along its columns and then along its rows, many channels at once.

/// Channels that are transformed together: a cache line of them.
pub(super) const LANES: usize = 16;

/// Inputs of a row, and so points at which it is multiplied.
pub(super) const SIDE: usize = 6;

const P: f32 = 5.0 / 8.0;
const Q: f32 = 3.0 / 2.0;

/// A number for each of some channels.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Lanes(pub(super) [f32; LANES]);

impl Lanes {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(x, v)| *x += v);
        self
    }
}

/// A transform of one row.
pub(super) trait Row<const FROM: usize, const TO: usize> {
    fn row(x: [f32; FROM]) -> [f32; TO];
}

/// B^T, of the inputs: each point's row is the polynomial that is 0 at all others.
pub(super) struct Inputs;

impl Row<SIDE, SIDE> for Inputs {
    #[inline(always)]
    fn row(x: [f32; SIDE]) -> [f32; SIDE] {
        const ENDS: [f32; 2] = [P * P * Q * Q, P * P + Q * Q];
        // of a point and its negative
        let [even, odd] = [x[4] - Q * Q * x[2], P * (x[3] - Q * Q * x[1])];
        let [even2, odd2] = [x[4] - P * P * x[2], Q * (x[3] - P * P * x[1])];
        [
            x[4] + ENDS[0] * x[0] - ENDS[1] * x[2],
            even + odd,
            even - odd,
            even2 + odd2,
            even2 - odd2,
            x[5] + ENDS[0] * x[1] - ENDS[1] * x[3],
        ]
    }
}

/// G, of the taps: their polynomial at each point, divided by what that point's row of B^T is there.
pub(super) struct Taps;

impl<const R: usize> Row<R, SIDE> for Taps {
    #[inline(always)]
    fn row(w: [f32; R]) -> [f32; SIDE] {
        const AT_P: f32 = 1.0 / (2.0 * P * P * (P * P - Q * Q));
        const AT_Q: f32 = 1.0 / (2.0 * Q * Q * (Q * Q - P * P));
        // the terms of even and of odd power make the value at a point and at its negative
        let [mut p, mut q] = [[0.0; 2]; 2];
        for (i, &w) in w.iter().enumerate() {
            p[i % 2] += w * P.powi(i as i32);
            q[i % 2] += w * Q.powi(i as i32);
        }
        [
            w[0] * (1.0 / (P * P * Q * Q)),
            (p[0] + p[1]) * AT_P,
            (p[0] - p[1]) * AT_P,
            (q[0] + q[1]) * AT_Q,
            (q[0] - q[1]) * AT_Q,
            w[R - 1],
        ]
    }
}

/// A^T, of the products: the powers of the points.
pub(super) struct Products;

impl<const M: usize> Row<SIDE, M> for Products {
    #[inline(always)]
    fn row(x: [f32; SIDE]) -> [f32; M] {
        // for even powers and for odd ones
        let p = [x[1] + x[2], x[1] - x[2]];
        let q = [x[3] + x[4], x[3] - x[4]];
        let mut y = [0.0; M];
        for (i, y) in y.iter_mut().enumerate() {
            *y = p[i % 2] * P.powi(i as i32) + q[i % 2] * Q.powi(i as i32);
        }
        y[0] += x[0];
        y[M - 1] += x[5];
        y
    }
}

/// Transforms a square that `load` reads, along its columns and then along its rows, for `store` to keep; both are given
/// row and column. `columns` is what lies between: the caller's, so that it is not cleared for every square.
#[inline(always)]
pub(super) fn square<F: Row<FROM, TO>, const FROM: usize, const TO: usize>(
    _: F,
    columns: &mut [[Lanes; FROM]; TO],
    load: impl Fn(usize, usize) -> Lanes,
    mut store: impl FnMut(usize, usize, Lanes),
) {
    for j in 0..FROM {
        let mut column = [Lanes::ZERO; FROM];
        for (i, x) in column.iter_mut().enumerate() {
            *x = load(i, j);
        }
        let column: [Lanes; TO] = lanes::<F, FROM, TO>(&column);
        for (row, x) in columns.iter_mut().zip(column) {
            row[j] = x;
        }
    }
    for (i, row) in columns.iter().enumerate() {
        for (j, x) in lanes::<F, FROM, TO>(row).into_iter().enumerate() {
            store(i, j, x);
        }
    }
}

#[inline(always)]
fn lanes<F: Row<FROM, TO>, const FROM: usize, const TO: usize>(x: &[Lanes; FROM]) -> [Lanes; TO] {
    let mut y = [Lanes::ZERO; TO];
    for lane in 0..LANES {
        let mut row = [0.0; FROM];
        for (to, x) in row.iter_mut().zip(x) {
            *to = x.0[lane];
        }
        for (y, v) in y.iter_mut().zip(F::row(row)) {
            y.0[lane] = v;
        }
    }
    y
}
