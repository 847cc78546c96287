//! Modules: PTX text in, functions and variables out.

use super::capture;
use super::context::{by_handle, current, in_context};
use super::deferred;
use super::entry::{In, Out, Text, api, say};
use super::error::{Error, Outcome};
use super::function::{self, FUNCTIONS, Function};
use super::handles::{Handle, Table, lock};
use super::machine::{Device, machine};
use super::plant;
use crate::exec::LoadErrorKind;
use crate::module::Module as Code;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

pub struct Module {
    pub handle: Handle,
    pub context: Handle,
    pub code: Arc<Code>,
    /// Handles given out, by name: the same name answers the same handle.
    functions: Mutex<BTreeMap<String, Handle>>,
    /// Whether it came from `cuLibraryGetModule`, and so must not be unloaded by itself.
    of_library: bool,
}

pub static MODULES: Table<Module> = Table::new();

/// Machine code in the forms that the driver takes: ELF, a fat binary, and nvcc's wrapper around one.
const BINARIES: [(&[u8], &str); 3] = [
    (&[0x7f, b'E', b'L', b'F'], "a cubin"),
    (&[0x50, 0xed, 0x55, 0xba], "a fat binary"),
    (&[0xb1, 0x43, 0x62, 0x46], "a fat binary"),
];

/// What to do where a program brings machine code.
pub const KEEP_PTX: &str = "the emulator runs PTX only. Have the program make that: a virtual architecture alone (nvcc \
    -arch=compute_90 -code=compute_90, NVRTC --gpu-architecture=compute_90 and nvrtcGetPTX), and no linker that makes \
    machine code (nvJitLink). emulator/README.md has a table of programs and how each is kept on PTX";

/// The PTX at `image`, which is NUL-terminated as for the driver.
pub fn image(image: In<u8>) -> Outcome<Vec<u8>> {
    refuse_binary(image)?;
    image.until_nul()
}

/// Refuses what is no text.
pub fn refuse_binary(image: In<u8>) -> Outcome {
    if image.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    for (magic, what) in BINARIES {
        if image.starts_with(magic) {
            say(format_args!("module refused: it is {what}, and {KEEP_PTX}"));
            return Err(Error::NO_BINARY_FOR_GPU);
        }
    }
    Ok(())
}

/// The PTX in a file.
pub fn file(name: Text) -> Outcome<Vec<u8>> {
    let mut bytes = std::fs::read(name.get()?).map_err(|_| Error::FILE_NOT_FOUND)?;
    bytes.push(0);
    image(In::from_raw(bytes.as_ptr()))
}

/// Parses and decodes, as is not for threads that capture; says on stderr, and in `log`, why a module is refused.
pub fn compile(ptx: &[u8], log: &JitLog, device: &Device) -> Outcome<Code> {
    let machine = machine()?;
    capture::refuse_unsafe_call()?;
    if ptx.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::INVALID_IMAGE);
    }
    let planted = plant::planted(ptx).map_err(|message| {
        log.tell(&message);
        Error::INVALID_PTX
    })?;
    let ptx = planted.as_deref().unwrap_or(ptx);
    keep(ptx);
    let newest = machine.release.ptx;
    Code::load(ptx, newest, machine.capability, &device.heap.memory).map_err(|error| {
        log.tell(&format!("module refused: {error}"));
        match error.kind {
            LoadErrorKind::OutOfMemory => Error::OUT_OF_MEMORY,
            LoadErrorKind::TooNew => Error::UNSUPPORTED_PTX_VERSION,
            LoadErrorKind::WrongTarget => Error::NO_BINARY_FOR_GPU,
            LoadErrorKind::Syntax | LoadErrorKind::Unsupported | LoadErrorKind::Unresolved => {
                Error::INVALID_PTX
            }
        }
    })
}

/// Keeps a module's text in the folder that `CUDA_EMULATOR_DUMP` names: what reports count the lines of.
fn keep(ptx: &[u8]) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let folder = std::env::var_os("CUDA_EMULATOR_DUMP").filter(|folder| !folder.is_empty());
    let Some(folder) = folder.map(PathBuf::from) else {
        return;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!("{}-{number}.ptx", std::process::id()));
    if let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, ptx)) {
        say(format_args!(
            "CUDA_EMULATOR_DUMP: {}: {error}",
            file.display()
        ));
    }
}

/// The caller's buffer for error messages, from the options of a load.
#[derive(Default)]
pub struct JitLog {
    buffer: usize,
    room: usize,
}

