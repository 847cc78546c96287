//! What the host does with the bytes of allocations, and with the marks that say which were written.

use super::{Memory, MemoryError, mark};

impl Memory {
    /// Copies from the host.
    ///
    /// # Errors
    /// The range is not inside one live allocation.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), MemoryError> {
        let buffer = self.buffer(address, data.len())?;
        buffer.write(address, data);
        buffer.mark(address, data.len());
        Ok(())
    }

    /// Copies to the host.
    ///
    /// # Errors
    /// The range is not inside one live allocation.
    pub fn read(&self, address: u64, out: &mut [u8]) -> Result<(), MemoryError> {
        self.buffer(address, out.len())?.read(address, out);
        Ok(())
    }

    /// Copies within the device, the written marks with it; the ranges may overlap.
    ///
    /// # Errors
    /// A range is not inside one live allocation.
    pub fn copy(&self, target: u64, source: u64, bytes: usize) -> Result<(), MemoryError> {
        let from = self.buffer(source, bytes)?;
        let to = self.buffer(target, bytes)?;
        if from.is_written(source, bytes) {
            let mut data = vec![0; bytes];
            from.read(source, &mut data);
            to.write(target, &data);
            to.mark(target, bytes);
        } else {
            to.copy_with_marks(target, &from, source, bytes);
        }
        Ok(())
    }

    /// Fills `count` elements with `pattern`, whose length is the element size.
    ///
    /// # Errors
    /// The range is not inside one live allocation.
    pub fn fill(&self, address: u64, pattern: &[u8], count: usize) -> Result<(), MemoryError> {
        let bytes = pattern
            .len()
            .checked_mul(count)
            .ok_or(MemoryError::InvalidAddress)?;
        let buffer = self.buffer(address, bytes)?;
        buffer.fill(address, pattern, count);
        buffer.mark(address, bytes);
        Ok(())
    }

    /// Whether every byte of the range was ever written; false where the range is not inside one live allocation.
    #[cfg(test)]
    pub fn is_written(&self, address: u64, bytes: usize) -> bool {
        self.buffer(address, bytes)
            .is_ok_and(|b| b.is_written(address, bytes))
    }

    /// Calls a range never written again, as if it had just been allocated.
    ///
    /// # Errors
    /// The range is not inside one live allocation.
    pub fn mark_unwritten(&self, address: u64, bytes: usize) -> Result<(), MemoryError> {
        let buffer = self.buffer(address, bytes)?;
        buffer.unmark(address, bytes, mark::NEVER);
        Ok(())
    }

    /// Lets the host read and write an allocation without asking: it counts as written, whatever kernels do.
    ///
    /// # Errors
    /// The address is in no live allocation.
    pub fn share_with_host(&self, address: u64) -> Result<(), MemoryError> {
        self.buffer(address, 1)?.share_with_host();
        Ok(())
    }

    /// Whether the host reads the bytes at an address without asking.
    pub fn is_on_host(&self, address: u64) -> bool {
        self.buffer(address, 1).is_ok_and(|b| b.is_on_host())
    }

    /// The first byte of a range in which a kernel left what is undefined: its address, its mark, and how many have that
    /// mark.
    pub fn undefined(&self, address: u64, bytes: usize) -> Option<(u64, u8, usize)> {
        let buffer = self.buffer(address, bytes).ok()?;
        buffer.undefined(address, bytes)
    }
}
