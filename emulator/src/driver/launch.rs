//! Launches: checks the shape, copies the arguments, hands over to `exec`.

use super::attributes::{MAX_BLOCK, MAX_GRID};
use super::counts;
use super::entry::In;
use super::error::{Error, Outcome};
use super::function::Function;
use super::handles::Handle;
use super::machine::machine;
use crate::check::Fault;
use crate::exec::{self, Kernel, LaunchConfig, Options};
use crate::memory::Memory;
use std::sync::Arc;

/// A kernel with its shape and its own copy of the arguments.
pub struct Launch {
    pub function: Handle,
    pub kernel: Arc<Kernel>,
    pub config: LaunchConfig,
    pub arguments: Vec<u8>,
    /// The address of each argument in `arguments`, for those who ask a graph's node what it was given.
    pub pointers: Vec<usize>,
}

/// `CUlaunchConfig`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    pub stream: Handle,
    attributes: In<Attribute>,
    count: u32,
}

/// `CUlaunchAttribute`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Attribute {
    id: u32,
    pad: u32,
    value: [u32; 16],
}

impl Config {
    /// Whether the launch is cooperative, and its clusters' size. Hints are passed over.
    pub fn attributes(&self) -> Outcome<(bool, Option<[u32; 3]>)> {
        const COOPERATIVE: u32 = 2;
        const CLUSTER: u32 = 4;
        let mut found = (false, None);
        for attribute in self.attributes.list(self.count as usize)? {
            match attribute.id {
                COOPERATIVE => found.0 = attribute.value[0] != 0,
                CLUSTER => {
                    found.1 = Some([attribute.value[0], attribute.value[1], attribute.value[2]])
                }
                0..=14 => {}
                _ => return Err(Error::INVALID_VALUE),
            }
        }
        Ok(found)
    }
}

/// Where the arguments lie: a pointer to each, or one block of bytes described by a list of keys and values.
#[derive(Clone, Copy)]
pub struct Arguments {
    pub each: In<In<u8>>,
    pub block: In<usize>,
}

impl Arguments {
    fn copy(self, kernel: &Kernel) -> Outcome<Vec<u8>> {
        let mut bytes = vec![0; kernel.param_bytes];
        if !self.each.is_null() {
            if !self.block.is_null() {
                return Err(Error::INVALID_VALUE);
            }
            let pointers = self.each.list(kernel.params.len())?;
            for (parameter, pointer) in kernel.params.iter().zip(pointers) {
                let value = pointer.list(parameter.size)?;
                bytes[parameter.offset..parameter.offset + parameter.size].copy_from_slice(&value);
            }
        } else if !self.block.is_null() {
            let block = self.extra()?;
            if block.len()
                < kernel
                    .params
                    .last()
                    .map_or(0, |last| last.offset + last.size)
            {
                return Err(Error::INVALID_VALUE);
            }
            let kept = block.len().min(bytes.len());
            bytes[..kept].copy_from_slice(&block[..kept]);
        } else if !kernel.params.is_empty() {
            return Err(Error::INVALID_VALUE);
        }
        Ok(bytes)
    }

    /// `CU_LAUNCH_PARAM_BUFFER_POINTER`, `_BUFFER_SIZE`, `_END`.
    fn extra(self) -> Outcome<Vec<u8>> {
        let (mut pointer, mut size) = (None, None);
        for at in (0..).step_by(2) {
            let key = self.block.list(at + 1)?[at];
            if key == 0 {
                break;
            }
            let value = self.block.list(at + 2)?[at + 1];
            match key {
                1 if pointer.is_none() => pointer = Some(In::from_raw(value as *const u8)),
                2 if size.is_none() => size = Some(In::from_raw(value as *const usize).get()?),
                _ => return Err(Error::INVALID_VALUE),
            }
        }
        match (pointer, size) {
            (Some(pointer), Some(size)) => pointer.list(size),
            _ => Err(Error::INVALID_VALUE),
        }
    }
}

impl Launch {
    pub fn new(function: &Function, config: LaunchConfig, arguments: Arguments) -> Outcome<Launch> {
        check(function, &config)?;
        let kernel = function.kernel.clone();
        let arguments = arguments.copy(&kernel)?;
        let base = arguments.as_ptr() as usize;
        let pointers = kernel
            .params
            .iter()
            .map(|parameter| base + parameter.offset)
            .collect();
        Ok(Launch {
            function: function.handle,
            kernel,
            config,
            arguments,
            pointers,
        })
    }

    pub fn execute(&self, memory: &Memory, options: &Options) -> Result<(), Fault> {
        let (kernel, config) = (&self.kernel, &self.config);
        if !counts::wanted() {
            return exec::launch(kernel, config, &self.arguments, memory, options);
        }
        let counted = exec::launch_counted(kernel, config, &self.arguments, memory, options)?;
        counts::add(&kernel.name, config, counted);
        Ok(())
    }
}

/// Refuses shapes that no device can run.
fn check(function: &Function, config: &LaunchConfig) -> Outcome {
    let profile = machine()?.profile;
    let within = |size: &[u32; 3], most: &[u32; 3]| {
        size.iter().zip(most).all(|(&n, &max)| n >= 1 && n <= max)
    };
    if !within(&config.grid, &MAX_GRID) || !within(&config.block, &MAX_BLOCK) {
        return Err(Error::INVALID_VALUE);
    }
    let threads: u64 = config.block.iter().map(|&n| u64::from(n)).product();
    if threads > function.max_threads() as u64 {
        return Err(Error::INVALID_VALUE);
    }
    if function
        .kernel
        .required_block
        .is_some_and(|required| required != config.block)
    {
        return Err(Error::INVALID_VALUE);
    }
    if config.dynamic_shared > function.max_dynamic_shared() as u32 {
        return Err(Error::INVALID_VALUE);
    }
    if function.kernel.static_shared + config.dynamic_shared as usize
        > profile.shared_per_block_optin as usize
    {
        return Err(Error::INVALID_VALUE);
    }
    check_cluster(function, config)?;
    if config.cooperative {
        let resident =
            function.blocks_per_multiprocessor(threads as i32, config.dynamic_shared as usize)?;
        let blocks: u64 = config.grid.iter().map(|&n| u64::from(n)).product();
        if blocks > (resident * profile.multiprocessors) as u64 {
            return Err(Error::COOPERATIVE_LAUNCH_TOO_LARGE);
        }
    }
    Ok(())
}

fn check_cluster(function: &Function, config: &LaunchConfig) -> Outcome {
    let own = function.kernel.cluster;
    let Some(size) = config.cluster.or(own) else {
        return Ok(());
    };
    if own.is_some_and(|own| own != size) || size.contains(&0) {
        return Err(Error::INVALID_VALUE);
    }
    if !machine()?.profile.clusters && size != [1; 3] {
        return Err(Error::NOT_SUPPORTED);
    }
    let blocks: u64 = size.iter().map(|&n| u64::from(n)).product();
    if blocks > u64::from(function.max_cluster()) {
        return Err(Error::INVALID_CLUSTER_SIZE);
    }
    if config
        .grid
        .iter()
        .zip(&size)
        .any(|(grid, cluster)| !grid.is_multiple_of(*cluster))
    {
        return Err(Error::INVALID_VALUE);
    }
    Ok(())
}