impl JitLog {
    /// Options by number, their values in pointers: 5 is the error log's buffer, 6 its size.
    pub fn new(count: u32, options: In<u32>, values: In<usize>) -> Outcome<JitLog> {
        let mut log = JitLog::default();
        for (option, value) in options
            .list(count as usize)?
            .into_iter()
            .zip(values.list(count as usize)?)
        {
            match option {
                5 => log.buffer = value,
                6 => log.room = value as u32 as usize,
                _ => {}
            }
        }
        Ok(log)
    }

    /// Says a message on stderr and writes it to the caller's buffer.
    pub fn tell(&self, message: &str) {
        say(message);
        self.write(message);
    }

    fn write(&self, message: &str) {
        if self.buffer != 0 && self.room > 0 {
            let _ =
                Out::from_raw(self.buffer as *mut std::ffi::c_char).set_text(message, self.room);
        }
    }
}

/// Enters loaded code into a context.
pub fn enter(code: Arc<Code>, context: Handle, of_library: bool) -> Arc<Module> {
    MODULES.insert(|handle| Module {
        handle,
        context,
        code,
        functions: Mutex::default(),
        of_library,
    })
}

fn load(result: Out<Handle>, ptx: &[u8], log: &JitLog) -> Outcome {
    let context = current()?;
    result.check()?;
    result.set(
        enter(
            Arc::new(compile(ptx, log, context.device)?),
            context.handle,
            false,
        )
        .handle,
    )
}

pub fn find(handle: Handle) -> Outcome<Arc<Module>> {
    machine()?;
    let module = MODULES.get(handle)?;
    by_handle(module.context)?.check()?;
    Ok(module)
}

impl Module {
    /// The handle of a kernel by name.
    pub fn function(&self, name: &str) -> Outcome<Handle> {
        let kernel = self.code.kernel(name).ok_or(Error::NOT_FOUND)?;
        let mut functions = lock(&self.functions);
        if let Some(handle) = functions.get(name) {
            return Ok(*handle);
        }
        let function =
            FUNCTIONS.insert(|handle| Function::new(handle, self.handle, self.context, kernel));
        functions.insert(name.to_owned(), function.handle);
        Ok(function.handle)
    }

    /// The handles of all kernels, by name.
    pub fn functions(&self) -> Outcome<Vec<Handle>> {
        let mut names: Vec<&str> = self.code.kernel_names().collect();
        names.sort_unstable();
        names.into_iter().map(|name| self.function(name)).collect()
    }

    pub fn global(&self, address: Out<u64>, bytes: Out<usize>, name: Text) -> Outcome {
        let (found, size) = self.code.global(&name.get()?).ok_or(Error::NOT_FOUND)?;
        address.set_if_wanted(found);
        bytes.set_if_wanted(size);
        Ok(())
    }
}

/// Forgets a module and its functions.
pub fn unload(module: &Module) {
    let _ = MODULES.remove(module.handle);
    FUNCTIONS.retain(|function| function.module != module.handle);
}

in_context! {
    fn cuModuleLoadData(result: Out<Handle>, data: In<u8>) {
        load(result, &image(data)?, &JitLog::default())
    }

    fn cuModuleLoadDataEx(result: Out<Handle>, data: In<u8>, count: u32, options: In<u32>, values: In<usize>) {
        load(result, &image(data)?, &JitLog::new(count, options, values)?)
    }

    fn cuModuleLoadFatBinary(result: Out<Handle>, data: In<u8>) {
        load(result, &image(data)?, &JitLog::default())
    }

    fn cuModuleLoad(result: Out<Handle>, name: Text) {
        load(result, &file(name)?, &JitLog::default())
    }

    fn cuModuleUnload(handle: Handle) {
        let module = find(handle)?;
        capture::refuse_unsafe_call()?;
        deferred::settle_all();
        if module.of_library {
            return Err(Error::NOT_PERMITTED);
        }
        unload(&module);
        Ok(())
    }

    fn cuModuleGetFunction(result: Out<Handle>, module: Handle, name: Text) {
        let module = find(module)?;
        result.check()?;
        result.set(module.function(&name.get()?)?)
    }

    fn cuModuleEnumerateFunctions(result: Out<Handle>, room: u32, module: Handle) {
        result.fill(find(module)?.functions()?, room as usize)
    }

    fn cuModuleGetGlobal_v2(address: Out<u64>, bytes: Out<usize>, module: Handle, name: Text) {
        find(module)?.global(address, bytes, name)
    }

    fn cuFuncGetModule(result: Out<Handle>, function: Handle) {
        result.set(find(function::find(function)?.module)?.handle)
    }
}

api! {
    fn cuModuleGetFunctionCount(result: Out<u32>, module: Handle) {
        result.set(find(module)?.code.kernel_names().count() as u32)
    }

    fn cuModuleGetLoadingMode(result: Out<u32>) {
        const EAGER: u32 = 1;
        machine()?;
        result.set(EAGER)
    }
}
