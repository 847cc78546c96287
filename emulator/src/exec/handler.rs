//! From a type that says what an instruction does to the function that does it.
//!
//! Every instruction is compiled for the processor that builds it, with AVX2 and FMA or without (`build.rs`), or for both:
//! then the copy that runs is chosen when a module is decoded. All that an instruction calls must be inlined, or it loses
//! the wider copy's features.

use super::state::{Context, Flow, Inst, Lane, Run, column};
use std::marker::PhantomData;

/// An instruction.
pub trait Op {
    /// Executes it for the active lanes.
    fn run(context: &mut Context<'_>, inst: &Inst) -> Flow;
}

/// Whether this processor runs what this build has been compiled to.
pub fn is_supported() -> bool {
    !cfg!(processor = "avx2") || has_avx2()
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The copy of an instruction for this processor.
#[cfg(all(target_arch = "x86_64", processor = "avx2"))]
pub fn select<O: Op>() -> Run {
    assert!(is_supported(), "`cuInit` has refused such a processor");
    wide::<O>
}

/// The copy of an instruction for this processor.
#[cfg(all(
    target_arch = "x86_64",
    not(any(processor = "avx2", processor = "plain"))
))]
pub fn select<O: Op>() -> Run {
    if has_avx2() { wide::<O> } else { plain::<O> }
}

/// The copy of an instruction for this processor.
#[cfg(any(not(target_arch = "x86_64"), processor = "plain"))]
pub fn select<O: Op>() -> Run {
    plain::<O>
}

/// The same instruction at every check level.
pub fn same<O: Op>() -> [Run; 3] {
    [select::<O>(); 3]
}

#[cfg(all(target_arch = "x86_64", not(processor = "plain")))]
#[target_feature(enable = "avx2,fma,f16c,bmi2")]
unsafe fn wide<O: Op>(context: &mut Context<'_>, inst: &Inst) -> Flow {
    O::run(context, inst)
}

#[cfg(not(all(target_arch = "x86_64", processor = "avx2")))]
unsafe fn plain<O: Op>(context: &mut Context<'_>, inst: &Inst) -> Flow {
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
