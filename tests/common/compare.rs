//! The one comparator. It passes what is within tolerance, not what fails to be outside: NaN never passes for a
//! number, and an unwritten NaN never passes for a result.

use warpsmith::Float;

/// `|got - want| <= abs + rel * |want|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub abs: f64,
    pub rel: f64,
}

/// Bits of the significand that are rounded to: half a unit in the last place is `2^-bits`.
fn significand_bits<T: Float>() -> i32 {
    match T::NAME {
        "f16" => 11,
        "bf16" => 8,
        _ => 24,
    }
}

impl Tolerance {
    /// For a result that is computed in f32 with `steps` roundings and then rounded to `T`.
    ///
    /// The error of a sum of `steps` terms grows like the root of `steps` where signs are mixed; four times that is
    /// far from what a wrong index does. Errors relative to a term that cancelled are absorbed by `scale`, the size
    /// of the largest intermediate value.
    pub fn of<T: Float>(steps: usize, scale: f64) -> Self {
        let unit = f64::powi(2.0, -significand_bits::<f32>());
        let computed = 4.0 * unit * (steps.max(1) as f64).sqrt();
        let stored = f64::powi(2.0, -significand_bits::<T>());
        // half-precision results on either side of a rounding boundary differ by one whole unit
        let rel = computed + if T::NAME == "f32" { 0.0 } else { 2.0 * stored };
        Self {
            abs: scale * computed,
            rel,
        }
    }

    /// Bit for bit, up to the sign of zero.
    pub const EXACT: Self = Self { abs: 0.0, rel: 0.0 };
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
    let mut worst: Option<(usize, f64)> = None;
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let allowed = tolerance.abs + tolerance.rel * want.abs();
        let used = if got == want || (got.is_nan() && want.is_nan()) {
            0.0
        } else if got.is_finite() && want.is_finite() {
            (got - want).abs() / allowed
        } else {
            f64::INFINITY
        };
        // written so that a NaN counts as the worst
        if !worst.is_some_and(|(_, most)| used <= most) {
            worst = Some((i, used));
        }
    }
    match worst {
        Some((i, used)) if used.is_nan() || used > 1.0 => Err(format!(
            "at {i}: got {:e}, want {:e}: {:.0} % of the tolerance (abs {:e}, rel {:e})",
            got[i],
            want[i],
            100.0 * used,
            tolerance.abs,
            tolerance.rel
        )),
        _ => Ok(()),
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
