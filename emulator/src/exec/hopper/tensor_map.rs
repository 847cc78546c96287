//! Tensor maps: the 128 opaque bytes of a `CUtensorMap`, and what they describe.

use super::swizzle::Swizzle;

/// Bytes of a map.
pub const BYTES: usize = 128;
const MAGIC: u64 = 0x3150_414d_4f53_4e54;

// Of `CUtensorMapDataType`.
const FLOAT32_FTZ: u8 = 10;
const TFLOAT32: u8 = 11;
const TFLOAT32_FTZ: u8 = 12;

/// A tensor in global memory and the box that copies take out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorMap {
    /// Number of the driver's `CUtensorMapDataType`.
    pub kind: u8,
    pub swizzle: Swizzle,
    /// Elements out of bounds are NaN instead of zero.
    pub nan: bool,
    pub address: u64,
    /// Elements in each dimension, the innermost first.
    pub sizes: Vec<u64>,
    /// Bytes from one element to the next in each dimension.
    pub strides: Vec<u64>,
    pub box_sizes: Vec<u32>,
    /// From one element that is taken to the next, in each dimension.
    pub steps: Vec<u32>,
}

/// Bytes of an element by `CUtensorMapDataType`; none where the type is not emulated.
pub fn element_bytes(kind: u32) -> Option<u32> {
    Some(match kind {
        0 => 1,
        1 | 6 | 9 => 2,
        2 | 3 | 7 | 10 | 11 | 12 => 4,
        4 | 5 | 8 => 8,
        _ => return None,
    })
}

impl TensorMap {
    pub fn element(&self) -> u32 {
        element_bytes(self.kind.into()).unwrap_or(1)
    }

    /// Elements that a box takes in a dimension.
    pub fn taken(&self, dimension: usize) -> u32 {
        if dimension == 0 {
            return self.box_sizes[0];
        }
        self.box_sizes[dimension].div_ceil(self.steps[dimension])
    }

    /// Bytes of a box in shared memory.
    pub fn box_bytes(&self) -> u32 {
        (0..self.sizes.len())
            .map(|d| self.taken(d))
            .product::<u32>()
            * self.element()
    }

    /// What a copy into shared memory makes of elements: of tf32 it leaves 10 bits of the fraction, rounded to nearest even
    /// (neither documented nor said against; NaN and infinities stay), and where the type says so no subnormal numbers.
    pub fn received(&self, elements: &mut [u8]) {
        let (flushes, rounds) = match self.kind {
            FLOAT32_FTZ => (true, false),
            TFLOAT32 => (false, true),
            TFLOAT32_FTZ => (true, true),
            _ => return,
        };
        for word in elements.chunks_exact_mut(4) {
            let mut bits = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            let value = f32::from_bits(bits);
            if flushes && value.is_subnormal() {
                bits &= 1 << 31;
            } else if rounds && value.is_finite() {
                bits = (bits + 0xFFF + (bits >> 13 & 1)) & !0x1FFF;
            }
            word.copy_from_slice(&bits.to_le_bytes());
        }
    }

    pub fn encode(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        out[..8].copy_from_slice(&MAGIC.to_le_bytes());
        out[8] = self.kind;
        out[9] = self.swizzle as u8;
        out[10] = u8::from(self.nan);
        out[11] = self.sizes.len() as u8;
        out[16..24].copy_from_slice(&self.address.to_le_bytes());
        for d in 0..self.sizes.len() {
            // a size may be 2^32
            let size = (self.sizes[d] - 1) as u32;
            out[24 + 4 * d..][..4].copy_from_slice(&size.to_le_bytes());
            out[48 + 8 * d..][..8].copy_from_slice(&self.strides[d].to_le_bytes());
            out[88 + 2 * d..][..2].copy_from_slice(&(self.box_sizes[d] as u16).to_le_bytes());
            out[100 + d] = self.steps[d] as u8;
        }
        out
    }

    /// None where the bytes are no map.
    pub fn decode(bytes: &[u8; BYTES]) -> Option<TensorMap> {
        let u64_at = |at: usize| {
            let mut out = [0; 8];
            out.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(out)
        };
        let rank = usize::from(bytes[11]);
        if u64_at(0) != MAGIC || !(1..=5).contains(&rank) {
            return None;
        }
        let swizzle = match bytes[9] {
            0 => Swizzle::None,
            1 => Swizzle::Bytes32,
            2 => Swizzle::Bytes64,
            _ => Swizzle::Bytes128,
        };
        let size = |d: usize| (u64_at(24 + 4 * d) & 0xFFFF_FFFF) + 1;
        Some(TensorMap {
            kind: bytes[8],
            swizzle,
            nan: bytes[10] != 0,
            address: u64_at(16),
            sizes: (0..rank).map(size).collect(),
            strides: (0..rank).map(|d| u64_at(48 + 8 * d)).collect(),
            box_sizes: (0..rank)
                .map(|d| u32::from(bytes[88 + 2 * d]) | u32::from(bytes[89 + 2 * d]) << 8)
                .collect(),
            steps: (0..rank).map(|d| u32::from(bytes[100 + d])).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_survives_its_bytes() {
        let map = TensorMap {
            kind: 9,
            swizzle: Swizzle::Bytes64,
            nan: true,
            address: 0x7f12_3456_7000,
            sizes: vec![1 << 32, 7, 5, 3, 2],
            strides: vec![2, 64, 1 << 39, 4096, 16],
            box_sizes: vec![32, 256, 1, 2, 3],
            steps: vec![1, 2, 8, 1, 1],
        };
        assert_eq!(TensorMap::decode(&map.encode()), Some(map.clone()));
        assert_eq!(map.taken(1), 128);
        assert_eq!(TensorMap::decode(&[0; BYTES]), None);
    }
}
