//! Runs one file through the driver API.

use crate::case::{Buffer, Case};
use crate::value::Value;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;
use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr::null_mut;

const UNTOUCHED: u8 = 0xa5;
const MOST_SHOWN: usize = 4;

/// A context for the files of one thread. A kernel that faults spoils its context; then the next file gets a new one.
pub struct Device {
    context: sys::CUcontext,
    capability: i32,
}

impl Device {
    pub fn new() -> Result<Device, DriverError> {
        cuda_emulator_testing::install();
        let (mut context, mut major, mut minor) = (null_mut(), 0, 0);
        result::init()?;
        // SAFETY: results have room; there is a device 0.
        unsafe {
            sys::cuCtxCreate_v2(&raw mut context, 0, 0).result()?;
            sys::cuDeviceComputeCapability(&raw mut major, &raw mut minor, 0).result()?;
        }
        Ok(Device {
            context,
            capability: major * 10 + minor,
        })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: created above, destroyed once; what was allocated in it goes with it.
        unsafe { sys::cuCtxDestroy_v2(self.context) };
    }
}

fn bytes(buffer: &Buffer) -> Vec<u8> {
    let element = |value: &Value| match value {
        Value::Bits(bits) => bits.to_le_bytes()[..buffer.kind.bytes].to_vec(),
        Value::AnyNan => vec![0xff; buffer.kind.bytes],
    };
    buffer.values.iter().flat_map(element).collect()
}

/// Whether the file was run; false where it is for another device.
pub fn file(path: &Path, device: &mut Device) -> Result<bool, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case = Case::parse(&text)?;
    if !case.runs_on(device.capability) {
        return Ok(false);
    }
    let outputs = match launch(&case, text) {
        Ok(outputs) => outputs,
        Err(error) => {
            *device = Device::new().map_err(|error| error.to_string())?;
            return Err(error.to_string());
        }
    };
    let wrong: Vec<String> = case
        .outputs
        .iter()
        .zip(&outputs)
        .enumerate()
        .flat_map(|(number, (expected, got))| differences(number, expected, got, &case))
        .collect();
    if wrong.is_empty() {
        return Ok(true);
    }
    let more = wrong.len().saturating_sub(MOST_SHOWN);
    Err(format!(
        "{} (and {more} more)",
        wrong[..wrong.len().min(MOST_SHOWN)].join("; ")
    ))
}

fn launch(case: &Case, text: String) -> Result<Vec<Vec<u8>>, DriverError> {
    let text = CString::new(text).expect("a file without NUL");
    let blank = |buffer: &Buffer| vec![UNTOUCHED; buffer.values.len() * buffer.kind.bytes];
    let contents: Vec<Vec<u8>> = case
        .inputs
        .iter()
        .map(bytes)
        .chain(case.outputs.iter().map(blank))
        .collect();
    // SAFETY: texts end in NUL; every buffer is as long as its contents; the file's kernel takes their addresses, by
    // the format's definition.
    unsafe {
        let module = result::module::load_data(text.as_ptr().cast())?;
        let kernel = result::module::get_function(module, c"test".into())?;
        let mut addresses = Vec::new();
        for content in &contents {
            addresses.push(result::malloc_sync(content.len())?);
            result::memcpy_htod_sync(*addresses.last().expect("just pushed"), content)?;
        }
        let mut arguments: Vec<*mut c_void> =
            addresses.iter_mut().map(|a| (&raw mut *a).cast()).collect();
        let (grid, block) = ((case.blocks, 1, 1), (case.threads, 1, 1));
        result::launch_kernel(kernel, grid, block, case.shared, null_mut(), &mut arguments)?;
        let mut outputs = contents[case.inputs.len()..].to_vec();
        for (output, address) in outputs.iter_mut().zip(&addresses[case.inputs.len()..]) {
            result::memcpy_dtoh_sync(output, *address)?;
        }
        for address in addresses {
            result::free_sync(address)?;
        }
        result::module::unload(module)?;
        Ok(outputs)
    }
}

fn differences(number: usize, expected: &Buffer, got: &[u8], case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    for (i, (value, element)) in expected
        .values
        .iter()
        .zip(got.chunks(expected.kind.bytes))
        .enumerate()
    {
        let mut bits = [0; 8];
        bits[..element.len()].copy_from_slice(element);
        let bits = u64::from_le_bytes(bits);
        if !expected.kind.alike(*value, bits, expected.tolerance) {
            let input = |buffer: &Buffer| {
                buffer
                    .values
                    .get(i)
                    .map_or("-".into(), |value| format!("{value:x}"))
            };
            let inputs: Vec<String> = case.inputs.iter().map(input).collect();
            found.push(format!(
                "out{number}[{i}] of ({}): expected {value:x}, got {bits:#x}",
                inputs.join(", ")
            ));
        }
    }
    found
}
