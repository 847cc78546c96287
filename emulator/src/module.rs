//! Loaded modules: text is parsed and decoded to kernels.

use crate::exec::handler::{UNSUPPORTED, supported};
use crate::exec::{ComputeCapability, Kernel, LoadError, LoadErrorKind};
use crate::memory::Memory;
use std::collections::HashMap;
use std::sync::Arc;

/// A module: parsed, decoded, its variables in device memory.
pub struct Module {
    kernels: HashMap<String, Arc<Kernel>>,
    globals: HashMap<String, (u64, usize)>,
    memory: Arc<Memory>,
}

impl Module {
    /// Loads PTX text of a version up to `newest`; a NUL at the end is allowed.
    ///
    /// # Errors
    /// Where and why the text was refused.
    pub fn load(
        ptx: &[u8],
        newest: (u32, u32),
        cc: ComputeCapability,
        memory: &Arc<Memory>,
    ) -> Result<Module, LoadError> {
        let syntax = |line, message| LoadError {
            line,
            kind: LoadErrorKind::Syntax,
            message,
        };
        if !supported() {
            return Err(LoadError {
                line: 0,
                kind: LoadErrorKind::Unsupported,
                message: UNSUPPORTED.to_owned(),
            });
        }
        let end = ptx.iter().position(|b| *b == 0).unwrap_or(ptx.len());
        let text =
            std::str::from_utf8(&ptx[..end]).map_err(|e| syntax(0, format!("not text: {e}")))?;
        let source = crate::ptx::parse(text).map_err(|e| syntax(e.line, e.message))?;
        if source.version > newest {
            let [text, driver] = [source.version, newest].map(|(a, b)| format!("{a}.{b}"));
            return Err(LoadError {
                line: source.version_line,
                kind: LoadErrorKind::TooNew,
                message: format!("it is PTX {text}, and this driver takes {driver} or older"),
            });
        }
        let mut module = Module {
            kernels: HashMap::new(),
            globals: HashMap::new(),
            memory: memory.clone(),
        };
        // what was allocated is freed with the module, also where decoding fails half-way
        let kernels = crate::decode::module(&source, cc, memory, &mut module.globals)?;
        module.kernels = kernels
            .into_iter()
            .map(|k| (k.name.clone(), Arc::new(k)))
            .collect();
        Ok(module)
    }

    /// A kernel by name.
    pub fn kernel(&self, name: &str) -> Option<Arc<Kernel>> {
        self.kernels.get(name).cloned()
    }

    /// Names of all kernels.
    pub fn kernel_names(&self) -> impl Iterator<Item = &str> {
        self.kernels.keys().map(String::as_str)
    }

    /// Device address and bytes of a module variable.
    pub fn global(&self, name: &str) -> Option<(u64, usize)> {
        self.globals.get(name).copied()
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        for (address, _) in self.globals.values() {
            // the device may have been reset meanwhile, and the memory with it
            let _ = self.memory.free(*address);
        }
    }
}
