//! Runs one file through the driver API.

use crate::case::{Buffer, Case};
use crate::value::Value;
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const UNTOUCHED: u8 = 0xa5;
const MOST_SHOWN: usize = 4;

fn context() -> &'static Arc<CudaContext> {
    static CONTEXT: OnceLock<Arc<CudaContext>> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        cuda_emulator_testing::install();
        CudaContext::new(0).unwrap()
    })
}

fn bytes(buffer: &Buffer) -> Vec<u8> {
    let element = |value: &Value| match value {
        Value::Bits(bits) => bits.to_le_bytes()[..buffer.kind.bytes].to_vec(),
        Value::AnyNan => vec![0xff; buffer.kind.bytes],
    };
    buffer.values.iter().flat_map(element).collect()
}

/// Whether the file was run; false where it is for a newer device.
pub fn file(path: &Path) -> Result<bool, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case = Case::parse(&text)?;
    let context = context();
    let (major, minor) = context
        .compute_capability()
        .map_err(|error| error.to_string())?;
    if case.target > major * 10 + minor {
        return Ok(false);
    }
    let stream = context.new_stream().map_err(|error| error.to_string())?;
    let outputs = launch(context, &stream, &case, text).map_err(|error| format!("{error}"))?;
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

fn launch(
    context: &Arc<CudaContext>,
    stream: &Arc<CudaStream>,
    case: &Case,
    text: String,
) -> Result<Vec<Vec<u8>>, cudarc::driver::DriverError> {
    let kernel = context
        .load_module(Ptx::from_src(text))?
        .load_function("test")?;
    let inputs: Vec<CudaSlice<u8>> = case
        .inputs
        .iter()
        .map(|buffer| stream.clone_htod(&bytes(buffer)))
        .collect::<Result<_, _>>()?;
    let blank = |buffer: &Buffer| vec![UNTOUCHED; buffer.values.len() * buffer.kind.bytes];
    let mut outputs: Vec<CudaSlice<u8>> = case
        .outputs
        .iter()
        .map(|buffer| stream.clone_htod(&blank(buffer)))
        .collect::<Result<_, _>>()?;
    let mut call = stream.launch_builder(&kernel);
    for buffer in &inputs {
        call.arg(buffer);
    }
    for buffer in &mut outputs {
        call.arg(buffer);
    }
    let config = LaunchConfig {
        grid_dim: (case.blocks, 1, 1),
        block_dim: (case.threads, 1, 1),
        shared_mem_bytes: case.shared,
    };
    // SAFETY: the file's kernel takes these buffers, by the format's definition.
    unsafe { call.launch(config) }?;
    outputs
        .iter()
        .map(|buffer| stream.clone_dtoh(buffer))
        .collect()
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
