//! The SIMD video instructions: bytes or halves of words, merged or summed (PTX ISA, "Video Instructions").

use crate::exec::handler::Fn3;

/// Bits of the modifier: which operation is in the lowest three.
pub mod video {
    pub const ADD: u8 = 0;
    pub const SUB: u8 = 1;
    pub const AVERAGE: u8 = 2;
    pub const DIFFERENCE: u8 = 3;
    pub const MIN: u8 = 4;
    pub const MAX: u8 = 5;
    pub const OPERATION: u8 = 7;
    pub const SIGNED_A: u8 = 8;
    pub const SIGNED_B: u8 = 16;
    pub const SIGNED_D: u8 = 32;
    pub const SATURATES: u8 = 64;
    /// The results are added to the third operand, not put together.
    pub const SUMS: u8 = 128;
}
use video::*;

/// `vadd2`, `vadd4` and their like, on so many parts of a word.
pub struct Video<const PARTS: u32>;

impl<const PARTS: u32> Fn3 for Video<PARTS> {
    type A = u32;
    type B = u32;
    type C = u32;
    type D = u32;

    fn f(m: u8, a: u32, b: u32, c: u32) -> u32 {
        let width = 32 / PARTS;
        let mask = u32::MAX >> (32 - width);
        let part = |word: u32, i: u32, signed: bool| {
            let part = word >> (width * i) & mask;
            if signed {
                (part << (32 - width)) as i32 >> (32 - width)
            } else {
                part as i32
            }
        };
        let (least, most) = if m & SIGNED_D != 0 {
            (-(1 << (width - 1)), (1 << (width - 1)) - 1)
        } else {
            (0, mask as i32)
        };
        let (mut merged, mut sum) = (0, c);
        for i in 0..PARTS {
            let (a, b) = (part(a, i, m & SIGNED_A != 0), part(b, i, m & SIGNED_B != 0));
            let mut t = match m & OPERATION {
                ADD => a + b,
                SUB => a - b,
                AVERAGE => (a + b + i32::from(a + b >= 0)) >> 1,
                DIFFERENCE => (a - b).abs(),
                MIN => a.min(b),
                _ => a.max(b),
            };
            if m & SATURATES != 0 {
                t = t.clamp(least, most);
            }
            merged |= (t as u32 & mask) << (width * i);
            sum = sum.wrapping_add(t as u32);
        }
        if m & SUMS != 0 { sum } else { merged }
    }
}
