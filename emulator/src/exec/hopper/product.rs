//! The arithmetic of `wgmma`: 16 rows of D for a warp. Sums go along k from D on, or against it and truncated, as those of
//! `mma` do here.

use super::descriptor::ROW;
use crate::exec::half::{narrow_f16, widen_bf16, widen_f16};
use crate::exec::rounding::{self, Rounding};

/// Rows of A and D that a warp has.
pub const A_ROWS: usize = 16;

/// Types of the factors and of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// f16 to f32, f16 to f16.
    F16,
    F16ToF16,
    Bf16,
    Tf32,
    /// 8-bit integers; whether A and B have signs.
    Int {
        a: bool,
        b: bool,
    },
}

impl Form {
    /// The form of a number that `number` gave.
    pub fn of(number: u8) -> Form {
        match number {
            0 => Form::F16,
            1 => Form::F16ToF16,
            2 => Form::Bf16,
            3 => Form::Tf32,
            n => Form::Int {
                a: n & 1 != 0,
                b: n & 2 != 0,
            },
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Form::F16 => 0,
            Form::F16ToF16 => 1,
            Form::Bf16 => 2,
            Form::Tf32 => 3,
            Form::Int { a, b } => 4 | u8::from(a) | u8::from(b) << 1,
        }
    }
}

/// D += A B. `a` and `b` are rows of 32 bytes along k; `sums` the registers of D, 32 lanes each.
#[inline(always)]
pub fn multiply(
    form: Form,
    a: &[u8],
    b: &[u8],
    negated: u8,
    saturate: bool,
    backward: bool,
    sums: &mut [u32],
) {
    if let Form::Int { a: sa, b: sb } = form {
        return integers(a, b, (sa, sb), saturate, sums);
    }
    let columns = b.len() / ROW;
    let (fa, fb) = (
        floats(form, a, negated & 1 != 0),
        floats(form, b, negated & 2 != 0),
    );
    let depth = fa.len() / A_ROWS;
    // B with its columns along memory
    let mut turned = vec![0f32; fb.len()];
    for n in 0..columns {
        for k in 0..depth {
            turned[k * columns + n] = fb[n * depth + k];
        }
    }
    let mut line = vec![0f32; columns];
    for row in 0..A_ROWS {
        for (n, sum) in line.iter_mut().enumerate() {
            *sum = read(form, sums, row, n);
        }
        for step in 0..depth {
            let k = if backward { depth - 1 - step } else { step };
            let factor = fa[row * depth + k];
            let others = &turned[k * columns..(k + 1) * columns];
            let sums = line.iter_mut().zip(others);
            if backward {
                sums.for_each(|(sum, b)| *sum = rounding::fma(factor, *b, *sum, Rounding::Zero));
            } else {
                sums.for_each(|(sum, b)| *sum = factor.mul_add(*b, *sum));
            }
        }
        for (n, sum) in line.iter().enumerate() {
            write(form, sums, row, n, *sum);
        }
    }
}

#[inline(always)]
fn floats(form: Form, bytes: &[u8], negated: bool) -> Vec<f32> {
    let sign = if negated { -1.0 } else { 1.0 };
    if form == Form::Tf32 {
        let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) & 0xFFFF_E000;
        return bytes
            .chunks_exact(4)
            .map(|b| sign * f32::from_bits(word(b)))
            .collect();
    }
    let half = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    let halves = bytes.chunks_exact(2).map(half);
    if form == Form::Bf16 {
        halves.map(|h| sign * widen_bf16(h)).collect()
    } else {
        halves.map(|h| sign * widen_f16(h)).collect()
    }
}

/// Register and lane of an element of D ("Register Fragments", D), for sums of 32 bits.
#[inline(always)]
fn place(row: usize, column: usize) -> (usize, usize) {
    let register = column / 8 * 4 + row / 8 * 2 + column % 2;
    (register, row % 8 * 4 + column % 8 / 2)
}

#[inline(always)]
fn read(form: Form, sums: &[u32], row: usize, column: usize) -> f32 {
    let (register, lane) = place(row, column);
    if form == Form::F16ToF16 {
        let pair = sums[register / 2 * 32 + lane];
        return widen_f16((pair >> (16 * (register % 2))) as u16);
    }
    f32::from_bits(sums[register * 32 + lane])
}

#[inline(always)]
fn write(form: Form, sums: &mut [u32], row: usize, column: usize, value: f32) {
    let (register, lane) = place(row, column);
    if form == Form::F16ToF16 {
        let (pair, at) = (&mut sums[register / 2 * 32 + lane], 16 * (register % 2));
        *pair = *pair & !(0xFFFF << at) | u32::from(narrow_f16(value)) << at;
        return;
    }
    let bits = if value.is_nan() {
        0x7FFF_FFFF
    } else {
        value.to_bits()
    };
    sums[register * 32 + lane] = bits;
}

fn integers(a: &[u8], b: &[u8], signs: (bool, bool), saturate: bool, sums: &mut [u32]) {
    let value = |byte: u8, signed: bool| {
        if signed {
            i32::from(byte as i8)
        } else {
            i32::from(byte)
        }
    };
    for (row, a) in a.chunks_exact(ROW).enumerate() {
        for (n, b) in b.chunks_exact(ROW).enumerate() {
            let products = a.iter().zip(b);
            let sum: i32 = products
                .map(|(a, b)| value(*a, signs.0) * value(*b, signs.1))
                .sum();
            let (register, lane) = place(row, n);
            let d = &mut sums[register * 32 + lane];
            let old = *d as i32;
            *d = if saturate {
                old.saturating_add(sum)
            } else {
                old.wrapping_add(sum)
            } as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_against_k_are_truncated() {
        // 1 + 16 * 1.5 * 2^-24: to nearest each step is a unit more, truncated none is; f16 0x0E00 is 1.5 * 2^-12
        let factors = |bits: u16, rows: usize| bits.to_le_bytes().repeat(16 * rows);
        let (a, b) = (factors(0x0E00, A_ROWS), factors(0x0C00, 8));
        let one = 1f32.to_bits();
        for (backward, sum) in [(false, one + 16), (true, one)] {
            let mut sums = [one; 4 * 32];
            multiply(Form::F16, &a, &b, 0, false, backward, &mut sums);
            assert_eq!(sums, [sum; 4 * 32]);
        }
    }
}
