//! A memory pool: an owner and some figures. Memory goes back at once.

use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::heap::{Block, Kind};
use super::machine::{Device, Ordinal, machine};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

pub struct Pool {
    pub handle: Handle,
    pub device: &'static Device,
    pub is_default: bool,
    /// Other devices whose kernels reach its memory.
    pub shared_with: Mutex<BTreeMap<Ordinal, u32>>,
    /// 0 for no limit.
    pub max_bytes: usize,
    pub reuse: Mutex<[u32; 3]>,
    pub release_threshold: AtomicU64,
    pub high: AtomicU64,
}

pub static POOLS: Table<Pool> = Table::new();
/// Pools that allocations without one come from, of devices for which another than the default was set.
pub static CURRENT: Mutex<BTreeMap<Ordinal, Handle>> = Mutex::new(BTreeMap::new());

pub const NO_ACCESS: u32 = 0;

pub fn create(device: &'static Device, is_default: bool, max_bytes: usize) -> Arc<Pool> {
    POOLS.insert(|handle| Pool {
        handle,
        device,
        is_default,
        shared_with: Mutex::default(),
        max_bytes,
        reuse: Mutex::new([1; 3]),
        release_threshold: AtomicU64::new(0),
        high: AtomicU64::new(0),
    })
}

pub fn default_pool(device: &'static Device) -> Arc<Pool> {
    static DEFAULT: Mutex<BTreeMap<Ordinal, Arc<Pool>>> = Mutex::new(BTreeMap::new());
    let mut pools = lock(&DEFAULT);
    let pool = pools.entry(device.ordinal);
    pool.or_insert_with(|| create(device, true, 0)).clone()
}

pub fn current_pool(device: &'static Device) -> Outcome<Arc<Pool>> {
    match lock(&CURRENT).get(&device.ordinal) {
        Some(handle) => POOLS.get(*handle),
        None => Ok(default_pool(device)),
    }
}

pub fn by_handle(handle: Handle) -> Outcome<Arc<Pool>> {
    machine()?;
    POOLS.get(handle).map_err(|_| Error::INVALID_VALUE)
}

/// Whether a device that is not the pool's own reaches its memory.
pub fn is_shared_with(pool: Handle, device: Ordinal) -> bool {
    let access = |pool: Arc<Pool>| lock(&pool.shared_with).get(&device).copied();
    POOLS.get(pool).ok().and_then(access).unwrap_or(NO_ACCESS) != NO_ACCESS
}

impl Pool {
    pub fn used(&self) -> u64 {
        let of_pool = |block: &Block| block.kind == Kind::Pool(self.handle);
        self.device.heap.used(of_pool) as u64
    }
}
