//! The syntax tree to instructions that run: types, names, registers, one file for each instruction family.

mod call;
mod class;
mod control;
mod depend;
mod draft;
mod element;
mod emit;
mod family;
mod function;
mod kernel;
mod layout;
mod liveness;
mod module;
mod opcode;
mod operand;
mod statement;
mod symbols;
mod types;
mod variable;

mod arithmetic;
mod async_copy;
mod atomic;
mod barrier;
mod convert;
mod float;
mod half;
mod hopper;
mod integer;
mod logic;
mod memory;
mod movement;
mod predicate;
mod tensor;
mod warp;

pub use module::module;
