//! Reads the few fields of an ONNX `TensorProto` that the vectors use: `dims`, `data_type`, `raw_data`.

/// A tensor of a vector, floats or integers.
#[derive(Debug)]
pub struct Value {
    pub shape: Vec<usize>,
    pub floats: Vec<f32>,
    pub integers: Vec<i64>,
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

impl Value {
    /// Panics on anything that the vectors do not hold.
    pub fn read(mut bytes: &[u8]) -> Self {
        let (mut shape, mut data_type, mut raw) = (Vec::new(), 0, &[][..]);
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            match (tag >> 3, tag & 7) {
                (1, 0) => shape.push(varint(&mut bytes) as usize),
                (1, 2) => {
                    let mut packed = block(&mut bytes);
                    while !packed.is_empty() {
                        shape.push(varint(&mut packed) as usize);
                    }
                }
                (2, 0) => data_type = varint(&mut bytes),
                (9, 2) => raw = block(&mut bytes),
                // the name
                (8, 2) => drop(block(&mut bytes)),
                (field, wire) => panic!("TensorProto field {field} of wire type {wire}"),
            }
        }
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        match data_type {
            FLOAT => floats.extend(raw.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            INT64 => integers.extend(raw.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b))),
            other => panic!("TensorProto of data type {other}"),
        }
        let value = Self {
            shape,
            floats,
            integers,
        };
        let read = value.floats.len().max(value.integers.len());
        assert_eq!(read, value.shape.iter().product::<usize>(), "{value:?}");
        value
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a varint that ends");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn block<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = varint(bytes) as usize;
    let (block, rest) = bytes.split_at(len);
    *bytes = rest;
    block
}
