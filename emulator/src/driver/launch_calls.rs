//! The calls that launch.

use super::context::in_context;
use super::entry::In;
use super::error::{Error, Outcome};
use super::function;
use super::handles::Handle;
use super::launch::{Arguments, Config, Launch};
use super::queue::{self, submit};
use super::work::Work;
use crate::exec::LaunchConfig;
use std::sync::Arc;

fn launch(function: Handle, config: LaunchConfig, stream: Handle, arguments: Arguments) -> Outcome {
    let function = function::find(function)?;
    let stream = queue::find(stream)?;
    if function.context != stream.context {
        return Err(Error::INVALID_HANDLE);
    }
    let launch = Launch::new(&function, config, arguments)?;
    submit(&stream, Work::Kernel(Arc::new(launch)))
}

fn shape(grid: [u32; 3], block: [u32; 3], dynamic_shared: u32, cooperative: bool) -> LaunchConfig {
    LaunchConfig {
        grid,
        block,
        dynamic_shared,
        cluster: None,
        cooperative,
    }
}

in_context! {
    fn cuLaunchKernel(
        function: Handle, gx: u32, gy: u32, gz: u32, bx: u32, by: u32, bz: u32, shared: u32, stream: Handle,
        each: In<In<u8>>, block: In<usize>,
    ) {
        let config = shape([gx, gy, gz], [bx, by, bz], shared, false);
        launch(function, config, stream, Arguments { each, block })
    }

    fn cuLaunchCooperativeKernel(
        function: Handle, gx: u32, gy: u32, gz: u32, bx: u32, by: u32, bz: u32, shared: u32, stream: Handle,
        each: In<In<u8>>,
    ) {
        let config = shape([gx, gy, gz], [bx, by, bz], shared, true);
        launch(function, config, stream, Arguments { each, block: In::from_raw(std::ptr::null()) })
    }

    fn cuLaunchKernelEx(config: In<Config>, function: Handle, each: In<In<u8>>, block: In<usize>) {
        let config = config.get()?;
        let (cooperative, cluster) = config.attributes()?;
        let shape = LaunchConfig { cluster, ..shape(config.grid, config.block, config.shared, cooperative) };
        launch(function, shape, config.stream, Arguments { each, block })
    }
}
