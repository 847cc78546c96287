//! Numbers to compute with: random ones, halves, and how near is near enough.

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// From -1 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit() as f32).collect()
    }

    /// Whole numbers from -`most` to `most`.
    pub fn whole(&mut self, count: usize, most: i64) -> Vec<i64> {
        (0..count)
            .map(|_| self.below(2 * most as u64 + 1) as i64 - most)
            .collect()
    }
}

/// The half nearest to a number, ties to even; overflow to infinity.
pub fn half(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let a = x.abs();
    if a >= 65520.0 {
        return sign | 0x7c00;
    }
    // one unit in the last place of numbers of this size
    let exponent = (((a.to_bits() >> 52) as i32) - 1023).max(-14);
    let units = (a / 2f64.powi(exponent - 10)).round_ties_even() as u16;
    // a carry goes on into the exponent, as it should
    sign | ((((exponent + 14) as u16) << 10) + units)
}

/// A half's value.
pub fn value(half: u16) -> f64 {
    let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023));
    let a = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(e - 25),
    };
    if half >> 15 == 1 { -a } else { a }
}

/// `got` within `tolerance(index, right)` of what is right; NaN never is.
pub fn near<T: Copy + Into<f64>>(got: &[T], right: &[f64], tolerance: impl Fn(usize, f64) -> f64) {
    assert_eq!(got.len(), right.len());
    for (at, (&got, &right)) in got.iter().zip(right).enumerate() {
        let (got, most): (f64, f64) = (got.into(), tolerance(at, right));
        let off = (got - right).abs();
        assert!(
            off <= most,
            "element {at}: {got} is off {right} by {off:e}, more than {most:e}"
        );
    }
}

#[test]
fn halves_round_to_nearest_even() {
    for bits in 0..0x7c00 {
        assert_eq!(half(value(bits)), bits);
        assert_eq!(half(-value(bits)), bits | 0x8000);
        let (low, high) = (value(bits), value(bits + 1).min(65536.0));
        let middle = (low + high) / 2.0;
        assert_eq!(half(middle), bits + (bits & 1), "{bits:#x}");
        assert_eq!(half(middle - (high - low) / 64.0), bits);
        assert_eq!(half(middle + (high - low) / 64.0), bits + 1);
    }
}
