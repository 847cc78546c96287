//! Generic addresses: the window that one lies in says its space.

use crate::exec::state::{Context, Flow, Inst, Kind, Lanes, space};

impl Context<'_> {
    pub(super) fn generic(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        let window = at[0] & space::WINDOW;
        if at.iter().fold(0, |d, a| d | (a & space::WINDOW) ^ window) == 0 {
            return self.window(inst, window, at, size, kind, strong);
        }
        // lanes in different spaces: one space after the other
        let (active, mut left) = (self.active, self.active);
        let mut out = [0; 32];
        while left != 0 {
            let window = at[left.trailing_zeros() as usize] & space::WINDOW;
            let mask = Lanes(left)
                .filter(|l| at[*l] & space::WINDOW == window)
                .fold(0, |m, l| m | 1 << l);
            left &= !mask;
            let first = at[mask.trailing_zeros() as usize];
            let mut part = [first; 32];
            for lane in Lanes(mask) {
                part[lane] = at[lane];
            }
            self.active = mask;
            let found = self.window(inst, window, &mut part, size, kind, strong);
            self.active = active;
            found?;
            for lane in Lanes(mask) {
                out[lane] = part[lane];
            }
        }
        let first = out[self.first_lane()];
        for (lane, a) in out.iter_mut().enumerate() {
            if active >> lane & 1 == 0 {
                *a = first;
            }
        }
        *at = out;
        Ok(false)
    }

    fn window(
        &mut self,
        inst: &Inst,
        window: u64,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        match window {
            space::SHARED | space::LOCAL | space::PARAM => *at = at.map(|a| a & !space::WINDOW),
            _ => return self.global(inst, at, size, kind),
        }
        match window {
            space::SHARED => self.cluster(inst, at, size, kind, strong),
            space::LOCAL => self.local(inst, at, size, kind),
            _ => self.param(inst, at, size, kind),
        }
    }
}

/// Bytes at a generic address, for what the emulator itself reads; none where there is nothing.
pub fn peek<const N: usize>(c: &mut Context<'_>, lane: usize, address: u64) -> Option<[u8; N]> {
    let inside = address & !space::WINDOW;
    let end = inside.checked_add(N as u64)?;
    let mut out = [0; N];
    match address & space::WINDOW {
        0 => c.launch.memory.read(address, &mut out).ok()?,
        space::LOCAL if end <= c.warp.local_end(&c.launch.program.routines) => {
            for (i, byte) in out.iter_mut().enumerate() {
                // SAFETY: checked against the end of local memory just above.
                *byte = unsafe { c.warp.local_pointer(inside + i as u64, lane).read() };
            }
        }
        space::SHARED if end <= u64::from(c.block.shared_bytes) => {
            // SAFETY: checked against the size of shared memory just above.
            unsafe {
                out.as_mut_ptr()
                    .copy_from(c.block.shared_pointer(inside as u32), N)
            }
        }
        space::PARAM if end <= c.launch.params.len() as u64 => {
            out.copy_from_slice(&c.launch.params[inside as usize..end as usize]);
        }
        _ => return None,
    }
    Some(out)
}
