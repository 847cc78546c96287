//! The few of ONNX's protobuf messages that hold weights (onnx.proto): fields one after the other, and a tensor.

use std::error::Error;

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};
use warpsmith::{Device, Tensor};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// `TensorProto`'s numbers for types.
pub const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// What a field of a message holds.
pub enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Float(f32),
}

/// The fields of a message, one after the other; the first that is none ends them.
pub fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u32, Value<'_>)>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let field = field(&mut bytes);
        if field.is_err() {
            bytes = &[];
        }
        Some(field)
    })
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Value<'a>)> {
    let (tag, wire) = decode_key(bytes)?;
    let value = match wire {
        WireType::ThirtyTwoBit => Value::Float(take(bytes, 4)?.get_f32_le()),
        WireType::SixtyFourBit => Value::Bytes(take(bytes, 8)?),
        WireType::Varint => Value::Number(decode_varint(bytes)?),
        WireType::LengthDelimited => {
            let len = decode_varint(bytes)?;
            Value::Bytes(take(bytes, len)?)
        }
        WireType::StartGroup | WireType::EndGroup => return Err("it has groups".into()),
    };
    Ok((tag, value))
}

/// So many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], len: u64) -> Result<&'a [u8]> {
    let (front, rest) = bytes
        .split_at_checked(usize::try_from(len)?)
        .ok_or("it ends too early")?;
    *bytes = rest;
    Ok(front)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A `TensorProto`.
#[derive(Default)]
pub struct Proto<'a> {
    pub name: String,
    dims: Vec<u64>,
    pub data_type: u64,
    floats: Vec<f32>,
    ints: Vec<u64>,
    raw: &'a [u8],
    elsewhere: bool,
}

/// A repeated number, one to a field or all in one.
fn push(numbers: &mut Vec<u64>, value: &Value<'_>) -> Result<()> {
    match value {
        Value::Number(number) => numbers.push(*number),
        Value::Bytes(packed) => {
            let mut packed = *packed;
            while packed.has_remaining() {
                numbers.push(decode_varint(&mut packed)?);
            }
        }
        Value::Float(_) => return Err("a float where an integer stands".into()),
    }
    Ok(())
}

impl<'a> Proto<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut tensor = Self::default();
        for field in fields(bytes) {
            match field? {
                (1, value) => push(&mut tensor.dims, &value)?,
                (2, Value::Number(data_type)) => tensor.data_type = data_type,
                (4, Value::Float(value)) => tensor.floats.push(value),
                (4, Value::Bytes(packed)) => tensor.floats.extend(of_bytes(packed)),
                (7, value) => push(&mut tensor.ints, &value)?,
                (8, Value::Bytes(name)) => tensor.name = text(name),
                (9, Value::Bytes(raw)) => tensor.raw = raw,
                (14, Value::Number(location)) => tensor.elsewhere = location == 1,
                _ => {}
            }
        }
        Ok(tensor)
    }

    pub fn floats(&self) -> Result<Tensor<f32>> {
        let name = &self.name;
        if self.elsewhere {
            return Err(format!("{name} is in another file").into());
        }
        if self.data_type != FLOAT {
            return Err(format!("{name} is of type {}, expected 1, f32", self.data_type).into());
        }
        let shape = self.dims.iter().map(|&side| usize::try_from(side));
        let shape = shape.collect::<std::result::Result<Vec<_>, _>>()?;
        let values = match self.raw {
            [] => self.floats.clone(),
            raw => of_bytes(raw).collect(),
        };
        let tensor = Tensor::from_vec(values, &shape, &Device::Cpu);
        tensor.map_err(|e| format!("{name}: {e}").into())
    }

    /// The numbers of a shape.
    pub fn sides(&self) -> Result<Vec<usize>> {
        let name = &self.name;
        if self.data_type != INT64 {
            return Err(format!("{name} is of type {}, expected 7, i64", self.data_type).into());
        }
        let (words, _) = self.raw.as_chunks::<8>();
        let sides = words.iter().map(|&b| u64::from_le_bytes(b));
        let sides = sides.chain(self.ints.iter().copied());
        let sides = sides.map(|side| usize::try_from(side).map_err(Into::into));
        sides.collect()
    }
}

fn of_bytes(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&b| f32::from_le_bytes(b))
}
