//! The addresses of all lanes at once: from registers, their span, whether they lie side by side.

use crate::check::shared::{Eights, Pattern};
use crate::exec::state::{Context, column};

/// How the lanes of a row of addresses lie, whose eights begin with `first`.
macro_rules! pattern {
    ($t:ty, $width:expr, $row:expr, $first:expr, $size:expr) => {{
        let shift = $size.trailing_zeros();
        let (mut apart, mut aside) = (0, 0);
        for l in 0..($width & 32) / 4 {
            for (eight, first) in $first.into_iter().enumerate() {
                let distance = $row.get(8 * eight + (l & 7)).wrapping_sub(first);
                apart |= distance;
                aside |= distance ^ ((l as $t) << shift);
            }
        }
        match (apart, aside) {
            (0, _) => Some(Pattern::Same),
            (_, 0) => Some(Pattern::Side),
            _ => None,
        }
    }};
}

impl Context<'_> {
    /// Accesses of all lanes to shared memory, if they lie so and in there, aligned.
    #[inline(always)]
    pub fn eights(&self, offset: u32, wide: bool, plus: i64, size: u32) -> Option<Eights> {
        let firsts = [0, 8, 16, 24];
        let (first, pattern) = if wide {
            let row = self.row::<u64>(offset);
            let first = firsts.map(|l| row.get(l));
            let pattern = pattern!(u64, self.width, row, first, size);
            (first.map(|a| a.wrapping_add_signed(plus)), pattern?)
        } else {
            let row = self.row::<u32>(offset);
            let first = firsts.map(|l| row.get(l));
            let pattern = pattern!(u32, self.width, row, first, size);
            let first = first.map(|a| u64::from(a.wrapping_add(plus as u32)));
            (first, pattern?)
        };
        let span = match pattern {
            Pattern::Same => size,
            Pattern::Side => 8 * size,
        };
        let last = self.block.shared_bytes.checked_sub(span)?;
        let fit = |a: &u64| *a <= last.into() && *a & u64::from(size - 1) == 0;
        first.iter().all(fit).then_some(Eights {
            first: first.map(|a| a as u32),
            size,
            pattern,
        })
    }

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
