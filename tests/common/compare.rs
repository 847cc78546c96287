//! The one comparator. It passes what is within tolerance, not what fails to be outside: NaN never passes for a
//! number, and an unwritten NaN never passes for a result.

use approx::relative_eq;
use warpsmith::Float;

/// `|got - want| <= abs + rel * |want|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub abs: f64,
    pub rel: f64,
}

/// Half a unit in the last place of 1: the most that rounding errs by, relative to the value.
fn rounding<T: Float>() -> f64 {
    f64::from(T::EPSILON) / 2.0
}

impl Tolerance {
    /// For a result that is computed in f32 with `steps` roundings and then rounded to `T`.
    ///
    /// The error of a sum of `steps` terms grows like the root of `steps` where signs are mixed; four times that is
    /// far from what a wrong index does. Errors relative to a term that cancelled are absorbed by `scale`, the size
    /// of the largest intermediate value.
    pub fn of<T: Float>(steps: usize, scale: f64) -> Self {
        let unit = rounding::<f32>();
        let computed = 4.0 * unit * (steps.max(1) as f64).sqrt();
        let stored = rounding::<T>();
        // half-precision results on either side of a rounding boundary differ by one whole unit
        let rel = computed + if T::NAME == "f32" { 0.0 } else { 2.0 * stored };
        // below f16's normal numbers a unit is this, however small the number; f32's and bf16's are far below any tolerance
        let subnormal = if T::NAME == "f16" {
            2_f64.powi(-24)
        } else {
            0.0
        };
        Self {
            abs: scale * computed + subnormal,
            rel,
        }
    }

    /// Bit for bit, up to the sign of zero.
    pub const EXACT: Self = Self { abs: 0.0, rel: 0.0 };
}

/// Whether one element passes: as `approx` has it, or NaN where NaN is wanted.
fn passes(got: f64, want: f64, allowed: f64) -> bool {
    let nan = got.is_nan() && want.is_nan();
    nan || relative_eq!(got, want, epsilon = allowed, max_relative = 0.0)
}

/// Compares element by element; the error tells the worst place and by how much it misses.
pub fn compare(got: &[f64], want: &[f64], tolerance: Tolerance) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!(
            "{} elements where {} are wanted",
            got.len(),
            want.len()
        ));
    }
    let missing = got
        .iter()
        .zip(want)
        .enumerate()
        .filter_map(|(i, (&got, &want))| {
            let allowed = tolerance.abs + tolerance.rel * want.abs();
            let share = (got - want).abs() / allowed;
            // what is not finite could not miss by more
            let share = if share.is_finite() {
                share
            } else {
                f64::INFINITY
            };
            (!passes(got, want, allowed)).then_some((i, share))
        });
    match missing.reduce(|worst, next| if next.1 > worst.1 { next } else { worst }) {
        None => Ok(()),
        Some((i, share)) => Err(format!(
            "at {i}: got {:e}, want {:e}: {:.0} % of the tolerance (abs {:e}, rel {:e})",
            got[i],
            want[i],
            100.0 * share,
            tolerance.abs,
            tolerance.rel
        )),
    }
}

/// Panics, naming `what`, unless the two agree.
#[track_caller]
pub fn assert_close<T: Float, U: Float>(what: &str, got: &[T], want: &[U], tolerance: Tolerance) {
    let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|v| f64::from(v.to_f32())).collect() };
    let wide_want: Vec<f64> = want.iter().map(|v| f64::from(v.to_f32())).collect();
    if let Err(message) = compare(&wide(got), &wide_want, tolerance) {
        panic!("{what}: {message}");
    }
}

/// [`assert_close`] against a reference in f64.
#[track_caller]
pub fn assert_close_f64<T: Float>(what: &str, got: &[T], want: &[f64], tolerance: Tolerance) {
    let wide: Vec<f64> = got.iter().map(|v| f64::from(v.to_f32())).collect();
    if let Err(message) = compare(&wide, want, tolerance) {
        panic!("{what}: {message}");
    }
}
