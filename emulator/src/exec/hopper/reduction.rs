//! Bulk copies that reduce: `cp.reduce.async.bulk`.

use super::bulk::modifier::{ELEMENT, OP};
use crate::exec::atomic::Cell;
use crate::exec::state::{Inst, Reduction};

impl Reduction {
    /// An instruction's: none where its modifier says that elements have no bytes.
    pub fn of(i: &Inst) -> Option<Reduction> {
        let (op, bytes) = (i.m[OP], i.m[ELEMENT]);
        (bytes != 0).then_some(Reduction { op, bytes })
    }

    /// Reduces `data` into what is at `target`.
    ///
    /// # Safety
    /// `target` has room for `data` and is aligned to elements.
    pub unsafe fn reduce(self, target: *mut u8, data: &[u8]) {
        fn elements<T: Cell>(op: u8, target: *mut u8, data: &[u8], read: impl Fn(&[u8]) -> T) {
            for (n, bytes) in data.chunks_exact(size_of::<T>()).enumerate() {
                let value = read(bytes);
                let at = target.cast::<T>().wrapping_add(n);
                // SAFETY: the promise of `reduce`, which alone calls this.
                unsafe { T::update(at, |old| T::apply(op, old, value, value)) };
            }
        }
        match self.bytes {
            2 => elements(self.op, target, data, |b| u16::from_le_bytes([b[0], b[1]])),
            4 => elements(self.op, target, data, |b| {
                u32::from_le_bytes([b[0], b[1], b[2], b[3]])
            }),
            _ => elements(self.op, target, data, |b| {
                u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
            }),
        }
    }
}
