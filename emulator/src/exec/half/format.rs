//! The two formats, to f32 and back.

use crate::exec::rounding::odd;

/// The NaN that f16 and bf16 instructions give.
pub const NAN16: u16 = 0x7FFF;

/// f16 to f32, exactly.
#[inline(always)]
pub fn widen_f16(h: u16) -> f32 {
    let bits = u32::from(h & 0x7FFF) << 13;
    // moves the exponent's bias, and makes denormals normal, by one exact multiplication
    let value = f32::from_bits(bits) * f32::from_bits((254 - 15) << 23);
    let special = u32::from(h & 0x7C00 == 0x7C00) * 0x7F80_0000;
    f32::from_bits(value.to_bits() | special | u32::from(h & 0x8000) << 16)
}

/// f16 to f32, a denormal as zero if `ftz`.
#[inline(always)]
pub fn widen_flushed(h: u16, ftz: bool) -> f32 {
    widen_f16(if ftz && h & 0x7C00 == 0 {
        h & 0x8000
    } else {
        h
    })
}

/// f32 to f16, to nearest.
#[inline(always)]
pub fn narrow_f16(f: f32) -> u16 {
    let bits = f.to_bits();
    let (sign, magnitude) = ((bits >> 16 & 0x8000) as u16, bits & 0x7FFF_FFFF);
    // a denormal result: the addition of 1/2 in f32 rounds at the right place
    let small = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0.5f32.to_bits()) as u16;
    let rebiased = magnitude.wrapping_sub((127 - 15) << 23);
    let normal = (rebiased
        .wrapping_add(0xFFF)
        .wrapping_add(rebiased >> 13 & 1)
        >> 13) as u16;
    let value = if magnitude < 113 << 23 { small } else { normal };
    // from 65520 on it rounds to infinity
    let value = if magnitude >= 0x477F_F000 {
        0x7C00
    } else {
        value
    };
    if magnitude > 0x7F80_0000 {
        NAN16
    } else {
        sign | value
    }
}

/// bf16 to f32, exactly.
#[inline(always)]
pub fn widen_bf16(h: u16) -> f32 {
    f32::from_bits(u32::from(h) << 16)
}

/// f32 to bf16, to nearest.
#[inline(always)]
pub fn narrow_bf16(f: f32) -> u16 {
    let bits = f.to_bits();
    let rounded = (bits.wrapping_add(0x7FFF).wrapping_add(bits >> 16 & 1) >> 16) as u16;
    if f.is_nan() { NAN16 } else { rounded }
}

/// f64 and what it misses to f32 with the last bit set if anything is missing.
#[inline(always)]
pub fn odd_f32(value: f64, error: f64) -> f32 {
    let value = odd(value, error);
    let near = value as f32;
    let back = f64::from(near);
    if back == value || value.is_nan() {
        return near;
    }
    let down = if back.abs() > value.abs() {
        near.to_bits() - 1
    } else {
        near.to_bits()
    };
    f32::from_bits(down | 1)
}

/// A 16-bit format.
pub trait Format: 'static {
    fn widen(h: u16) -> f32;
    fn narrow(f: f32) -> u16;
    /// Flushes a denormal; bf16 has no such form.
    fn flush(h: u16) -> u16;
}

pub struct F16;
impl Format for F16 {
    #[inline(always)]
    fn widen(h: u16) -> f32 {
        widen_f16(h)
    }
    #[inline(always)]
    fn narrow(f: f32) -> u16 {
        narrow_f16(f)
    }
    #[inline(always)]
    fn flush(h: u16) -> u16 {
        if h & 0x7C00 == 0 { h & 0x8000 } else { h }
    }
}

pub struct Bf16;
impl Format for Bf16 {
    #[inline(always)]
    fn widen(h: u16) -> f32 {
        widen_bf16(h)
    }
    #[inline(always)]
    fn narrow(f: f32) -> u16 {
        narrow_bf16(f)
    }
    #[inline(always)]
    fn flush(h: u16) -> u16 {
        if h & 0x7F80 == 0 { h & 0x8000 } else { h }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_goes_there_and_back() {
        for h in 0..=u16::MAX {
            let f = widen_f16(h);
            if h & 0x7FFF > 0x7C00 {
                assert!(f.is_nan());
                assert_eq!(narrow_f16(f), NAN16);
            } else {
                assert_eq!(narrow_f16(f), h);
                assert_eq!(
                    narrow_bf16(widen_bf16(h)),
                    if widen_bf16(h).is_nan() { NAN16 } else { h }
                );
            }
        }
    }

    #[test]
    fn ties_go_to_even_and_overflow_to_infinity() {
        assert_eq!(narrow_f16(1.0 + 1.0 / 2048.0), 0x3C00);
        assert_eq!(narrow_f16(1.0 + 3.0 / 2048.0), 0x3C02);
        assert_eq!(narrow_f16(65519.99), 0x7BFF);
        assert_eq!(narrow_f16(65520.0), 0x7C00);
        assert_eq!(narrow_f16(2f32.powi(-25)), 0);
        assert_eq!(narrow_f16(2f32.powi(-25) * 1.0001), 1);
        assert_eq!(narrow_f16(-(2f32.powi(-24))), 0x8001);
    }
}
