//! The numbers that `mma` multiplies: from registers to blocks and back.

use super::blocks::{join, recast, split};
use super::mma::{Class, Factor, kind, modifier};
use super::multiply::{Bits, Double, Integer, Single};
use super::numbers::{Rows, from_bf16, from_f16, from_tf32, to_f16};
use crate::exec::state::{Context, Inst};

/// f16 and bf16, summed in f32; D of f16 is rounded once.
pub struct Half;

impl Class<8> for Half {
    type Arithmetic = Single;
    type Register = u32;
    #[inline(always)]
    fn arithmetic(_: &Inst) -> Single {
        Single
    }
    #[inline(always)]
    fn factors(register: [u32; 32], kind: u8) -> Rows<f32, 8> {
        let bits: [u16; 64] = recast(&register);
        let mut out = [0f32; 64];
        if kind == kind::F16 {
            for (out, bits) in out.iter_mut().zip(bits) {
                *out = from_f16(bits);
            }
        } else {
            for (out, bits) in out.iter_mut().zip(bits) {
                *out = from_bf16(bits);
            }
        }
        recast(&out)
    }
    #[inline(always)]
    fn registers(kind: u8) -> usize {
        if kind == kind::F16 { 1 } else { 2 }
    }
    #[inline(always)]
    fn read(c: &Context<'_>, offsets: &[u32], kind: u8) -> Rows<f32, 8> {
        if kind == kind::F16 {
            return Half::factors(c.row(offsets[0]).all(), kind);
        }
        join(
            &c.row::<f32>(offsets[0]).all(),
            &c.row::<f32>(offsets[1]).all(),
        )
    }
    #[inline(always)]
    fn write(c: &mut Context<'_>, offsets: &[u32], kind: u8, block: &Rows<f32, 8>) {
        if kind == kind::F16 {
            let numbers: [f32; 64] = recast(block);
            c.set::<u32>(offsets[0], &recast(&numbers.map(to_f16)));
            return;
        }
        for (offset, values) in offsets.iter().zip(split(block)) {
            c.set(*offset, &values);
        }
    }
}

/// tf32, summed in f32.
pub struct Tf32;

impl Class<4> for Tf32 {
    type Arithmetic = Single;
    type Register = u32;
    #[inline(always)]
    fn arithmetic(_: &Inst) -> Single {
        Single
    }
    #[inline(always)]
    fn factors(register: [u32; 32], _: u8) -> Rows<f32, 4> {
        recast(&register.map(from_tf32))
    }
    #[inline(always)]
    fn registers(_: u8) -> usize {
        2
    }
    #[inline(always)]
    fn read(c: &Context<'_>, offsets: &[u32], _: u8) -> Rows<f32, 8> {
        Half::read(c, offsets, kind::F32)
    }
    #[inline(always)]
    fn write(c: &mut Context<'_>, offsets: &[u32], _: u8, block: &Rows<f32, 8>) {
        Half::write(c, offsets, kind::F32, block);
    }
}

/// f64.
pub struct Float64;

impl Class<4> for Float64 {
    type Arithmetic = Double;
    type Register = f64;
    #[inline(always)]
    fn arithmetic(_: &Inst) -> Double {
        Double
    }
    #[inline(always)]
    fn factors(register: [f64; 32], _: u8) -> Rows<f64, 4> {
        recast(&register)
    }
    #[inline(always)]
    fn registers(_: u8) -> usize {
        2
    }
    #[inline(always)]
    fn read(c: &Context<'_>, offsets: &[u32], _: u8) -> Rows<f64, 8> {
        join(
            &c.row::<f64>(offsets[0]).all(),
            &c.row::<f64>(offsets[1]).all(),
        )
    }
    #[inline(always)]
    fn write(c: &mut Context<'_>, offsets: &[u32], _: u8, block: &Rows<f64, 8>) {
        for (offset, values) in offsets.iter().zip(split(block)) {
            c.set(*offset, &values);
        }
    }
}

fn read_integers(c: &Context<'_>, offsets: &[u32]) -> Rows<i32, 8> {
    join(
        &c.row::<i32>(offsets[0]).all(),
        &c.row::<i32>(offsets[1]).all(),
    )
}

fn write_integers(c: &mut Context<'_>, offsets: &[u32], block: &Rows<i32, 8>) {
    for (offset, values) in offsets.iter().zip(split(block)) {
        c.set(*offset, &values);
    }
}

macro_rules! integers {
    ($(#[$doc:meta])* $name:ident, $p:literal, $arithmetic:ty, $new:expr, $factors:expr) => {
        $(#[$doc])*
        pub struct $name;

        impl Class<$p> for $name {
            type Arithmetic = $arithmetic;
            type Register = u32;
            #[inline(always)]
            fn arithmetic(i: &Inst) -> $arithmetic {
                $new(i.m[modifier::C] != 0)
            }
            #[inline(always)]
            fn factors(register: [u32; 32], kind: u8) -> Rows<Factor<Self, $p>, $p> {
                $factors(register, kind == kind::SIGNED)
            }
            #[inline(always)]
            fn registers(_: u8) -> usize {
                2
            }
            #[inline(always)]
            fn read(c: &Context<'_>, offsets: &[u32], _: u8) -> Rows<i32, 8> {
                read_integers(c, offsets)
            }
            #[inline(always)]
            fn write(c: &mut Context<'_>, offsets: &[u32], _: u8, block: &Rows<i32, 8>) {
                write_integers(c, offsets, block);
            }
        }
    };
}

integers!(
    /// s8 and u8.
    Int8, 16, Integer, |saturate| Integer { saturate }, bytes
);
integers!(
    /// s4 and u4.
    Int4, 32, Integer, |saturate| Integer { saturate }, nibbles
);
integers!(
    /// b1.
    Bit, 1, Bits, |and| Bits { and }, |register: [u32; 32], _| recast(&register)
);

#[inline(always)]
fn bytes(register: [u32; 32], signed: bool) -> Rows<i32, 16> {
    let bytes: [u8; 128] = recast(&register);
    recast(&if signed {
        bytes.map(|b| i32::from(b as i8))
    } else {
        bytes.map(i32::from)
    })
}

#[inline(always)]
fn nibbles(register: [u32; 32], signed: bool) -> Rows<i32, 32> {
    let mut out = [0i32; 256];
    for (e, out) in out.iter_mut().enumerate() {
        let top = register[e / 8] << (28 - 4 * (e % 8));
        *out = if signed {
            top as i32 >> 28
        } else {
            (top >> 28) as i32
        };
    }
    recast(&out)
}
