//! A second stream beside a device's, for calls that go on while kernels run.

use std::any::Any;
use std::sync::Arc;

use cudarc::driver::CudaStream;

use crate::error::{Error, Result};

/// A stream that takes over memory of the device's own, and gives it back.
pub(crate) struct Overlap {
    main: Arc<CudaStream>,
    side: Arc<CudaStream>,
    kept: Vec<Box<dyn Any + Send>>,
    begun: bool,
}

impl Overlap {
    const OP: &str = "DistributedDataParallel";

    pub(crate) fn new(main: &Arc<CudaStream>) -> Result<Self> {
        let side = main.context().new_stream();
        let side = side.map_err(|e| Error::driver(Self::OP, e))?;
        Ok(Self {
            main: main.clone(),
            side,
            kept: Vec::new(),
            begun: false,
        })
    }

    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        &self.side
    }

    /// Keeps memory that the second stream works on until [`Overlap::join`]: it is freed in the device's own stream.
    pub(super) fn keep(&mut self, memory: impl Iterator<Item = Box<dyn Any + Send>>) {
        self.kept.extend(memory);
    }

    /// What is queued on it from now on runs behind what is queued on the device's stream.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.begun = true;
        let joined = self.side.join(&self.main);
        joined.map_err(|e| Error::driver(Self::OP, e))
    }

    /// What is queued on the device's stream from now on runs behind what is queued on this one. The host does not wait.
    pub(crate) fn join(&mut self) -> Result<()> {
        if !self.begun {
            return Ok(());
        }
        let joined = self.main.join(&self.side);
        if joined.is_err() && self.side.synchronize().is_err() {
            // nothing says that the stream is done with them
            std::mem::forget(std::mem::take(&mut self.kept));
        }
        self.begun = false;
        self.kept.clear();
        joined.map_err(|e| Error::driver(Self::OP, e))
    }
}

impl Drop for Overlap {
    fn drop(&mut self) {
        // an error is the driver's, which tells whoever asks it next
        drop(self.join());
    }
}
