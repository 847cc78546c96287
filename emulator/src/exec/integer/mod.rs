//! Integer arithmetic (PTX ISA, "Integer Arithmetic Instructions", "Extended-Precision ...", "Logic and Shift ...").

mod arithmetic;
mod extended;
mod fields;
mod logic;
mod packed;
mod typed;

pub use arithmetic::*;
pub use extended::{Carry, carry};
pub use fields::*;
pub use logic::*;
pub use packed::*;
