//! f16 and bf16, alone and packed in pairs (PTX ISA, "Half Precision Floating Point Instructions").

mod arithmetic;
mod format;

pub use arithmetic::{Binary, Binary2, Fma, Fma2, RELU, Unary, Unary2, add, op};
pub use format::{
    Bf16, F16, Format, narrow_bf16, narrow_f16, odd_f32, widen_bf16, widen_f16, widen_flushed,
};
