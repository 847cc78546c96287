//! Matrices in shared memory (PTX ISA, "Matrix Descriptor Format", "Strides").

use super::swizzle::Swizzle;

/// Bytes along k of every `wgmma` operand's row, and of a piece that lies together.
pub const ROW: usize = 32;
pub const PIECE: u32 = 16;

/// The 64 bits of a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    start: u32,
    leading: u32,
    stride: u32,
    base: u32,
    swizzle: Swizzle,
}

impl Descriptor {
    pub fn new(bits: u64) -> Descriptor {
        let field = |at: u32| ((bits >> at & 0x3FFF) << 4) as u32;
        Descriptor {
            start: field(0),
            leading: field(16),
            stride: field(32),
            base: (bits >> 49 & 7) as u32,
            swizzle: match bits >> 62 {
                0 => Swizzle::None,
                1 => Swizzle::Bytes128,
                2 => Swizzle::Bytes64,
                _ => Swizzle::Bytes32,
            },
        }
    }

    /// Where piece `n` of the rows from `first` on lies. Rows along k have two pieces each; where the other dimension
    /// goes along memory (`turned`), a piece is eight 16-bit elements of it, and each k has `rows / 8` pieces.
    pub fn piece(&self, first: u32, rows: u32, turned: bool, n: u32) -> u32 {
        let span = self.swizzle.span();
        let plain = self.swizzle == Swizzle::None;
        let offset = if turned {
            let (k, group) = (n / (rows / 8), first / 8 + n % (rows / 8));
            let atom = span / PIECE;
            if plain {
                group * self.stride + k % 8 * PIECE + k / 8 * self.leading
            } else {
                group % atom * PIECE
                    + group / atom * self.leading
                    + k % 8 * span
                    + k / 8 * self.stride
            }
        } else {
            let (row, half) = (first + n / 2, n % 2);
            let along = if plain { self.leading } else { PIECE };
            row % 8 * span + row / 8 * self.stride + half * along
        };
        let base = if plain { 0 } else { self.base };
        self.swizzle.place(self.start.wrapping_add(offset), base)
    }
}

#[cfg(test)]
mod tests {
    use super::Descriptor;

    #[test]
    fn canonical_layouts() {
        let bits = |start: u64, leading: u64, stride: u64, mode: u64| {
            start >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | mode << 62
        };
        // K-major: eight rows of the swizzle's width, then the stride
        let d = Descriptor::new(bits(1024, 0, 1024, 1));
        assert_eq!(d.piece(0, 64, false, 0), 1024);
        assert_eq!(
            d.piece(0, 64, false, 2),
            1024 + 128 + 16,
            "row 1 is turned by 1"
        );
        assert_eq!(
            d.piece(0, 64, false, 2 * 9 + 1),
            2048 + 128,
            "row 9, second piece"
        );
        let d = Descriptor::new(bits(0, 128, 256, 0));
        assert_eq!(d.piece(0, 64, false, 2 * 3 + 1), 3 * 16 + 128);
        assert_eq!(d.piece(16, 16, false, 0), 512);
        // MN-major: 64 elements of 16 bits a line, lines along k
        let d = Descriptor::new(bits(0, 4096, 1024, 1));
        assert_eq!(d.piece(0, 128, true, 0), 0);
        assert_eq!(
            d.piece(0, 128, true, 9),
            4096 + 16,
            "k = 0, elements 72 to 79"
        );
        assert_eq!(d.piece(0, 128, true, 16), 128 + 16, "k = 1 is turned by 1");
        assert_eq!(
            d.piece(0, 128, true, 16 * 8),
            1024,
            "k = 8 is the next pattern"
        );
    }
}
