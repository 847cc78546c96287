//! Reductions: each addition rounds to the type, ranks come in one order.

use crate::types::{DataType, Op};
use half::{bf16, f16};

/// Elements that are added in one order of ranks; where orders vary, the next begin at another rank, as chunks of a ring do.
const CHUNK: usize = 512;

trait Element: Copy {
    fn read(bytes: &[u8]) -> Self;
    fn write(self, bytes: &mut [u8]);
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// Before the sum of an average.
    fn share(self, n: usize) -> Self;
    /// After it.
    fn divide(self, n: usize) -> Self;
}

macro_rules! bytes {
    ($t:ty) => {
        fn read(bytes: &[u8]) -> Self {
            let mut own = [0; size_of::<$t>()];
            own.copy_from_slice(bytes);
            Self::from_le_bytes(own)
        }
        fn write(self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.to_le_bytes());
        }
    };
}

macro_rules! integers {
    ($($t:ty)*) => {$(impl Element for $t {
        bytes!($t);
        fn add(self, other: Self) -> Self {
            self.wrapping_add(other)
        }
        fn mul(self, other: Self) -> Self {
            self.wrapping_mul(other)
        }
        fn max(self, other: Self) -> Self {
            Ord::max(self, other)
        }
        fn min(self, other: Self) -> Self {
            Ord::min(self, other)
        }
        fn share(self, _: usize) -> Self {
            self
        }
        fn divide(self, n: usize) -> Self {
            // More ranks than an i8 can count leave nothing of the sum.
            <$t>::try_from(n).map_or(0, |n| self.wrapping_div(n))
        }
    })*};
}
integers!(i8 u8 i32 u32 i64 u64);

macro_rules! floats {
    ($($t:ty: $from:expr, $to:expr;)*) => {$(impl Element for $t {
        bytes!($t);
        fn add(self, other: Self) -> Self {
            $from($to(self) + $to(other))
        }
        fn mul(self, other: Self) -> Self {
            $from($to(self) * $to(other))
        }
        fn max(self, other: Self) -> Self {
            $from($to(self).max($to(other)))
        }
        fn min(self, other: Self) -> Self {
            $from($to(self).min($to(other)))
        }
        fn share(self, n: usize) -> Self {
            self.mul($from(1.0 / n as f64 as WideOf<$t>))
        }
        fn divide(self, _: usize) -> Self {
            self
        }
    })*};
}

/// What a float is computed in, to be rounded after each operation.
trait Wide {
    type Type;
}
type WideOf<T> = <T as Wide>::Type;
impl Wide for f16 {
    type Type = f32;
}
impl Wide for bf16 {
    type Type = f32;
}
impl Wide for f32 {
    type Type = f32;
}
impl Wide for f64 {
    type Type = f64;
}
floats! {
    f16: f16::from_f32, f16::to_f32;
    bf16: bf16::from_f32, bf16::to_f32;
    f32: std::convert::identity, std::convert::identity;
    f64: std::convert::identity, std::convert::identity;
}

fn typed<T: Element>(parts: &[(Op, &[u8])], order: Option<u64>) -> Vec<u8> {
    let (n, size) = (parts.len(), size_of::<T>());
    let mut result = vec![0; parts.first().map_or(0, |part| part.1.len())];
    for (i, out) in result.chunks_exact_mut(size).enumerate() {
        let first = order.map_or(0, |seed| (seed as usize).wrapping_add(i / CHUNK) % n);
        let term = |k: usize| {
            let (op, bytes) = parts[(first + k) % n];
            let value = T::read(&bytes[i * size..(i + 1) * size]);
            match op {
                Op::Avg => value.share(n),
                Op::PreMulSum(scalar) => value.mul(T::read(&scalar[..size])),
                _ => value,
            }
        };
        let op = parts[0].0;
        let folded = (1..n).map(term).fold(term(0), |a, b| match op {
            Op::Sum | Op::Avg | Op::PreMulSum(_) => a.add(b),
            Op::Prod => a.mul(b),
            Op::Max => a.max(b),
            Op::Min => a.min(b),
        });
        let value = if op == Op::Avg {
            folded.divide(n)
        } else {
            folded
        };
        value.write(out);
    }
    result
}

/// What comes of the ranks' `parts`, all of one length and with operators that match.
///
/// Without `order` terms are added from rank 0 on; with one the first rank changes from chunk to chunk, and with the seed.
pub fn reduce(dtype: DataType, parts: &[(Op, &[u8])], order: Option<u64>) -> Vec<u8> {
    let typed = match dtype {
        DataType::Int8 => typed::<i8>,
        DataType::Uint8 => typed::<u8>,
        DataType::Int32 => typed::<i32>,
        DataType::Uint32 => typed::<u32>,
        DataType::Int64 => typed::<i64>,
        DataType::Uint64 => typed::<u64>,
        DataType::Float16 => typed::<f16>,
        DataType::Float32 => typed::<f32>,
        DataType::Float64 => typed::<f64>,
        DataType::Bfloat16 => typed::<bf16>,
    };
    typed(parts, order)
}
