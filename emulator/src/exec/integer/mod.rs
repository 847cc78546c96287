//! Integer arithmetic (PTX ISA, "Integer Arithmetic Instructions", "Extended-Precision ...", "Logic and Shift ...").

mod arithmetic;
mod extended;
mod fields;
mod logic;
mod packed;
mod typed;
mod video_ops;

pub use arithmetic::*;
pub use extended::{Carry, carry};
pub use fields::*;
pub use logic::*;
pub use packed::*;
pub use video_ops::{Video, video};
