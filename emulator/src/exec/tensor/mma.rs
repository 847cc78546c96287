//! `mma` and `wmma.mma`.

use super::blocks::{Blocks, Tiling};
use super::converge::whole_warp;
use super::multiply::{Arithmetic, Ascending, Descending, Order};
use super::numbers::{Rows, transpose};
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Lane};
use std::marker::PhantomData;

/// Modifier bytes.
pub mod modifier {
    /// Blocks along m.
    pub const M: usize = 0;
    /// Blocks along n.
    pub const N: usize = 1;
    /// Blocks along k.
    pub const K: usize = 2;
    /// Which numbers A has: the kinds below.
    pub const A: usize = 3;
    /// Which numbers B has.
    pub const B: usize = 4;
    /// Which numbers C has; for integers whether D saturates, for bits whether they are anded.
    pub const C: usize = 5;
    /// Which numbers D has.
    pub const D: usize = 6;
}

/// Kinds of numbers of one width.
pub mod kind {
    pub const F16: u8 = 0;
    pub const BF16: u8 = 1;
    pub const F32: u8 = 2;
    pub const UNSIGNED: u8 = 0;
    pub const SIGNED: u8 = 1;
}

/// Most blocks of a matrix: m32 x k16 of f16.
const MOST: usize = 8;
/// Most blocks along k: m16n8k16 of f64.
const DEEPEST: usize = 4;

/// The operands of a multiplication: `P` factors to a block's row.
pub trait Class<const P: usize> {
    type Arithmetic: Arithmetic;
    /// A register of a factor.
    type Register: Lane;
    fn arithmetic(i: &Inst) -> Self::Arithmetic;
    fn factors(register: [Self::Register; 32], kind: u8) -> Rows<Factor<Self, P>, P>;
    /// Registers of a block of C or D.
    fn registers(kind: u8) -> usize;
    /// Block of C whose registers are at `offsets`.
    fn read(c: &Context<'_>, offsets: &[u32], kind: u8) -> Rows<Sum<Self, P>, 8>;
    /// Block of D whose registers are at `offsets`.
    fn write(c: &mut Context<'_>, offsets: &[u32], kind: u8, block: &Rows<Sum<Self, P>, 8>);
}

pub type Factor<C, const P: usize> = <<C as Class<P>>::Arithmetic as Arithmetic>::Factor;
type Sum<C, const P: usize> = <<C as Class<P>>::Arithmetic as Arithmetic>::Sum;

/// The pool has the registers of D, A, B and C from `a` on.
pub struct Multiply<C, const P: usize>(PhantomData<C>);

impl<C: Class<P>, const P: usize> Op for Multiply<C, P>
where
    [Factor<C, P>; P]: Default,
{
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        use modifier::{A, B, C as KIND_C, D as KIND_D, K, M, N};
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let t = Tiling {
            m: i.m[M].into(),
            n: i.m[N].into(),
            k: i.m[K].into(),
        };
        let pool = &c.launch.program.pool[i.a as usize..];
        let (of_c, of_d) = (C::registers(i.m[KIND_C]), C::registers(i.m[KIND_D]));
        let (d, pool) = pool.split_at(t.m * t.n * of_d);
        let (a, pool) = pool.split_at(t.m * t.k);
        let (b, pool) = pool.split_at(t.n * t.k);
        let c_offsets = &pool[..t.m * t.n * of_c];
        let mut left = Blocks::<Rows<Factor<C, P>, P>, MOST>::new();
        for offset in a {
            left.push(C::factors(c.row(*offset).all(), i.m[A]));
        }
        let mut right = Blocks::<[[Factor<C, P>; 8]; P], MOST>::new();
        for offset in b {
            right.push(transpose(&C::factors(c.row(*offset).all(), i.m[B])));
        }
        let (left, right) = (left.all(), right.all());
        let arithmetic = C::arithmetic(i);
        // all of C is read before any of D is written: they may share registers
        let mut sums = Blocks::<Rows<Sum<C, P>, 8>, MOST>::new();
        for (block, offsets) in c_offsets.chunks_exact(of_c).enumerate() {
            let (m, n) = t.c_at(block);
            let mut rows = [&left[0]; DEEPEST];
            for (k, row) in rows.iter_mut().enumerate().take(t.k) {
                *row = &left[t.a(m, k)];
            }
            let columns = &right[t.b(n, 0)..][..t.k];
            let addend = C::read(c, offsets, i.m[KIND_C]);
            let rows = &rows[..t.k];
            sums.push(if c.launch.options.sums_backward {
                Descending::tile(&arithmetic, rows, columns, &addend)
            } else {
                Ascending::tile(&arithmetic, rows, columns, &addend)
            });
        }
        for (block, offsets) in sums.all().iter().zip(d.chunks_exact(of_d)) {
            C::write(c, offsets, i.m[KIND_D], block);
        }
        Flow::Next
    }
}
