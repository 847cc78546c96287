//! Comparisons, predicates, selection (PTX ISA, "Comparison and Selection Instructions").

mod logic;
mod set;
mod test;

pub use logic::{And, Mov, Not, Or, Selp, Slct, TestF32, TestF64, ToPredicate, Xor};
pub use set::{Set, SetPacked, Setp, SetpPacked};
pub use test::{Bf16, F16, F32, F64, Int};

/// Comparison operators; the unordered ones of floats are true when an operand is NaN.
pub mod compare {
    pub const EQ: u8 = 0;
    pub const NE: u8 = 1;
    pub const LT: u8 = 2;
    pub const LE: u8 = 3;
    pub const GT: u8 = 4;
    pub const GE: u8 = 5;
    /// Added for `equ` and its like.
    pub const UNORDERED: u8 = 6;
    pub const NUM: u8 = 12;
    pub const NAN: u8 = 13;
}

/// Combination with another predicate.
pub mod combine {
    pub const NONE: u8 = 0;
    pub const AND: u8 = 1;
    pub const OR: u8 = 2;
    pub const XOR: u8 = 3;
}
