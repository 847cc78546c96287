//! Several numbers in one word: dot products, pairs of 16 bits.

use crate::exec::handler::{Fn2, lanes};

lanes! {
    /// `dp4a`; `m` is bit 0 first signed, bit 1 second signed.
    Dp4a [m] (a: u32, b: u32, c: u32) -> u32 {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        let mut sum = c;
        for i in 0..4 {
            let x = if m & 1 != 0 { i32::from(a[i] as i8) } else { i32::from(a[i]) };
            let y = if m & 2 != 0 { i32::from(b[i] as i8) } else { i32::from(b[i]) };
            sum = sum.wrapping_add((x * y) as u32);
        }
        sum
    }
    /// `dp2a`; as `Dp4a`, bit 2 for the high half of the second.
    Dp2a [m] (a: u32, b: u32, c: u32) -> u32 {
        let b = if m & 4 != 0 { b >> 16 } else { b };
        let mut sum = c;
        for i in 0..2 {
            let (a, b) = ((a >> (16 * i)) as u16, (b >> (8 * i)) as u8);
            let x = if m & 1 != 0 { i32::from(a as i16) } else { i32::from(a) };
            let y = if m & 2 != 0 { i32::from(b as i8) } else { i32::from(b) };
            sum = sum.wrapping_add(x.wrapping_mul(y) as u32);
        }
        sum
    }
}

macro_rules! pairs {
    ($($name:ident ($a:ident, $b:ident) $t:ident $value:expr;)*) => {$(
        pub struct $name;
        impl Fn2 for $name {
            type A = u32; type B = u32; type D = u32;
            #[inline(always)]
            fn f(_: u8, a: u32, b: u32) -> u32 {
                let half = |s: u32| { let ($a, $b) = ((a >> s) as $t, (b >> s) as $t); u32::from($value as u16) << s };
                half(0) | half(16)
            }
        }
    )*};
}

pairs! {
    Add16x2(a, b) u16 a.wrapping_add(b);
    MinU16x2(a, b) u16 a.min(b);
    MaxU16x2(a, b) u16 a.max(b);
    MinS16x2(a, b) i16 a.min(b);
    MaxS16x2(a, b) i16 a.max(b);
}
