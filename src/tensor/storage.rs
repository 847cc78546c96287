//! A tensor's elements, which clones share until one of them is written to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cudarc::driver::CudaSlice;

use super::Tensor;
use crate::cpu::{self, Buffer};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::memory::DeviceSlice;
use crate::runtime::turn::turn;

pub(super) enum Storage<T: Element> {
    Cpu(Buffer<T>),
    Cuda(DeviceSlice<T>),
}

/// Which elements a tensor has: equal ones only where nothing has been written between, but for what replays write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(u64);

impl Version {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A tensor's elements, to be read.
pub(crate) enum Data<'a, T> {
    Cpu(&'a [T]),
    Cuda(&'a CudaSlice<T>),
}

/// A tensor's elements, to be written.
pub(crate) enum DataMut<'a, T> {
    Cpu(&'a mut [T]),
    Cuda(&'a mut CudaSlice<T>),
}

impl<T: Element> Tensor<T> {
    /// Whether a graph has this tensor's memory.
    pub(crate) fn is_pinned(&self) -> bool {
        matches!(&*self.storage, Storage::Cuda(slice) if slice.is_pinned())
    }

    /// Of the elements that stand there now.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn is_same_memory(&self, other: &Self) -> bool {
        match (&*self.storage, &*other.storage) {
            (Storage::Cuda(a), Storage::Cuda(b)) => a.is_same_memory(b),
            _ => Arc::ptr_eq(&self.storage, &other.storage),
        }
    }

    /// The elements, to be read.
    pub(crate) fn data(&self) -> Data<'_, T> {
        match &*self.storage {
            Storage::Cpu(buffer) => Data::Cpu(buffer),
            Storage::Cuda(slice) => {
                slice.touch();
                Data::Cuda(slice)
            }
        }
    }

    /// The elements, to be overwritten whole: storage that a clone shares is left to the clone.
    pub(crate) fn data_mut(&mut self) -> Result<DataMut<'_, T>> {
        if Arc::get_mut(&mut self.storage).is_none() && !self.shares_for_good()? {
            self.storage = Self::empty(&self.shape, &self.device)?.storage;
        }
        self.unshared()
    }

    /// The elements, to be updated: storage that a clone shares is copied first.
    pub(crate) fn data_update(&mut self) -> Result<DataMut<'_, T>> {
        if Arc::get_mut(&mut self.storage).is_none() && !self.shares_for_good()? {
            let mut copy = Self::empty(&self.shape, &self.device)?;
            let empty = self.numel() == 0;
            match (self.data(), copy.data_mut()?) {
                _ if empty => {}
                (Data::Cpu(x), DataMut::Cpu(y)) => cpu::copy(x, y),
                (Data::Cuda(x), DataMut::Cuda(y)) => {
                    let _turn = turn(x.stream(), "copy on write")?;
                    x.stream()
                        .memcpy_dtod(x, y)
                        .map_err(|e| Error::driver("copy on write", e))?;
                }
                _ => {}
            }
            self.storage = copy.storage;
        }
        self.unshared()
    }

    /// Its memory on a GPU, once more: for work that keeps it until it is done.
    pub(crate) fn memory(&self) -> Option<DeviceSlice<T>> {
        match &*self.storage {
            Storage::Cpu(_) => None,
            Storage::Cuda(slice) => {
                slice.touch();
                Some(slice.alias())
            }
        }
    }

    /// [`Tensor::memory`] to be updated: storage that a clone shares is copied first.
    pub(crate) fn memory_update(&mut self) -> Result<Option<DeviceSlice<T>>> {
        self.data_update()?;
        Ok(self.memory())
    }

    /// A tensor with the same memory, storage that a clone shares copied first: what is written through one of the two shows
    /// in the other. On the CPU it is a clone.
    pub(crate) fn alias(&mut self) -> Result<Self> {
        let memory = self.memory_update()?;
        let mut alias = self.clone();
        if let Some(memory) = memory {
            alias.storage = Arc::new(Storage::Cuda(memory));
        }
        Ok(alias)
    }

    /// Whether storage that a clone shares is written all the same, because a graph has its address; then this tensor
    /// gets a handle of its own on the same memory.
    fn shares_for_good(&mut self) -> Result<bool> {
        let Storage::Cuda(slice) = &*self.storage else {
            return Ok(false);
        };
        match slice.is_of_capture("tensor")? {
            Some(true) => Ok(false),
            Some(false) => Err(Error::Capture {
                op: "tensor",
                reason: "a clone shares the tensor that is to be written; drop it, or make it a copy()",
            }),
            None => {
                let pinned = slice.is_pinned();
                if pinned {
                    self.storage = Arc::new(Storage::Cuda(slice.alias()));
                }
                Ok(pinned)
            }
        }
    }

    fn unshared(&mut self) -> Result<DataMut<'_, T>> {
        self.version = Version::next();
        match Arc::get_mut(&mut self.storage) {
            Some(Storage::Cpu(buffer)) => Ok(DataMut::Cpu(buffer)),
            Some(Storage::Cuda(slice)) => {
                slice.touch();
                Ok(DataMut::Cuda(slice))
            }
            // both callers hold the tensor by &mut and have just made the storage its own
            None => Err(Error::argument(
                "tensor",
                "storage of its own",
                "storage shared with a clone",
            )),
        }
    }
}
