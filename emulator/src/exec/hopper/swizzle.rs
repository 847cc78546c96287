//! How 16-byte pieces of shared memory change places (PTX ISA, "Swizzling Modes").

/// The patterns by the bytes over which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swizzle {
    None,
    Bytes32,
    Bytes64,
    Bytes128,
}

impl Swizzle {
    /// The bytes of a line in which pieces change places.
    pub fn span(self) -> u32 {
        match self {
            Swizzle::None => 16,
            Swizzle::Bytes32 => 32,
            Swizzle::Bytes64 => 64,
            Swizzle::Bytes128 => 128,
        }
    }

    /// Where the byte of an address really lies. `base` is the number of the 128-byte line that begins the pattern.
    pub fn place(self, address: u32, base: u32) -> u32 {
        let mask = self.span() / 16 - 1;
        let line = (address >> 7).wrapping_sub(base);
        address ^ (line & mask) << 4
    }
}

#[cfg(test)]
mod tests {
    use super::Swizzle;

    #[test]
    fn patterns_are_those_of_the_isa() {
        // the 16-byte pieces of the first line of each repeating pattern's lines
        let line = |s: Swizzle, n: u32| -> Vec<u32> {
            (0..8)
                .map(|p| s.place(128 * n + 16 * p, 0) / 16 % 8)
                .collect()
        };
        assert_eq!(line(Swizzle::None, 3), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(line(Swizzle::Bytes32, 1), [1, 0, 3, 2, 5, 4, 7, 6]);
        assert_eq!(line(Swizzle::Bytes32, 2), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(line(Swizzle::Bytes64, 1), [1, 0, 3, 2, 5, 4, 7, 6]);
        assert_eq!(line(Swizzle::Bytes64, 2), [2, 3, 0, 1, 6, 7, 4, 5]);
        assert_eq!(line(Swizzle::Bytes64, 4), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(line(Swizzle::Bytes128, 3), [3, 2, 1, 0, 7, 6, 5, 4]);
        assert_eq!(line(Swizzle::Bytes128, 4), [4, 5, 6, 7, 0, 1, 2, 3]);
        assert_eq!(Swizzle::Bytes128.place(128, 1), 128);
    }
}
