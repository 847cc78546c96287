//! From the addresses of an instruction to bytes of the host, with the checks on the way.

use super::context::{Context, Hit, Lanes, column};
use super::inst::{Flow, Inst, level};
use super::space;
use crate::check::FaultKind;
use crate::check::shared::Access;

/// State spaces as const parameters.
pub mod spaces {
    pub const GLOBAL: u8 = 0;
    pub const SHARED: u8 = 1;
    pub const LOCAL: u8 = 2;
    pub const PARAM: u8 = 3;
    pub const GENERIC: u8 = 4;
}

/// What is done with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Update,
}

impl Kind {
    fn verb(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Update => "atomic",
        }
    }
}

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

    /// Checks an access and replaces its addresses by those of the host's bytes. True if all 32 lanes execute, each
    /// on the bytes behind the last lane's.
    #[inline(always)]
    pub fn resolve<const SPACE: u8, const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        match SPACE {
            spaces::GLOBAL => self.global::<LEVEL>(inst, at, size, kind),
            spaces::SHARED => self.shared::<LEVEL>(inst, at, size, kind, strong),
            spaces::LOCAL => self.local(inst, at, size, kind),
            spaces::PARAM => self.param(inst, at, size, kind),
            _ => self.generic::<LEVEL>(inst, at, size, kind, strong),
        }
    }

    #[inline(always)]
    fn global<const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        let contiguous = self.active == u32::MAX && self.is_contiguous(at, size);
        if LEVEL == level::PLAIN {
            return Ok(contiguous);
        }
        let (low, end, all) = self.span(at, size, contiguous);
        if all & u64::from(size - 1) != 0 {
            return Err(self.misaligned(inst, at, size, kind, "__global__"));
        }
        let slot = (std::ptr::from_ref(inst) as usize >> 6) & 7;
        let hit = self.hits[slot];
        let hit = if low >= hit.base && end <= hit.end {
            hit
        } else {
            match self.allocation(low) {
                Some(found) if end <= found.end && end > low => {
                    self.hits[slot] = found;
                    found
                }
                _ => {
                    self.each_global::<LEVEL>(inst, at, size, kind)?;
                    return Ok(false);
                }
            }
        };
        if LEVEL == level::FULL && !hit.shadow.is_null() {
            self.global_shadow(inst, at, size, kind, contiguous, hit)?;
        }
        Ok(contiguous)
    }

    /// The live allocation that holds an address.
    fn allocation(&self, address: u64) -> Option<Hit> {
        let next = self.launch.ranges.partition_point(|r| r.base <= address);
        let range = self.launch.ranges.get(next.checked_sub(1)?)?;
        (address < range.end).then(|| Hit::from(range))
    }

    /// Lanes in different allocations, or out of bounds.
    #[cold]
    fn each_global<const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<(), Flow> {
        for lane in self.lanes() {
            let address = at[lane];
            match self.allocation(address) {
                Some(hit) if u64::from(size) <= hit.end - address => {
                    if LEVEL == level::FULL && !hit.shadow.is_null() {
                        let mut one = [address; 32];
                        one[lane] = address;
                        let active = self.active;
                        self.active = 1 << lane;
                        let checked = self.global_shadow(inst, &one, size, kind, false, hit);
                        self.active = active;
                        checked?;
                    }
                }
                _ => return Err(self.out_of_bounds(inst, lane, address, size, kind)),
            }
        }
        Ok(())
    }

    fn global_shadow(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        contiguous: bool,
        hit: Hit,
    ) -> Result<(), Flow> {
        if !self.launch.options.checks.uninitialised {
            return Ok(());
        }
        if contiguous {
            let bytes = size as usize * 32;
            // SAFETY: the span of the access was found to lie in this allocation, and its shadow is as long.
            let shadow = unsafe {
                std::slice::from_raw_parts_mut(hit.shadow.add((at[0] - hit.base) as usize), bytes)
            };
            match kind {
                Kind::Write => shadow.fill(1),
                _ if shadow.iter().fold(1, |all, b| all & b) == 0 => {
                    let first = shadow.iter().position(|b| *b == 0).unwrap_or(0);
                    return Err(self.uninitialised(inst, first / size as usize, at, size));
                }
                _ => {}
            }
            return Ok(());
        }
        for lane in self.lanes() {
            // SAFETY: each lane's bytes were found to lie in this allocation, and its shadow is as long.
            let shadow = unsafe {
                std::slice::from_raw_parts_mut(
                    hit.shadow.add((at[lane] - hit.base) as usize),
                    size as usize,
                )
            };
            match kind {
                Kind::Write => shadow.fill(1),
                _ if shadow.contains(&0) => return Err(self.uninitialised(inst, lane, at, size)),
                _ => {}
            }
        }
        Ok(())
    }

    #[cold]
    fn uninitialised(&mut self, inst: &Inst, lane: usize, at: &[u64; 32], size: u32) -> Flow {
        let what = format!("Uninitialized __global__ memory read of size {size} bytes");
        let mut more = vec![format!("Address 0x{:x}", at[lane])];
        if let Some(found) = self.launch.memory.find(at[lane]) {
            more.push(format!(
                "is {} bytes inside the allocation at 0x{:x} of size {} bytes",
                at[lane] - found.base,
                found.base,
                found.bytes
            ));
        }
        self.fail(inst, lane, FaultKind::LaunchFailed, &what, &more)
    }

    #[cold]
    fn out_of_bounds(
        &mut self,
        inst: &Inst,
        lane: usize,
        address: u64,
        size: u32,
        kind: Kind,
    ) -> Flow {
        let what = format!("Invalid __global__ {} of size {size} bytes", kind.verb());
        let mut more = vec![];
        match self.launch.memory.find(address) {
            Some(found) if found.freed => {
                more.push(format!("Address 0x{address:x} was freed"));
                more.push(format!(
                    "and was {} bytes inside the allocation at 0x{:x} of size {} bytes",
                    address - found.base,
                    found.base,
                    found.bytes
                ));
            }
            _ => {
                more.push(format!("Address 0x{address:x} is out of bounds"));
                if let Some(near) = self.launch.memory.nearest(address) {
                    let end = near.base + near.bytes as u64;
                    let distance = if address < near.base {
                        format!("{} bytes before", near.base - address)
                    } else {
                        format!(
                            "{} bytes after",
                            (address + u64::from(size)).saturating_sub(end)
                        )
                    };
                    more.push(format!(
                        "and is {distance} the nearest allocation at 0x{:x} of size {} bytes",
                        near.base, near.bytes
                    ));
                }
            }
        }
        self.fail(inst, lane, FaultKind::IllegalAddress, &what, &more)
    }

    #[cold]
    fn misaligned(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        space: &str,
    ) -> Flow {
        let off = |lane: &usize| at[*lane] & u64::from(size - 1) != 0;
        let lane = self.lanes().find(off).unwrap_or(0);
        let what = format!("Invalid {space} {} of size {size} bytes", kind.verb());
        let more = [format!("Address 0x{:x} is misaligned", at[lane])];
        self.fail(inst, lane, FaultKind::MisalignedAddress, &what, &more)
    }

    #[cold]
    fn outside(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        space: &str,
        end: u64,
    ) -> Flow {
        let off = |lane: &usize| at[*lane].checked_add(size.into()).is_none_or(|e| e > end);
        let lane = self.lanes().find(off).unwrap_or(0);
        let what = format!("Invalid {space} {} of size {size} bytes", kind.verb());
        let more = [format!(
            "Address 0x{:x} is out of bounds: there are {end} bytes",
            at[lane]
        )];
        self.fail(inst, lane, FaultKind::IllegalAddress, &what, &more)
    }

    #[inline(always)]
    fn shared<const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        let contiguous = self.active == u32::MAX && self.is_contiguous(at, size);
        if LEVEL != level::PLAIN {
            let (_, end, all) = self.span(at, size, contiguous);
            let limit = u64::from(self.block.shared_bytes);
            // `all` has every bit of every address: above the limit's bits there is an address above the limit
            if end > limit || all > u64::from(u32::MAX) {
                return Err(self.outside(inst, at, size, kind, "__shared__", limit));
            }
            if all & u64::from(size - 1) != 0 {
                return Err(self.misaligned(inst, at, size, kind, "__shared__"));
            }
            if LEVEL == level::FULL && kind != Kind::Write {
                self.shared_shadow(inst, at, size, kind, strong)?;
            }
        }
        let base = self.block.shared_pointer(0) as u64;
        *at = column!(self.width, l => base.wrapping_add(at[l & 31]));
        Ok(contiguous)
    }

    fn shared_shadow(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<(), Flow> {
        let active = self.active;
        if kind == Kind::Read && size == 4 {
            // the common case in one go; what it leaves is looked at one by one
            let words = at.map(|a| a as u32);
            let left = self
                .block
                .shadow
                .read_words(self.warp.index, active, &words, strong);
            if left == 0 {
                return Ok(());
            }
            return self.shared_shadow_slowly(inst, at, size, kind, strong, left);
        }
        self.shared_shadow_slowly(inst, at, size, kind, strong, active)
    }

    /// Loads of shared memory by a whole warp: checks in 32 bits. None where the long way must be gone.
    #[inline(always)]
    pub fn shared_reads<const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &[u32; 32],
        high: u64,
        size: u32,
    ) -> Option<Flow> {
        if LEVEL == level::PLAIN {
            return None;
        }
        let (mut top, mut all) = (0, 0);
        for l in 0..self.width & 32 {
            top = at[l & 31].max(top);
            all |= at[l & 31];
        }
        let inside =
            top <= self.block.shared_bytes.wrapping_sub(size) && size <= self.block.shared_bytes;
        if !inside || all & (size - 1) != 0 || high > u64::from(u32::MAX) {
            return Some(Flow::Switch);
        }
        if LEVEL == level::FULL {
            let left = if size == 4 {
                self.block
                    .shadow
                    .read_words(self.warp.index, u32::MAX, at, false)
            } else {
                u32::MAX
            };
            if left != 0 {
                let wide = at.map(u64::from);
                return self
                    .shared_shadow_slowly(inst, &wide, size, Kind::Read, false, left)
                    .err();
            }
        }
        None
    }

    fn shared_shadow_slowly(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
        active: u32,
    ) -> Result<(), Flow> {
        for lane in Lanes(active) {
            let address = at[lane];
            // of lanes that read the same the first and the last say it all
            let between = lane > 0 && lane < 31 && active >> (lane - 1) & 7 == 7;
            if between && kind == Kind::Read && at[lane - 1] == address && at[lane + 1] == address {
                continue;
            }
            let access = Access {
                thread: self.thread(lane),
                strong,
                line: inst.line,
            };
            let finding = match kind {
                Kind::Read => self.block.shadow.read(access, address as u32, size),
                _ => self.block.shadow.update(access, address as u32, size),
            };
            if let Some(finding) = finding {
                return Err(self.fail_shared(
                    inst,
                    lane,
                    kind != Kind::Read,
                    address as u32,
                    size,
                    finding,
                ));
            }
        }
        Ok(())
    }

    /// Notes a lane's write of shared memory; one of what is there already races with nobody.
    #[inline(always)]
    pub fn shared_write(
        &mut self,
        inst: &Inst,
        lane: usize,
        host: u64,
        strong: bool,
        value: &[u8],
    ) -> Result<(), Flow> {
        let address = (host - self.block.shared_pointer(0) as u64) as u32;
        let access = Access {
            thread: self.thread(lane),
            strong,
            line: inst.line,
        };
        let size = value.len() as u32;
        if let Some(finding) = self.block.shadow.write(access, address, size) {
            // SAFETY: `resolve` found these bytes inside the block's shared memory.
            let there = unsafe { std::slice::from_raw_parts(host as *const u8, value.len()) };
            let benign = matches!(
                finding,
                crate::check::shared::Finding::Race { write: true, .. }
            ) && there == value;
            if !benign {
                return Err(self.fail_shared(inst, lane, true, address, size, finding));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn local(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        // checked at every level: the window is the emulator's own, so a stray access would hit its own memory
        let (_, end, all) = self.span(at, size, false);
        let limit = self.warp.local_end(&self.launch.program.routines);
        if end > limit || all > u64::from(u32::MAX) {
            return Err(self.outside(inst, at, size, kind, "__local__", limit));
        }
        if all & u64::from(size - 1) != 0 {
            return Err(self.misaligned(inst, at, size, kind, "__local__"));
        }
        for (lane, a) in at.iter_mut().enumerate() {
            *a = self.warp.local_pointer(*a, lane) as u64;
        }
        Ok(false)
    }

    #[inline(always)]
    fn param(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        let (_, end, all) = self.span(at, size, false);
        let limit = self.launch.params.len() as u64;
        if end > limit || all > u64::from(u32::MAX) || kind != Kind::Read {
            return Err(self.outside(inst, at, size, kind, "kernel parameter", limit));
        }
        for a in at {
            *a += self.launch.params.as_ptr() as u64;
        }
        Ok(false)
    }

    fn generic<const LEVEL: u8>(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        let window = at[0] & space::WINDOW;
        if at.iter().fold(0, |d, a| d | (a & space::WINDOW) ^ window) == 0 {
            return self.window::<LEVEL>(inst, window, at, size, kind, strong);
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
            let found = self.window::<LEVEL>(inst, window, &mut part, size, kind, strong);
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

    fn window<const LEVEL: u8>(
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
            _ => return self.global::<LEVEL>(inst, at, size, kind),
        }
        match window {
            space::SHARED => self.shared::<LEVEL>(inst, at, size, kind, strong),
            space::LOCAL => self.local(inst, at, size, kind),
            _ => self.param(inst, at, size, kind),
        }
    }

    /// Whether a host address lies in the block's shared memory.
    #[inline(always)]
    pub fn is_shared(&mut self, host: u64) -> bool {
        let base = self.block.shared_pointer(0) as u64;
        host.wrapping_sub(base) < u64::from(self.block.shared_bytes)
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

impl Context<'_> {
    #[inline(always)]
    fn is_contiguous(&self, at: &[u64; 32], size: u32) -> bool {
        let (first, size) = (at[0], u64::from(size));
        let mut differs = 0;
        for l in 0..self.width & 32 {
            differs |= at[l & 31] ^ first.wrapping_add(l as u64 * size);
        }
        differs == 0
    }

    /// Lowest address, end of the highest access, and the bits of all addresses together.
    #[inline(always)]
    fn span(&self, at: &[u64; 32], size: u32, contiguous: bool) -> (u64, u64, u64) {
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
