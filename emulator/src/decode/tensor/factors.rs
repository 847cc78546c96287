//! Shapes, and the types that A and B may have in each.

use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::state::Run;
use crate::exec::tensor::mma;

const SHAPES: [(&str, [usize; 3]); 15] = [
    ("m8n8k4", [8, 8, 4]),
    ("m8n8k16", [8, 8, 16]),
    ("m8n8k32", [8, 8, 32]),
    ("m8n8k128", [8, 8, 128]),
    ("m16n8k4", [16, 8, 4]),
    ("m16n8k8", [16, 8, 8]),
    ("m16n8k16", [16, 8, 16]),
    ("m16n8k32", [16, 8, 32]),
    ("m16n8k64", [16, 8, 64]),
    ("m16n8k128", [16, 8, 128]),
    ("m16n8k256", [16, 8, 256]),
    ("m16n16k16", [16, 16, 16]),
    ("m32n8k16", [32, 8, 16]),
    ("m8n32k16", [8, 32, 16]),
    ("m16n16k8", [16, 16, 8]),
];

/// m, n and k.
pub fn shape(op: &mut Opcode<'_>) -> [usize; 3] {
    let name = op.take_any(&SHAPES.map(|s| s.0));
    SHAPES
        .iter()
        .find(|s| Some(s.0) == name)
        .map_or([0; 3], |s| s.1)
}

/// A type of factors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    pub bits: usize,
    pub kind: u8,
    /// Depths along k of `mma` with m16n8, of `mma` with m8n8.
    m16: &'static [usize],
    m8: &'static [usize],
    /// Shapes of `wmma`.
    wmma: &'static [[usize; 3]],
}

const WIDE_SHAPES: &[[usize; 3]] = &[[16, 16, 16], [32, 8, 16], [8, 32, 16]];

pub fn factors(name: &str) -> Option<Factors> {
    use mma::kind::{BF16, F16, SIGNED, UNSIGNED};
    let of = |bits, kind, m16, m8, wmma| {
        Some(Factors {
            bits,
            kind,
            m16,
            m8,
            wmma,
        })
    };
    match name {
        "f16" => of(16, F16, &[8, 16], &[], WIDE_SHAPES),
        "bf16" => of(16, BF16, &[8, 16], &[], WIDE_SHAPES),
        "tf32" => of(32, 0, &[4, 8], &[], &[[16, 16, 8]]),
        "f64" => of(64, 0, &[4, 8, 16], &[4], &[[8, 8, 4]]),
        "s8" => of(8, SIGNED, &[16, 32], &[16], WIDE_SHAPES),
        "u8" => of(8, UNSIGNED, &[16, 32], &[16], WIDE_SHAPES),
        "s4" => of(4, SIGNED, &[32, 64], &[32], &[[8, 8, 32]]),
        "u4" => of(4, UNSIGNED, &[32, 64], &[32], &[[8, 8, 32]]),
        "b1" => of(1, 0, &[128, 256], &[128], &[[8, 8, 128]]),
        _ => None,
    }
}

impl Factors {
    pub fn allows(&self, [m, n, k]: [usize; 3], wmma: bool) -> bool {
        if wmma {
            return self.wmma.contains(&[m, n, k]);
        }
        n == 8 && (m == 16 && self.m16.contains(&k) || m == 8 && self.m8.contains(&k))
    }

    /// Elements of a block's row.
    pub fn row(&self) -> usize {
        4 * (32 / self.bits).max(1)
    }

    pub fn register(&self) -> Type {
        if self.bits == 64 {
            Type::F64
        } else {
            Type::B32
        }
    }

    /// Registers that `wmma` gives a factor's fragment of so many blocks ("Matrix Fragments for WMMA").
    pub fn fragment(&self, blocks: usize) -> usize {
        if self.bits == 16 && self.kind == mma::kind::F16 {
            8
        } else {
            blocks
        }
    }

    pub fn runs(&self) -> Run {
        use crate::exec::tensor::{Bit, Float64, Half, Int4, Int8, Tf32};
        use mma::Multiply;
        match self.bits {
            64 => select::<Multiply<Float64, 4>>(),
            32 => select::<Multiply<Tf32, 4>>(),
            16 => select::<Multiply<Half, 8>>(),
            8 => select::<Multiply<Int8, 16>>(),
            4 => select::<Multiply<Int4, 32>>(),
            _ => select::<Multiply<Bit, 1>>(),
        }
    }

    /// Whether C and D may be of these types.
    pub fn sums_to(&self, d: &str, c: &str) -> bool {
        match (self.bits, self.kind) {
            (64, _) => (d, c) == ("f64", "f64"),
            (16, mma::kind::F16) => matches!((d, c), ("f16" | "f32", "f16" | "f32")),
            (16 | 32, _) => (d, c) == ("f32", "f32"),
            _ => (d, c) == ("s32", "s32"),
        }
    }
}
