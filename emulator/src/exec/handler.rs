//! From a type that says what an instruction does to the function that does it.
//!
//! On x86-64 every instruction is compiled for a processor with AVX2 and FMA, or, where the machine that builds has them not or
//! `CUDA_EMULATOR_PROCESSOR=any` asks for it, for any (`build.rs`); never for both, since instructions are most of what the
//! crate takes to compile. All that an instruction calls must be inlined, or it loses the wider vectors.

use super::state::{Context, Flow, Inst, Lane, Run, column};
use std::marker::PhantomData;

/// An instruction.
pub trait Op {
    /// Executes it for the active lanes.
    fn run(context: &mut Context<'_>, inst: &Inst) -> Flow;
}

/// Whether this processor can execute the instructions as they were compiled.
pub fn supported() -> bool {
    #[cfg(all(target_arch = "x86_64", not(processor = "plain")))]
    return is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi2");
    #[cfg(not(all(target_arch = "x86_64", not(processor = "plain"))))]
    true
}

/// Why not.
pub const UNSUPPORTED: &str = "this processor lacks AVX2, FMA, F16C or BMI2: build cuda-emulator on it, or with CUDA_EMULATOR_PROCESSOR=any";

/// The instruction that a type describes.
#[cfg(not(test))]
pub fn select<O: Op>() -> Run {
    run::<O>
}

/// Unit tests execute nothing: they are compiled without the instructions, as long as these take.
#[cfg(test)]
pub fn select<O: Op>() -> Run {
    unsafe fn none(_: &mut Context<'_>, _: &Inst) -> Flow {
        panic!("an instruction in a unit test: see tests/engine");
    }
    none
}

#[cfg(not(test))]
#[cfg_attr(
    all(target_arch = "x86_64", not(processor = "plain")),
    target_feature(enable = "avx2,fma,f16c,bmi2")
)]
unsafe fn run<O: Op>(context: &mut Context<'_>, inst: &Inst) -> Flow {
    O::run(context, inst)
}

/// A function of one lane's operands; `m` is the instruction's first modifier byte.
pub trait Fn1 {
    type A: Lane;
    type D: Lane;
    fn f(m: u8, a: Self::A) -> Self::D;
}

/// As `Fn1`, with two operands.
pub trait Fn2 {
    type A: Lane;
    type B: Lane;
    type D: Lane;
    fn f(m: u8, a: Self::A, b: Self::B) -> Self::D;
}

/// As `Fn1`, with three operands.
pub trait Fn3 {
    type A: Lane;
    type B: Lane;
    type C: Lane;
    type D: Lane;
    fn f(m: u8, a: Self::A, b: Self::B, c: Self::C) -> Self::D;
}

/// A comparison.
pub trait Test {
    type A: Lane;
    fn f(m: u8, a: Self::A, b: Self::A) -> bool;
}

/// `d = f(a)` in every lane.
pub struct Map1<F>(PhantomData<F>);
/// `d = f(a, b)` in every lane.
pub struct Map2<F>(PhantomData<F>);
/// `d = f(a, b, c)` in every lane.
pub struct Map3<F>(PhantomData<F>);

impl<F: Fn1> Op for Map1<F> {
    #[inline(always)]
    fn run(context: &mut Context<'_>, inst: &Inst) -> Flow {
        let m = inst.m[0];
        let a = context.row::<F::A>(inst.r[1]);
        let d = column!(context.width, l => F::f(m, a.get(l)));
        context.set(inst.r[0], &d);
        Flow::Next
    }
}

impl<F: Fn2> Op for Map2<F> {
    #[inline(always)]
    fn run(context: &mut Context<'_>, inst: &Inst) -> Flow {
        let m = inst.m[0];
        let (a, b) = (
            context.row::<F::A>(inst.r[1]),
            context.row::<F::B>(inst.r[2]),
        );
        let d = column!(context.width, l => F::f(m, a.get(l), b.get(l)));
        context.set(inst.r[0], &d);
        Flow::Next
    }
}

impl<F: Fn3> Op for Map3<F> {
    #[inline(always)]
    fn run(context: &mut Context<'_>, inst: &Inst) -> Flow {
        let m = inst.m[0];
        let (a, b) = (
            context.row::<F::A>(inst.r[1]),
            context.row::<F::B>(inst.r[2]),
        );
        let c = context.row::<F::C>(inst.r[3]);
        let d = column!(context.width, l => F::f(m, a.get(l), b.get(l), c.get(l)));
        context.set(inst.r[0], &d);
        Flow::Next
    }
}

/// Declares functions of lanes: `pub Add(a: u32, b: u32) -> u32 { a.wrapping_add(b) }`, with `m` the modifier byte.
macro_rules! lanes {
    () => {};
    ($(#[$doc:meta])* $name:ident [$m:ident] ($a:ident: $A:ty) -> $D:ty $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name;
        impl $crate::exec::handler::Fn1 for $name {
            type A = $A; type D = $D;
            #[inline(always)]
            fn f($m: u8, $a: $A) -> $D $body
        }
        lanes!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident [$m:ident] ($a:ident: $A:ty, $b:ident: $B:ty) -> $D:ty $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name;
        impl $crate::exec::handler::Fn2 for $name {
            type A = $A; type B = $B; type D = $D;
            #[inline(always)]
            fn f($m: u8, $a: $A, $b: $B) -> $D $body
        }
        lanes!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident [$m:ident] ($a:ident: $A:ty, $b:ident: $B:ty, $c:ident: $C:ty) -> $D:ty $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name;
        impl $crate::exec::handler::Fn3 for $name {
            type A = $A; type B = $B; type C = $C; type D = $D;
            #[inline(always)]
            fn f($m: u8, $a: $A, $b: $B, $c: $C) -> $D $body
        }
        lanes!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident ($($arg:tt)*) -> $D:ty $body:block $($rest:tt)*) => {
        lanes!($(#[$doc])* $name [_m] ($($arg)*) -> $D $body $($rest)*);
    };
}
pub(crate) use lanes;
