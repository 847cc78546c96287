//! Tensor Core instructions: `mma`, `wmma`, `ldmatrix`, `stmatrix`, `movmatrix` (PTX ISA, "Warp Level Matrix
//! Multiply-Accumulate Instructions").
//!
//! One rule describes every fragment of `mma.sync` but `mma.m8n8k4.f16`: a register of all 32 lanes is a *block* of
//! 8 rows, four lanes to a row, in lane order ("Matrix Fragments for mma.m16n8k16" and its neighbours). So a block of
//! 32-bit registers is 8 rows of 16 bytes, exactly as it lies in the register file:
//!
//! - A: rows are rows, bytes go along k. Two blocks below each other first (m16), then on along k.
//! - B: rows are columns of B, bytes go along k. Blocks go on along k, then along n.
//! - C, D: rows are rows, lanes go along n, two elements to a lane. Elements of 32 and 64 bits have a register each, so
//!   that a block is two registers. Two blocks below each other first (m16), then on along n.
//!
//! What the ISA leaves open: fragments of `wmma` are laid out as those of the `mma.sync` that multiply the same
//! matrices (m16n16k16 is two m16n8k16 side by side, as sm_80 and later do it). Where a `wmma` fragment has more
//! registers than elements, as those of f16 have, they repeat.

mod blocks;
mod converge;
mod dense;
pub mod marks;
mod multiply;
mod numbers;
mod operands;

pub mod matrix;
pub mod mma;
pub mod wmma;

pub use converge::whole_warp;
pub use dense::{form, modifier as wmma_modifier};
pub use operands::{Bit, Float64, Half, Int4, Int8, Tf32};

#[cfg(test)]
mod layout_cases;
#[cfg(test)]
mod layout_tests;
