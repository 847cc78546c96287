//! Copies and fills: one shape, three-dimensional with pitches, serves every call.

use super::error::{Error, Outcome};
use super::machine::holding;
use crate::check::{Fault, undefined};
use crate::memory::Memory;

/// One end of a copy: rows of bytes at an address that is the device's or the host's.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub address: u64,
    /// The caller says that this is device memory; otherwise it may be either, and the address tells.
    pub device: bool,
    pub pitch: usize,
    /// Rows from one slice to the next.
    pub height: usize,
}

/// `depth` slices of `height` rows of `width` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Copy3 {
    pub to: End,
    pub from: End,
    pub width: usize,
    pub height: usize,
    pub depth: usize,
}

impl End {
    pub fn device(address: u64) -> End {
        End {
            address,
            device: true,
            pitch: 0,
            height: 0,
        }
    }

    pub fn any(address: u64) -> End {
        End {
            address,
            device: false,
            pitch: 0,
            height: 0,
        }
    }

    fn row(&self, y: usize, z: usize) -> u64 {
        self.address + (self.pitch * (y + self.height * z)) as u64
    }

    /// Where the last byte's row starts, or an error where the sizes do not fit an address space.
    fn check(&self, copy: &Copy3) -> Outcome {
        let several_rows = copy.height > 1 || copy.depth > 1;
        let slices_overlap = copy.depth > 1 && self.height < copy.height;
        if self.address == 0 || slices_overlap || (several_rows && self.pitch < copy.width) {
            return Err(Error::INVALID_VALUE);
        }
        let rows = self
            .height
            .checked_mul(copy.depth - 1)
            .and_then(|n| n.checked_add(copy.height - 1));
        let last = rows
            .and_then(|n| n.checked_mul(self.pitch))
            .and_then(|n| n.checked_add(copy.width));
        let bytes = last
            .filter(|&n| n <= isize::MAX as usize)
            .ok_or(Error::INVALID_VALUE)?;
        self.address
            .checked_add(bytes as u64)
            .ok_or(Error::INVALID_VALUE)?;
        let memory = &holding(self.address)?.heap.memory;
        let is_device = memory.contains(self.address, 1);
        if (self.device || is_device) && !memory.contains(self.address, bytes) {
            return Err(Error::INVALID_VALUE);
        }
        Ok(())
    }
}

impl Copy3 {
    pub fn linear(to: End, from: End, bytes: usize) -> Copy3 {
        Copy3 {
            to,
            from,
            width: bytes,
            height: 1,
            depth: 1,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0 || self.depth == 0
    }

    /// Refuses ends that are null, not of the device where they must be, or too small.
    pub fn check(&self) -> Outcome {
        if self.is_empty() {
            return Ok(());
        }
        self.to.check(self)?;
        self.from.check(self)
    }

    /// What the host would read that a kernel has computed from what nobody had written: the kernel, and its fault.
    pub fn undefined(&self) -> Outcome<Option<(String, Fault)>> {
        if self.is_empty() {
            return Ok(None);
        }
        let (to, from) = (holding(self.to.address)?, holding(self.from.address)?);
        let target = &to.heap.memory;
        if target.contains(self.to.address, 1) && !target.is_on_host(self.to.address) {
            return Ok(None);
        }
        let rows = (0..self.depth).flat_map(|z| (0..self.height).map(move |y| (y, z)));
        let mut found = rows.filter_map(|(y, z)| {
            let memory = &from.heap.memory;
            memory.undefined(self.from.row(y, z), self.width)
        });
        Ok(found
            .next()
            .and_then(|(at, mark, bytes)| undefined::read_by_host(mark, at, bytes)))
    }

    pub fn run(&self) -> Outcome {
        if self.is_empty() {
            return Ok(());
        }
        self.check()?;
        let (to, from) = (holding(self.to.address)?, holding(self.from.address)?);
        let ends = (&*to.heap.memory, &*from.heap.memory);
        for z in 0..self.depth {
            for y in 0..self.height {
                row(ends, self.to.row(y, z), self.from.row(y, z), self.width)?;
            }
        }
        Ok(())
    }
}

fn row(memory: (&Memory, &Memory), to: u64, from: u64, bytes: usize) -> Outcome {
    let (there, here) = memory;
    match (there.contains(to, bytes), here.contains(from, bytes)) {
        (true, true) if std::ptr::eq(there, here) => there.copy(to, from, bytes)?,
        (true, true) => there.copy_from(to, here, from, bytes)?,
        (true, false) => {
            // SAFETY: `End::check` refused null and sizes beyond isize::MAX; the API's contract is that the caller's
            // host memory is as long as it says.
            let source = unsafe { std::slice::from_raw_parts(from as *const u8, bytes) };
            there.write(to, source)?;
        }
        (false, true) => {
            // SAFETY: as above; the bytes are plain memory of the caller's that nothing here refers to otherwise.
            let target = unsafe { std::slice::from_raw_parts_mut(to as *mut u8, bytes) };
            here.read(from, target)?;
        }
        (false, false) => {
            // SAFETY: as above; `copy` allows the two to overlap.
            unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        }
    }
    Ok(())
}

/// `height` rows of `width` elements of 1, 2 or 4 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    pub address: u64,
    pub pitch: usize,
    pub value: u32,
    pub element: usize,
    pub width: usize,
    pub height: usize,
}

impl Fill {
    pub fn linear(address: u64, value: u32, element: usize, count: usize) -> Fill {
        Fill {
            address,
            pitch: 0,
            value,
            element,
            width: count,
            height: 1,
        }
    }

    pub fn check(&self) -> Outcome {
        if !matches!(self.element, 1 | 2 | 4) || !self.address.is_multiple_of(self.element as u64) {
            return Err(Error::INVALID_VALUE);
        }
        if self.width == 0 || self.height == 0 {
            return Ok(());
        }
        let row = self
            .width
            .checked_mul(self.element)
            .ok_or(Error::INVALID_VALUE)?;
        if self.height > 1 && (self.pitch < row || !self.pitch.is_multiple_of(self.element)) {
            return Err(Error::INVALID_VALUE);
        }
        let bytes = (self.height - 1)
            .checked_mul(self.pitch)
            .and_then(|n| n.checked_add(row));
        let bytes = bytes.ok_or(Error::INVALID_VALUE)?;
        if holding(self.address)?
            .heap
            .memory
            .contains(self.address, bytes)
        {
            Ok(())
        } else {
            Err(Error::INVALID_VALUE)
        }
    }

    pub fn run(&self) -> Outcome {
        self.check()?;
        if self.width == 0 {
            return Ok(());
        }
        let pattern = &self.value.to_le_bytes()[..self.element];
        for y in 0..self.height {
            holding(self.address)?.heap.memory.fill(
                self.address + (y * self.pitch) as u64,
                pattern,
                self.width,
            )?;
        }
        Ok(())
    }
}
