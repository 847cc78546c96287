//! `cuPointerGetAttribute(s)`: what a pointer points to.

use super::context::{current, in_context};
use super::entry::{In, Out};
use super::error::{Error, Outcome};
use super::heap::Kind;
use super::machine::holding;

const HOST: u32 = 1;
const DEVICE: u32 = 2;

/// What an attribute is: its size in C differs.
enum Value {
    Flag(bool),
    Int(u32),
    Long(u64),
}

impl Value {
    fn write(self, to: Out<u64>) -> Outcome {
        match self {
            Value::Flag(value) => to.cast::<u8>().set(value.into()),
            Value::Int(value) => to.cast::<u32>().set(value),
            Value::Long(value) => to.set(value),
        }
    }
}

fn attribute(number: u32, address: u64) -> Outcome<Value> {
    let device = holding(address)?;
    let heap = &device.heap;
    let found = heap
        .memory
        .find(address)
        .filter(|found| !found.freed)
        .ok_or(Error::INVALID_VALUE)?;
    // Memory that is not in the driver's book is a module's variable.
    let block = heap.find(address).ok();
    let kind = block.map_or(Kind::Device, |block| block.kind);
    let context = match block {
        Some(block) => block.context,
        None => current()?.handle,
    };
    let on_host = matches!(kind, Kind::Pinned(_) | Kind::Registered(_));
    let reachable_by_host = on_host || kind == Kind::Managed;
    Ok(match number {
        1 => Value::Long(context as u64),
        2 => Value::Int(if on_host { HOST } else { DEVICE }),
        3 => Value::Long(address),
        4 if reachable_by_host => Value::Long(address),
        4 => return Err(Error::INVALID_VALUE),
        6 | 10 | 15 | 21 => Value::Flag(false),
        7 => Value::Long(block.map_or(0, |block| block.id)),
        8 => Value::Int(u32::from(kind == Kind::Managed)),
        9 => Value::Int(device.ordinal as u32),
        11 | 19 => Value::Long(found.base),
        12 | 18 => Value::Long(found.bytes as u64),
        13 => Value::Flag(true),
        14 => Value::Long(0),
        16 => Value::Int(3),
        17 => Value::Long(if let Kind::Pool(pool) = kind {
            pool as u64
        } else {
            0
        }),
        20 => Value::Long(block.map_or(0, |block| block.id)),
        5 => return Err(Error::NOT_SUPPORTED),
        _ => return Err(Error::INVALID_VALUE),
    })
}

/// What the plural call writes for a pointer that is not CUDA's.
fn nothing(number: u32) -> Value {
    const INVALID_DEVICE: u32 = -2i32 as u32;
    match number {
        6 | 10 | 13 | 15 | 21 => Value::Flag(false),
        9 => Value::Int(INVALID_DEVICE),
        2 | 8 | 16 => Value::Int(0),
        _ => Value::Long(0),
    }
}

in_context! {
    fn cuPointerGetAttribute(data: Out<u64>, number: u32, address: u64) {
        current()?;
        data.check()?;
        attribute(number, address)?.write(data)
    }

    fn cuPointerGetAttributes(count: u32, numbers: In<u32>, data: In<usize>, address: u64) {
        current()?;
        let numbers = numbers.list(count as usize)?;
        for (number, to) in numbers.into_iter().zip(data.list(count as usize)?) {
            let value = attribute(number, address).unwrap_or_else(|_| nothing(number));
            value.write(Out::from_raw(to as *mut u64))?;
        }
        Ok(())
    }

    fn cuPointerSetAttribute(value: In<u32>, number: u32, address: u64) {
        const SYNC_MEMOPS: u32 = 6;
        current()?;
        holding(address)?.heap.find(address)?;
        value.get()?;
        if number == SYNC_MEMOPS { Ok(()) } else { Err(Error::INVALID_VALUE) }
    }
}
