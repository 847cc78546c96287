//! The addresses of all lanes at once: from registers, their span, whether they lie side by side.

use crate::exec::context::{Context, column};

impl Context<'_> {
    /// The addresses in a row, 64 or 32 bits wide, plus an offset; lanes that do not execute get the first one's.
    #[inline(always)]
    pub fn addresses(&self, offset: u32, wide: bool, plus: i64) -> [u64; 32] {
        let out = if wide {
            let row = self.row::<u64>(offset);
            column!(self.width, l => row.get(l).wrapping_add_signed(plus))
        } else {
            let row = self.row::<u32>(offset);
            column!(self.width, l => u64::from(row.get(l).wrapping_add(plus as u32)))
        };
        if self.active == u32::MAX {
            return out;
        }
        let (active, first) = (self.active, out[self.first_lane()]);
        column!(self.width, l => if active >> (l & 31) & 1 != 0 { out[l & 31] } else { first })
    }

    #[inline(always)]
    pub(super) fn is_contiguous(&self, at: &[u64; 32], size: u32) -> bool {
        let (first, size) = (at[0], u64::from(size));
        let mut differs = 0;
        for l in 0..self.width & 32 {
            differs |= at[l & 31] ^ first.wrapping_add(l as u64 * size);
        }
        differs == 0
    }

    /// Lowest address, end of the highest access, and the bits of all addresses together.
    #[inline(always)]
    pub(super) fn span(&self, at: &[u64; 32], size: u32, contiguous: bool) -> (u64, u64, u64) {
        let size = u64::from(size);
        if contiguous {
            return (at[0], at[31].saturating_add(size), at[0] | at[31]);
        }
        let (mut low, mut high, mut all) = (u64::MAX, 0, 0);
        for l in 0..self.width & 32 {
            let a = at[l & 31];
            low = a.min(low);
            high = a.max(high);
            all |= a;
        }
        (low, high.saturating_add(size), all)
    }
}
