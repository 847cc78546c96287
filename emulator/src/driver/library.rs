//! Libraries and kernels that belong to no context: `cuLibrary*`, `cuKernel*`. A `CUkernel` is taken wherever a
//! `CUfunction` is, as by the driver; here it is the function of the context that is current when it is asked for.

use super::capture;
use super::context::{current, in_context, top};
use super::deferred;
use super::entry::{In, Out, Text, api};
use super::error::{Error, Outcome};
use super::function::{self, FUNCTIONS};
use super::handles::{Handle, Table, lock};
use super::machine::{Device, Ordinal, device, machine};
use super::module::{self, JitLog, MODULES, Module};
use crate::module::Module as Code;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub struct Library {
    handle: Handle,
    /// As it was given, for the devices that come later.
    ptx: Vec<u8>,
    /// The code with its variables, which each device that uses it has for itself.
    codes: Mutex<BTreeMap<Ordinal, Arc<Code>>>,
    /// The library as a module of each context that used it.
    modules: Mutex<BTreeMap<Handle, Handle>>,
}

static LIBRARIES: Table<Library> = Table::new();

impl Library {
    fn code(&self, device: &Device) -> Outcome<Arc<Code>> {
        let mut codes = lock(&self.codes);
        if let Some(code) = codes.get(&device.ordinal) {
            return Ok(code.clone());
        }
        let code = Arc::new(module::compile(&self.ptx, &JitLog::default(), device)?);
        codes.insert(device.ordinal, code.clone());
        Ok(code)
    }

    /// How many kernels it has, on whatever device.
    fn kernels(&self) -> u32 {
        let codes = lock(&self.codes);
        codes
            .values()
            .next()
            .map_or(0, |code| code.kernel_names().count() as u32)
    }

    fn module(&self) -> Outcome<Arc<Module>> {
        let current = current()?;
        let context = current.handle;
        let mut modules = lock(&self.modules);
        if let Some(module) = modules
            .get(&context)
            .and_then(|&handle| MODULES.get(handle).ok())
        {
            return Ok(module);
        }
        let module = module::enter(self.code(current.device)?, context, true);
        modules.insert(context, module.handle);
        Ok(module)
    }
}

fn find(handle: Handle) -> Outcome<Arc<Library>> {
    machine()?;
    LIBRARIES.get(handle)
}

fn load(result: Out<Handle>, ptx: &[u8], log: &JitLog) -> Outcome {
    result.check()?;
    // no context is needed; without one the first device says whether it is right
    let device = match top() {
        Ok(context) => context.device,
        Err(_) => device(0)?,
    };
    let code = Arc::new(module::compile(ptx, log, device)?);
    result.set(
        LIBRARIES
            .insert(|handle| Library {
                handle,
                ptx: ptx.to_vec(),
                codes: Mutex::new(BTreeMap::from([(device.ordinal, code)])),
                modules: Mutex::default(),
            })
            .handle,
    )
}

in_context! {
    fn cuLibraryGetModule(result: Out<Handle>, library: Handle) {
        result.set(find(library)?.module()?.handle)
    }

    fn cuLibraryGetGlobal(address: Out<u64>, bytes: Out<usize>, library: Handle, name: Text) {
        find(library)?.module()?.global(address, bytes, name)
    }

    fn cuKernelGetFunction(result: Out<Handle>, kernel: Handle) {
        let function = function::find(kernel)?;
        let name = function.kernel.name.clone();
        let here = current()?.handle;
        if function.context == here {
            return result.set(kernel);
        }
        let library = LIBRARIES.all().into_iter().find(|l| lock(&l.modules).values().any(|&m| m == function.module));
        result.set(library.ok_or(Error::INVALID_HANDLE)?.module()?.function(&name)?)
    }
}

api! {
    fn cuLibraryLoadData(
        result: Out<Handle>, data: In<u8>, options: In<u32>, values: In<usize>, count: u32,
        _library_options: In<u32>, _library_values: In<usize>, _library_count: u32,
    ) {
        load(result, &module::image(data)?, &JitLog::new(count, options, values)?)
    }

    fn cuLibraryLoadFromFile(
        result: Out<Handle>, name: Text, options: In<u32>, values: In<usize>, count: u32,
        _library_options: In<u32>, _library_values: In<usize>, _library_count: u32,
    ) {
        load(result, &module::file(name)?, &JitLog::new(count, options, values)?)
    }

    fn cuLibraryUnload(handle: Handle) {
        find(handle)?;
        capture::refuse_unsafe_call()?;
        deferred::settle_all();
        let library = LIBRARIES.remove(handle)?;
        for module in lock(&library.modules).values() {
            if let Ok(module) = MODULES.get(*module) {
                module::unload(&module);
            }
        }
        Ok(())
    }

    fn cuLibraryGetKernel(result: Out<Handle>, library: Handle, name: Text) {
        result.check()?;
        result.set(find(library)?.module()?.function(&name.get()?)?)
    }

    fn cuLibraryGetKernelCount(result: Out<u32>, library: Handle) {
        result.set(find(library)?.kernels())
    }

    fn cuLibraryEnumerateKernels(result: Out<Handle>, room: u32, library: Handle) {
        result.fill(find(library)?.module()?.functions()?, room as usize)
    }

    fn cuKernelGetLibrary(result: Out<Handle>, kernel: Handle) {
        let module = FUNCTIONS.get(kernel)?.module;
        let library = LIBRARIES.all().into_iter().find(|l| lock(&l.modules).values().any(|&m| m == module));
        result.set(library.ok_or(Error::INVALID_HANDLE)?.handle)
    }

    fn cuKernelGetAttribute(result: Out<i32>, attribute: i32, kernel: Handle, ordinal: Ordinal) {
        device(ordinal)?;
        result.set(function::find(kernel)?.attribute(attribute)?)
    }

    fn cuKernelSetAttribute(attribute: i32, value: i32, kernel: Handle, ordinal: Ordinal) {
        device(ordinal)?;
        function::find(kernel)?.set_attribute(attribute, value)
    }

    fn cuKernelSetCacheConfig(kernel: Handle, _config: u32, ordinal: Ordinal) {
        device(ordinal)?;
        function::find(kernel).map(|_| ())
    }

    fn cuKernelGetName(result: Out<usize>, kernel: Handle) {
        result.set(function::find(kernel)?.c_name.as_ptr() as usize)
    }

    fn cuKernelGetParamInfo(kernel: Handle, index: usize, offset: Out<usize>, size: Out<usize>) {
        function::find(kernel)?.parameter(index, offset, size)
    }
}
