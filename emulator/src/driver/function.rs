//! Functions and what is known about them.

use super::attributes::{MAX_CLUSTER, MAX_THREADS_PER_BLOCK, REGISTERS, SHARED_PER_BLOCK};
use super::context::{by_handle, in_context};
use super::entry::{Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, Table};
use super::machine::machine;
use crate::exec::Kernel;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

pub struct Function {
    pub handle: Handle,
    pub module: Handle,
    pub context: Handle,
    pub kernel: Arc<Kernel>,
    pub c_name: CString,
    max_dynamic_shared: AtomicI32,
    carveout: AtomicI32,
    non_portable_cluster: AtomicI32,
}

pub static FUNCTIONS: Table<Function> = Table::new();

/// Shared memory is given out in pieces of so many bytes.
pub const SHARED_GRANULE: usize = 128;
pub const WARP: i32 = 32;

/// Registers are ptxas's business; this stands for "not known, and not many".
const ASSUMED_REGISTERS: i32 = 32;

impl Function {
    pub fn new(handle: Handle, module: Handle, context: Handle, kernel: Arc<Kernel>) -> Function {
        let c_name = CString::new(kernel.name.as_bytes()).unwrap_or_default();
        let max_dynamic_shared =
            AtomicI32::new((SHARED_PER_BLOCK - kernel.static_shared as i32).max(0));
        let (carveout, non_portable_cluster) = (AtomicI32::new(-1), AtomicI32::new(0));
        Function {
            handle,
            module,
            context,
            kernel,
            c_name,
            max_dynamic_shared,
            carveout,
            non_portable_cluster,
        }
    }

    pub fn max_threads(&self) -> i32 {
        (self.kernel.max_threads as i32).min(MAX_THREADS_PER_BLOCK)
    }

    pub fn max_dynamic_shared(&self) -> i32 {
        self.max_dynamic_shared.load(Ordering::Relaxed)
    }

    /// The most blocks of a cluster: 8 everywhere, 16 where the function allows what not every chip can.
    pub fn max_cluster(&self) -> u32 {
        if self.non_portable_cluster.load(Ordering::Relaxed) != 0 {
            2 * MAX_CLUSTER
        } else {
            MAX_CLUSTER
        }
    }

    pub fn attribute(&self, number: i32) -> Outcome<i32> {
        let (major, minor) = machine()?.profile.capability;
        let cluster = self.kernel.cluster;
        Ok(match number {
            0 => self.max_threads(),
            1 => self.kernel.static_shared as i32,
            2 => self.kernel.const_bytes as i32,
            3 => self.kernel.local_bytes as i32,
            4 => ASSUMED_REGISTERS,
            5 | 6 => major * 10 + minor,
            7 => 0,
            8 => self.max_dynamic_shared(),
            9 => self.carveout.load(Ordering::Relaxed),
            10 => i32::from(cluster.is_some()),
            11..=13 => cluster.map_or(0, |size| size[number as usize - 11] as i32),
            14 => self.non_portable_cluster.load(Ordering::Relaxed),
            15 => 0,
            _ => return Err(Error::INVALID_VALUE),
        })
    }

    pub fn set_attribute(&self, number: i32, value: i32) -> Outcome {
        let most = machine()?.profile.shared_per_block_optin - self.kernel.static_shared as i32;
        match number {
            8 if (0..=most).contains(&value) => {
                self.max_dynamic_shared.store(value, Ordering::Relaxed)
            }
            9 if (-1..=100).contains(&value) => self.carveout.store(value, Ordering::Relaxed),
            14 if (0..=1).contains(&value) => {
                self.non_portable_cluster.store(value, Ordering::Relaxed)
            }
            15 => {}
            11..=13 => return Err(Error::NOT_SUPPORTED),
            _ => return Err(Error::INVALID_VALUE),
        }
        Ok(())
    }

    pub fn parameter(&self, index: usize, offset: Out<usize>, size: Out<usize>) -> Outcome {
        let parameter = self.kernel.params.get(index).ok_or(Error::INVALID_VALUE)?;
        offset.set(parameter.offset)?;
        size.set_if_wanted(parameter.size);
        Ok(())
    }

    /// Bytes of a multiprocessor's shared memory that one block takes.
    fn shared_footprint(&self, dynamic: usize) -> Outcome<usize> {
        let reserved = machine()?.profile.shared_reserved_per_block as usize;
        let bytes = dynamic
            .checked_add(self.kernel.static_shared + reserved)
            .ok_or(Error::INVALID_VALUE)?;
        bytes
            .checked_next_multiple_of(SHARED_GRANULE)
            .ok_or(Error::INVALID_VALUE)
    }

    /// Blocks of `threads` threads and `dynamic` bytes of shared memory that run on one multiprocessor at a time.
    pub fn blocks_per_multiprocessor(&self, threads: i32, dynamic: usize) -> Outcome<i32> {
        let profile = machine()?.profile;
        if threads <= 0 {
            return Err(Error::INVALID_VALUE);
        }
        let most_shared = self.kernel.static_shared + dynamic;
        if threads > self.max_threads() || most_shared > profile.shared_per_block_optin as usize {
            return Ok(0);
        }
        let rounded = (threads + WARP - 1) / WARP * WARP;
        let by_threads = profile.threads_per_multiprocessor / rounded;
        let by_registers = REGISTERS / (rounded * ASSUMED_REGISTERS);
        let footprint = self.shared_footprint(dynamic)?;
        let by_shared = (profile.shared_per_multiprocessor as usize)
            .checked_div(footprint)
            .unwrap_or(usize::MAX);
        let most = profile
            .blocks_per_multiprocessor
            .min(by_threads)
            .min(by_registers);
        Ok(usize::min(most as usize, by_shared) as i32)
    }
}

pub fn find(handle: Handle) -> Outcome<Arc<Function>> {
    machine()?;
    let function = FUNCTIONS.get(handle)?;
    by_handle(function.context)?.check()?;
    Ok(function)
}

in_context! {
    fn cuFuncGetAttribute(result: Out<i32>, attribute: i32, function: Handle) {
        result.set(find(function)?.attribute(attribute)?)
    }

    fn cuFuncSetAttribute(function: Handle, attribute: i32, value: i32) {
        find(function)?.set_attribute(attribute, value)
    }

    fn cuFuncSetCacheConfig(function: Handle, _config: u32) {
        find(function).map(|_| ())
    }

    fn cuFuncSetSharedMemConfig(function: Handle, _config: u32) {
        find(function).map(|_| ())
    }
}

api! {
    fn cuFuncGetName(result: Out<usize>, function: Handle) {
        result.set(find(function)?.c_name.as_ptr() as usize)
    }

    fn cuFuncGetParamInfo(function: Handle, index: usize, offset: Out<usize>, size: Out<usize>) {
        find(function)?.parameter(index, offset, size)
    }

    fn cuFuncIsLoaded(result: Out<u32>, function: Handle) {
        const LOADED: u32 = 1;
        find(function)?;
        result.set(LOADED)
    }

    fn cuFuncLoad(function: Handle) {
        find(function).map(|_| ())
    }
}
