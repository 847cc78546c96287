//! The syntax tree to instructions that run: types, names, registers, one file for each instruction family.

mod control;
mod draft;
mod family;
mod function;
mod liveness;
mod module;
mod opcode;
mod operand;
mod types;

mod arithmetic;
mod async_copy;
mod atomic;
mod barrier;
mod convert;
mod half;
mod logic;
mod memory;
mod movement;
mod predicate;
mod tensor;
mod warp;

pub use module::module;
