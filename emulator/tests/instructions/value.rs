//! Elements of buffers: their types, how they are written, and when two are alike.

use std::fmt;

/// A type such as `f32`, `s16`, `b64`, `f16`, `bf16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub bytes: usize,
    /// Bits of the exponent, where it is a floating-point type.
    exponent: Option<u32>,
}

/// How far an output may be from the expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    Exact,
    Ulp(u64),
    /// Powers of two.
    Relative(f64),
    Absolute(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Bits(u64),
    AnyNan,
}

impl Kind {
    pub fn parse(text: &str) -> Option<Kind> {
        let digits = text.trim_start_matches(|c: char| c.is_alphabetic());
        let bits: usize = digits.parse().ok()?;
        let exponent = match text {
            "f16" => Some(5),
            "bf16" | "f32" => Some(8),
            "f64" => Some(11),
            _ if matches!(&text[..1], "b" | "u" | "s") && matches!(bits, 8 | 16 | 32 | 64) => None,
            _ => return None,
        };
        Some(Kind {
            bytes: bits / 8,
            exponent,
        })
    }

    fn bits(self) -> u32 {
        self.bytes as u32 * 8
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// Integers as the type's own; 0x.., and PTX's 0f.. and 0d.. as bits; decimals with a point for f32 and f64.
    pub fn value(self, text: &str) -> Option<Value> {
        if text == "nan" {
            return self.exponent.map(|_| Value::AnyNan);
        }
        if let Some(hex) = text
            .strip_prefix("0x")
            .or(text.strip_prefix("0f"))
            .or(text.strip_prefix("0d"))
        {
            let bits = u64::from_str_radix(hex, 16).ok()?;
            return (bits & !self.mask() == 0).then_some(Value::Bits(bits));
        }
        let bits = match (self.exponent, self.bytes) {
            (Some(_), 4) => u64::from(text.parse::<f32>().ok()?.to_bits()),
            (Some(_), 8) => text.parse::<f64>().ok()?.to_bits(),
            (Some(_), _) => return None,
            (None, _) => text.parse::<i128>().ok()? as u64 & self.mask(),
        };
        Some(Value::Bits(bits))
    }

    fn is_nan(self, bits: u64) -> bool {
        let Some(exponent) = self.exponent else {
            return false;
        };
        let infinity = ((1 << exponent) - 1) << (self.bits() - 1 - exponent);
        bits & (self.mask() >> 1) > infinity
    }

    fn number(self, bits: u64) -> f64 {
        match self.bytes {
            4 => f64::from(f32::from_bits(bits as u32)),
            _ => f64::from_bits(bits),
        }
    }

    /// A number line on which neighbours differ by one.
    fn ordinal(self, bits: u64) -> i64 {
        let magnitude = (bits & (self.mask() >> 1)) as i64;
        if bits >> (self.bits() - 1) & 1 == 1 {
            -magnitude
        } else {
            magnitude
        }
    }

    pub fn alike(self, expected: Value, got: u64, tolerance: Tolerance) -> bool {
        let Value::Bits(expected) = expected else {
            return self.is_nan(got);
        };
        if expected == got {
            return true;
        }
        let (e, g) = (self.number(expected), self.number(got));
        let finite = e.is_finite() && g.is_finite();
        match tolerance {
            Tolerance::Exact => false,
            Tolerance::Ulp(most) => {
                finite && self.ordinal(expected).abs_diff(self.ordinal(got)) <= most
            }
            Tolerance::Relative(power) => finite && (e - g).abs() <= power.exp2() * e.abs(),
            Tolerance::Absolute(power) => finite && (e - g).abs() <= power.exp2(),
        }
    }
}

impl Tolerance {
    pub fn parse(text: &str) -> Option<Tolerance> {
        let (name, figure) = text.split_once('=')?;
        match name {
            "ulp" => figure.parse().ok().map(Tolerance::Ulp),
            "rel" => figure.parse().ok().map(Tolerance::Relative),
            "abs" => figure.parse().ok().map(Tolerance::Absolute),
            _ => None,
        }
    }
}

impl fmt::LowerHex for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bits(bits) => write!(f, "{bits:#x}"),
            Value::AnyNan => f.write_str("nan"),
        }
    }
}

#[test]
fn likeness_is_bitwise_unless_a_tolerance_is_given() {
    let f = Kind::parse("f32").unwrap();
    let one = Value::Bits(0x3f80_0000);
    assert!(
        f.alike(one, 0x3f80_0000, Tolerance::Exact) && !f.alike(one, 0x3f80_0001, Tolerance::Exact)
    );
    assert!(
        f.alike(one, 0x3f7f_ffff, Tolerance::Ulp(1))
            && !f.alike(one, 0x3f80_0002, Tolerance::Ulp(1))
    );
    assert!(f.alike(one, 0x3f80_0002, Tolerance::Relative(-22.0)));
    assert!(!f.alike(one, 0x3f80_0003, Tolerance::Relative(-22.0)));
    assert!(
        !f.alike(Value::Bits(0), 0x8000_0000, Tolerance::Exact),
        "-0 is not +0"
    );
    assert!(f.alike(Value::AnyNan, 0xffc0_0001, Tolerance::Exact));
    assert!(
        !f.alike(Value::AnyNan, 0x7f80_0000, Tolerance::Ulp(9)),
        "infinity is no NaN"
    );
    assert!(!f.alike(Value::Bits(0x7f80_0000), 0x7f7f_ffff, Tolerance::Ulp(9)));
}

#[test]
fn elements_are_read_as_their_type() {
    let read = |kind: &str, text: &str| Kind::parse(kind).unwrap().value(text);
    assert_eq!(read("s16", "-1"), Some(Value::Bits(0xffff)));
    assert_eq!(read("f32", "-2"), Some(Value::Bits(0xc000_0000)));
    assert_eq!(
        read("f64", "0d3ff0000000000000"),
        Some(Value::Bits(0x3ff0_0000_0000_0000))
    );
    assert_eq!(read("u8", "0x100"), None);
    assert_eq!(Kind::parse("u7"), None);
}
