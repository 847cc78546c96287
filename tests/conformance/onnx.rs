//! The few fields of ONNX's protobuf messages that the vectors need (onnx.proto, Apache-2.0).
//!
//! Read by prost's wire format, without its derive: that one's `syn` has other features than everybody else's, so that
//! `cargo test` would compile again what `cargo run` has compiled.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

/// What a field holds.
pub enum Field<'a> {
    Varint(u64),
    Fixed(u32),
    Bytes(&'a [u8]),
}

/// A message that is put together field by field; what is not known is left out.
pub trait Message: Default {
    fn set(&mut self, tag: u32, field: Field<'_>);

    fn decode(mut bytes: &[u8]) -> Self {
        let mut message = Self::default();
        while bytes.has_remaining() {
            let (tag, wire) = decode_key(&mut bytes).unwrap();
            let field = match wire {
                WireType::Varint => Field::Varint(decode_varint(&mut bytes).unwrap()),
                WireType::ThirtyTwoBit => Field::Fixed(bytes.get_u32_le()),
                WireType::LengthDelimited => {
                    let len = decode_varint(&mut bytes).unwrap() as usize;
                    let (field, rest) = bytes.split_at(len);
                    bytes = rest;
                    Field::Bytes(field)
                }
                other => panic!("no vector has a field of {other:?}"),
            };
            message.set(tag, field);
        }
        message
    }
}

#[derive(Default)]
pub struct Model {
    pub graph: Graph,
}

#[derive(Default)]
pub struct Graph {
    pub node: Vec<Node>,
}

/// One op with its attributes.
#[derive(Default)]
pub struct Node {
    pub op_type: String,
    pub attribute: Vec<Attribute>,
}

#[derive(Default)]
pub struct Attribute {
    pub name: String,
    pub f: f32,
    pub i: i64,
    pub s: Vec<u8>,
    pub ints: Vec<i64>,
}

#[derive(Default)]
pub struct TensorProto {
    pub dims: Vec<i64>,
    /// 1 is f32, 7 is i64.
    pub data_type: i32,
    pub raw_data: Vec<u8>,
}

/// A repeated number, one to a field or all in one.
fn push(numbers: &mut Vec<i64>, field: Field<'_>) {
    match field {
        Field::Varint(number) => numbers.push(number as i64),
        Field::Bytes(mut packed) => {
            while packed.has_remaining() {
                numbers.push(decode_varint(&mut packed).unwrap() as i64);
            }
        }
        Field::Fixed(_) => panic!("a number of 32 bits where varints stand"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Message for Model {
    fn set(&mut self, tag: u32, field: Field<'_>) {
        if let (7, Field::Bytes(graph)) = (tag, field) {
            self.graph = Graph::decode(graph);
        }
    }
}

impl Message for Graph {
    fn set(&mut self, tag: u32, field: Field<'_>) {
        if let (1, Field::Bytes(node)) = (tag, field) {
            self.node.push(Node::decode(node));
        }
    }
}

impl Message for Node {
    fn set(&mut self, tag: u32, field: Field<'_>) {
        match (tag, field) {
            (4, Field::Bytes(name)) => self.op_type = text(name),
            (5, Field::Bytes(one)) => self.attribute.push(Attribute::decode(one)),
            _ => {}
        }
    }
}

impl Message for Attribute {
    fn set(&mut self, tag: u32, field: Field<'_>) {
        match (tag, field) {
            (1, Field::Bytes(name)) => self.name = text(name),
            (2, Field::Fixed(bits)) => self.f = f32::from_bits(bits),
            (3, Field::Varint(number)) => self.i = number as i64,
            (4, Field::Bytes(bytes)) => self.s = bytes.to_vec(),
            (8, numbers) => push(&mut self.ints, numbers),
            _ => {}
        }
    }
}

impl Message for TensorProto {
    fn set(&mut self, tag: u32, field: Field<'_>) {
        match (tag, field) {
            (1, numbers) => push(&mut self.dims, numbers),
            (2, Field::Varint(number)) => self.data_type = number as i32,
            (9, Field::Bytes(bytes)) => self.raw_data = bytes.to_vec(),
            _ => {}
        }
    }
}

impl Node {
    fn find(&self, name: &str) -> Option<&Attribute> {
        self.attribute.iter().find(|a| a.name == name)
    }
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.find(name).map_or(default, |a| f64::from(a.f))
    }
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |a| a.i)
    }
    pub fn text(&self, name: &str) -> String {
        self.find(name).map_or(String::new(), |a| text(&a.s))
    }
    pub fn ints(&self, name: &str) -> Vec<i64> {
        self.find(name).map_or(Vec::new(), |a| a.ints.clone())
    }
}

impl TensorProto {
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|&d| d as usize).collect()
    }
    pub fn floats(&self) -> Vec<f32> {
        assert_eq!(self.data_type, 1, "a tensor of f32");
        self.raw_data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
    pub fn ints(&self) -> Vec<i64> {
        assert_eq!(self.data_type, 7, "a tensor of i64");
        let one = |b: &[u8]| i64::from_le_bytes(b.try_into().expect("eight bytes"));
        self.raw_data.chunks_exact(8).map(one).collect()
    }
}
