//! From the bits of a block to numbers.

pub use crate::exec::half::{narrow_f16 as to_f16, widen_bf16 as from_bf16, widen_f16 as from_f16};

/// The numbers of a block: 8 rows.
pub type Rows<T, const P: usize> = [[T; P]; 8];

/// What Tensor Cores see of a 32-bit register that should hold tf32: its upper 19 bits.
#[inline(always)]
pub fn from_tf32(bits: u32) -> f32 {
    f32::from_bits(bits & 0xFFFF_E000)
}

/// `out[k][n]` of `rows[n][k]`.
#[inline(always)]
pub fn transpose<T: Copy + Default, const P: usize>(rows: &Rows<T, P>) -> [[T; 8]; P] {
    let mut out = [[T::default(); 8]; P];
    for (k, line) in out.iter_mut().enumerate() {
        for (n, value) in line.iter_mut().enumerate() {
            *value = rows[n][k];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f16_by_definition(bits: u16) -> f64 {
        let (e, m) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3FF));
        let magnitude = match e {
            0 => m * (-24f64).exp2(),
            31 if m == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1024.0 + m) * f64::from(e - 25).exp2(),
        };
        if bits >> 15 != 0 {
            -magnitude
        } else {
            magnitude
        }
    }

    #[test]
    fn every_f16_becomes_its_value_and_comes_back() {
        for bits in 0..=u16::MAX {
            let (value, expected) = (from_f16(bits), f16_by_definition(bits));
            if expected.is_nan() {
                assert!(value.is_nan() && to_f16(value) == 0x7FFF, "{bits:#x}");
            } else {
                assert_eq!(f64::from(value).to_bits(), expected.to_bits(), "{bits:#x}");
                assert_eq!(to_f16(value), bits);
            }
        }
    }

    #[test]
    fn between_two_f16_the_nearest_is_taken_and_of_equals_the_even() {
        for bits in 0..0x7BFFu16 {
            let (low, high) = (from_f16(bits), from_f16(bits + 1));
            let middle = (low + high) / 2.0;
            assert_eq!(to_f16(middle), bits + (bits & 1), "{bits:#x}");
            assert_eq!(to_f16(f32::from_bits(middle.to_bits() - 1)), bits);
            assert_eq!(to_f16(f32::from_bits(middle.to_bits() + 1)), bits + 1);
            assert_eq!(to_f16(-middle), 0x8000 | (bits + (bits & 1)));
        }
        assert_eq!(to_f16(65519.99), 0x7BFF);
        assert_eq!(to_f16(65520.0), 0x7C00);
        assert_eq!(to_f16(f32::MAX), 0x7C00);
        assert_eq!(to_f16(f32::MIN_POSITIVE), 0);
    }

    #[test]
    fn bf16_and_tf32_are_the_top_of_an_f32() {
        assert_eq!(from_bf16(0x3FC0), 1.5);
        assert_eq!(from_tf32(0x3FC0_1FFF), 1.5);
        assert_eq!(from_tf32(0x3FC0_2000), 1.5 + (-10f32).exp2());
    }
}
