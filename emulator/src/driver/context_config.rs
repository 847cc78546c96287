//! What can be set of a context: limits and preferences. They are kept, and change nothing.

use super::context::current;
use super::entry::{Out, api};
use super::error::Error;
use super::handles::lock;

api! {
    fn cuCtxGetLimit(result: Out<usize>, limit: u32) {
        let context = current()?;
        let limits = lock(&context.limits);
        result.set(*limits.get(limit as usize).ok_or(Error::UNSUPPORTED_LIMIT)?)
    }

    fn cuCtxSetLimit(limit: u32, value: usize) {
        let context = current()?;
        *lock(&context.limits).get_mut(limit as usize).ok_or(Error::UNSUPPORTED_LIMIT)? = value;
        Ok(())
    }

    fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) {
        current()?;
        least.set_if_wanted(0);
        greatest.set_if_wanted(super::stream::GREATEST_PRIORITY);
        Ok(())
    }

    fn cuCtxGetCacheConfig(result: Out<u32>) {
        current()?;
        result.set(0)
    }

    fn cuCtxSetCacheConfig(_config: u32) {
        current().map(|_| ())
    }

    fn cuCtxGetSharedMemConfig(result: Out<u32>) {
        const FOUR_BYTE_BANKS: u32 = 1;
        current()?;
        result.set(FOUR_BYTE_BANKS)
    }

    fn cuCtxSetSharedMemConfig(_config: u32) {
        current().map(|_| ())
    }

    fn cuCtxResetPersistingL2Cache() {
        current().map(|_| ())
    }
}
