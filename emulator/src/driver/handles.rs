//! Handles are numbers that are looked up, never pointers that are followed: a freed, foreign or invented handle is
//! an error code. Numbers are never used twice, and a number is a handle of one kind only.

use super::error::{Error, Outcome};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What C sees as `CUcontext`, `CUstream` and so on.
pub type Handle = usize;

/// Far from the special stream handles 1 and 2 and from anything that looks like a null pointer with an offset.
static NEXT: AtomicUsize = AtomicUsize::new(0x0070_0000_0000);

/// All live objects of one kind.
pub struct Table<T>(RwLock<BTreeMap<Handle, Arc<T>>>);

impl<T> Table<T> {
    pub const fn new() -> Self {
        Table(RwLock::new(BTreeMap::new()))
    }

    pub fn insert(&self, make: impl FnOnce(Handle) -> T) -> Arc<T> {
        let handle = NEXT.fetch_add(16, Ordering::Relaxed);
        let object = Arc::new(make(handle));
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(handle, object.clone());
        object
    }

    pub fn get(&self, handle: Handle) -> Outcome<Arc<T>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.get(&handle).cloned().ok_or(Error::INVALID_HANDLE)
    }

    pub fn remove(&self, handle: Handle) -> Outcome<Arc<T>> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.remove(&handle).ok_or(Error::INVALID_HANDLE)
    }

    pub fn all(&self) -> Vec<Arc<T>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Drops what `keep` declines. The objects' destructors run after the table is unlocked.
    pub fn retain(&self, keep: impl Fn(&T) -> bool) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Handle> = table
            .iter()
            .filter(|(_, object)| !keep(object))
            .map(|(h, _)| *h)
            .collect();
        let dropped: Vec<_> = gone
            .iter()
            .filter_map(|handle| table.remove(handle))
            .collect();
        drop(table);
        drop(dropped);
    }
}

/// Locks a mutex even where a thread panicked with it: a poisoned lock must not turn into a second panic.
pub fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
