//! What devices say of themselves: `cuDevice*`.

use super::attributes;
use super::entry::{Out, Text, api};
use super::error::{Error, Outcome};
use super::machine::{Device, Ordinal, device, machine};
use std::ffi::c_char;

/// Devices are told apart by what follows the name.
fn uuid(device: &Device) -> Outcome<[u8; 16]> {
    let mut uuid = *b"cuda-emulator-00";
    let (major, minor) = machine()?.profile.capability;
    uuid[13] += device.ordinal as u8;
    uuid[14] += major as u8;
    uuid[15] += minor as u8;
    Ok(uuid)
}

/// The bus is the device's number.
fn bus_id(ordinal: Ordinal) -> String {
    format!("0000:{ordinal:02x}:00.0")
}

/// `CUdevprop`, the oldest way to ask.
#[repr(C)]
pub struct Properties {
    max_threads_per_block: i32,
    max_threads_dim: [i32; 3],
    max_grid_size: [i32; 3],
    shared_per_block: i32,
    constant_memory: i32,
    warp: i32,
    pitch: i32,
    registers_per_block: i32,
    clock_khz: i32,
    texture_align: i32,
}

api! {
    fn cuDeviceGet(device: Out<Ordinal>, ordinal: i32) {
        self::device(ordinal)?;
        device.set(ordinal)
    }

    fn cuDeviceGetCount(count: Out<i32>) {
        count.set(machine()?.devices.len() as i32)
    }

    fn cuDeviceGetName(name: Out<c_char>, room: i32, ordinal: Ordinal) {
        device(ordinal)?;
        name.set_text(&machine()?.name(), usize::try_from(room).map_err(|_| Error::INVALID_VALUE)?)
    }

    fn cuDeviceGetAttribute(result: Out<i32>, attribute: i32, ordinal: Ordinal) {
        const PCI_BUS: i32 = 33;
        device(ordinal)?;
        match attribute {
            PCI_BUS => result.set(ordinal),
            _ => result.set(attributes::value(machine()?.profile, attribute).ok_or(Error::INVALID_VALUE)?),
        }
    }

    fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, ordinal: Ordinal) {
        device(ordinal)?;
        let capability = machine()?.profile.capability;
        major.set(capability.0)?;
        minor.set(capability.1)
    }

    fn cuDeviceGetProperties(properties: Out<Properties>, ordinal: Ordinal) {
        device(ordinal)?;
        let profile = machine()?.profile;
        properties.set(Properties {
            max_threads_per_block: attributes::MAX_THREADS_PER_BLOCK,
            max_threads_dim: attributes::MAX_BLOCK.map(|n| n as i32),
            max_grid_size: attributes::MAX_GRID.map(|n| n as i32),
            shared_per_block: attributes::SHARED_PER_BLOCK,
            constant_memory: 64 << 10,
            warp: 32,
            pitch: i32::MAX,
            registers_per_block: attributes::REGISTERS,
            clock_khz: profile.clock_khz,
            texture_align: 512,
        })
    }

    fn cuDeviceTotalMem_v2(bytes: Out<usize>, ordinal: Ordinal) {
        bytes.set(device(ordinal)?.heap.capacity())
    }

    fn cuDeviceGetUuid(uuid: Out<[u8; 16]>, ordinal: Ordinal) {
        uuid.set(self::uuid(device(ordinal)?)?)
    }

    fn cuDeviceGetUuid_v2(uuid: Out<[u8; 16]>, ordinal: Ordinal) {
        uuid.set(self::uuid(device(ordinal)?)?)
    }

    fn cuDeviceGetPCIBusId(text: Out<c_char>, room: i32, ordinal: Ordinal) {
        device(ordinal)?;
        text.set_text(&bus_id(ordinal), usize::try_from(room).map_err(|_| Error::INVALID_VALUE)?)
    }

    fn cuDeviceGetByPCIBusId(result: Out<Ordinal>, text: Text) {
        let wanted = text.get()?;
        // domain, bus, device and function; the first and the last may be left out
        let wanted = wanted.to_ascii_lowercase();
        let is = |device: &&Device| {
            let full = bus_id(device.ordinal);
            [&full[..], &full[..10], &full[5..], &full[5..10]].contains(&wanted.as_str())
        };
        let found = machine()?.devices.iter().find(is);
        result.set(found.ok_or(Error::INVALID_DEVICE)?.ordinal)
    }

    fn cuDeviceGetExecAffinitySupport(result: Out<i32>, _kind: u32, ordinal: Ordinal) {
        device(ordinal)?;
        result.set(0)
    }
}
