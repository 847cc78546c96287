//! The matrix that `wmma.load` and `wmma.store` move: its form, and a copy without gaps.

use super::blocks::{Place, Plain, Tiling};
use crate::exec::state::Inst;

/// Modifier bytes. A fragment's rows are those of its blocks (columns of B, rows else), its depth the other direction.
pub mod modifier {
    /// Blocks over the rows.
    pub const ROWS: usize = 0;
    /// Blocks over the depth.
    pub const DEPTH: usize = 1;
    /// What the elements are: the forms below.
    pub const FORM: usize = 2;
    /// Whether consecutive addresses go along the depth.
    pub const ALONG: usize = 3;
    /// Whether the address register has 64 bits.
    pub const WIDE: usize = 4;
    /// Registers of the operand, repeated ones included.
    pub const REGISTERS: usize = 5;
    /// Bits of an element.
    pub const BITS: usize = 6;
}

/// Forms of blocks.
pub mod form {
    /// Elements of 8 bits, 16 to a row.
    pub const BYTES: u8 = 0;
    /// Elements of 16 bits, 8 to a row.
    pub const HALVES: u8 = 1;
    /// Elements of 32 bits, 4 to a row; narrower ones than a byte in units of 32 bits.
    pub const WORDS: u8 = 2;
    /// Elements of 64 bits, 4 to a row.
    pub const DOUBLES: u8 = 3;
    /// Accumulators of 32 bits, 8 to a row, two registers.
    pub const WORD_PAIRS: u8 = 4;
    /// Accumulators of 64 bits, 8 to a row, two registers.
    pub const DOUBLE_PAIRS: u8 = 5;
    /// Added for B, whose blocks go on along the depth first.
    pub const OF_B: u8 = 8;
}

/// Largest matrix: 16 x 16 of f32.
pub const MOST_BYTES: usize = 1024;

/// A matrix without the gaps between its lines.
#[repr(C, align(16))]
pub struct Dense(pub [u8; MOST_BYTES]);

impl Dense {
    #[inline(always)]
    pub fn units<T: Plain>(&self) -> &[T] {
        // SAFETY: the bytes are aligned to 16, any bits are a `Plain` value, and the length is rounded down.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), MOST_BYTES / size_of::<T>()) }
    }

    #[inline(always)]
    pub fn units_mut<T: Plain>(&mut self) -> &mut [T] {
        // SAFETY: as in `units`; a `Plain` value is bytes.
        unsafe {
            std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), MOST_BYTES / size_of::<T>())
        }
    }
}

/// How the matrix lies in memory, in units of the form.
pub struct Shape {
    pub rows: usize,
    pub depth: usize,
    /// Units of a block's row.
    pub row: usize,
    pub unit_bytes: usize,
    pub along: bool,
    pub of_b: bool,
}

impl Shape {
    #[inline(always)]
    pub fn of(i: &Inst) -> Shape {
        use modifier::{ALONG, DEPTH, FORM, ROWS};
        let (row, unit_bytes) = match i.m[FORM] & 7 {
            form::BYTES => (16, 1),
            form::HALVES => (8, 2),
            form::WORDS => (4, 4),
            form::DOUBLES => (4, 8),
            form::WORD_PAIRS => (8, 4),
            _ => (8, 8),
        };
        Shape {
            rows: i.m[ROWS].into(),
            depth: i.m[DEPTH].into(),
            row,
            unit_bytes,
            along: i.m[ALONG] != 0,
            of_b: i.m[FORM] & form::OF_B != 0,
        }
    }

    /// Units of a line: what lies together in memory.
    #[inline(always)]
    pub fn line(&self) -> usize {
        if self.along {
            self.depth * self.row
        } else {
            self.rows * 8
        }
    }

    #[inline(always)]
    pub fn bytes(&self) -> usize {
        self.rows * 8 * self.depth * self.row * self.unit_bytes
    }

    /// The block at a row and a depth of blocks: its number in the fragment, and where it lies in the dense matrix.
    #[inline(always)]
    pub fn block(&self, row: usize, depth: usize) -> (usize, Place) {
        let tiling = Tiling {
            m: self.rows,
            n: self.rows,
            k: self.depth,
        };
        let number = if self.of_b {
            tiling.b(row, depth)
        } else {
            tiling.a(row, depth)
        };
        let line = self.line();
        let place = if self.along {
            Place {
                first: 8 * row * line + depth * self.row,
                row: line,
                along: 1,
            }
        } else {
            Place {
                first: depth * self.row * line + 8 * row,
                row: 1,
                along: line,
            }
        };
        (number, place)
    }
}
