//! `cvt` (PTX ISA, "cvt").

mod any;
mod fast;

pub use any::Convert;
pub use fast::{
    Bf16ToF32, F16ToF32, F32ToBf16, F32ToBf16x2, F32ToF16, F32ToF16x2, F32ToF32, F32ToF64,
    F32ToTf32, F64ToF32, Float, Resize, Whole,
};

/// Modifier bytes of `Convert`.
pub mod modifier {
    /// Rounding in bits 0 and 1, and the bits below.
    pub const FORM: usize = 0;
    pub const FTZ: u8 = 4;
    pub const SAT: u8 = 8;
    /// Round to an integral value, not to the format.
    pub const INTEGRAL: u8 = 16;
    pub const RELU: u8 = 32;
    /// Kinds of values, `kind` below.
    pub const FROM: usize = 1;
    pub const TO: usize = 2;
    /// Bytes of the registers.
    pub const FROM_WIDTH: usize = 3;
    pub const TO_WIDTH: usize = 4;
}

/// What a value is: for integers its bits, plus `SIGNED`.
pub mod kind {
    pub const SIGNED: u8 = 0x80;
    pub const F16: u8 = 1;
    pub const BF16: u8 = 2;
    pub const F32: u8 = 3;
    pub const F64: u8 = 4;
}
