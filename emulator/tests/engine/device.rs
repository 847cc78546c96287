//! A device with one module.

use cuda_emulator::check::{Checks, Fault};
use cuda_emulator::exec::{ComputeCapability, LaunchConfig, Options, launch};
use cuda_emulator::memory::Memory;
use cuda_emulator::module::Module;
use std::sync::Arc;

pub const NEWEST: (u32, u32) = (8, 7);
pub const CC: ComputeCapability = ComputeCapability { major: 9, minor: 0 };

/// A device with one module.
pub struct Device {
    pub memory: Arc<Memory>,
    pub module: Module,
    pub checks: Checks,
}

impl Device {
    pub fn new(ptx: &str) -> Device {
        let memory = Arc::new(Memory::new(1 << 30));
        let module =
            Module::load(ptx.as_bytes(), NEWEST, CC, &memory).unwrap_or_else(|e| panic!("{e}"));
        Device {
            memory,
            module,
            checks: Checks::ALL,
        }
    }

    /// A kernel of this body; `%p1`.. `%r1`.., `%rd1`.. `%f1`.., `%fd1`.., `%rs1`.. are declared, 64-bit parameters
    /// `a`, `b`, `c` and the 32-bit `n`.
    pub fn body(text: &str) -> Device {
        Device::body_for("sm_80", text)
    }

    /// The same for a target.
    pub fn body_for(target: &str, text: &str) -> Device {
        Device::new(&format!(
            ".version 8.7\n.target {target}\n.address_size 64\n.visible .entry k(.param .u64 a, .param .u64 b, \
             .param .u64 c, .param .u32 n)\n{{\n.reg .pred %p<20>; .reg .b16 %rs<40>; .reg .b32 %r<80>; \
             .reg .f32 %f<40>; .reg .b64 %rd<40>; .reg .f64 %fd<20>;\n{text}\n}}\n"
        ))
    }

    pub fn upload<T: Copy>(&self, data: &[T]) -> u64 {
        let bytes = size_of_val(data);
        let address = self.memory.alloc(bytes.max(1)).unwrap();
        // SAFETY: plain numbers are their bytes.
        let raw = unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), bytes) };
        self.memory.write(address, raw).unwrap();
        address
    }

    pub fn download<T: Copy + Default>(&self, address: u64, count: usize) -> Vec<T> {
        let mut out = vec![T::default(); count];
        // SAFETY: plain numbers may be made of any bytes.
        let raw = unsafe {
            std::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), size_of_val(&out[..]))
        };
        self.memory.read(address, raw).unwrap();
        out
    }

    /// What the host would be told that reads bytes which a kernel has left.
    pub fn told(&self, address: u64, bytes: usize) -> Option<Fault> {
        let (address, mark, bytes) = self.memory.undefined(address, bytes)?;
        let told = cuda_emulator::check::undefined::read_by_host(mark, address, bytes);
        Some(told.expect("a report").1)
    }

    pub fn launch(
        &self,
        name: &str,
        grid: [u32; 3],
        block: [u32; 3],
        params: &[u8],
    ) -> Result<(), Fault> {
        let kernel = self.module.kernel(name).expect("kernel");
        let config = LaunchConfig {
            grid,
            block,
            dynamic_shared: 0,
            cluster: None,
            cooperative: false,
        };
        let options = Options {
            checks: self.checks,
            patience: 2,
            ..Options::default()
        };
        launch(&kernel, &config, params, &self.memory, &options)
    }

    /// Runs `k` with one block.
    pub fn run(&self, threads: u32, abc: [u64; 3], n: u32) -> Result<(), Fault> {
        self.launch("k", [1, 1, 1], [threads, 1, 1], &params(&abc, n))
    }
}

pub fn params(pointers: &[u64], n: u32) -> Vec<u8> {
    let mut out: Vec<u8> = pointers.iter().flat_map(|p| p.to_le_bytes()).collect();
    out.extend(n.to_le_bytes());
    out
}
