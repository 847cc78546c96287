//! The few fields of ONNX's protobuf messages that the vectors need (onnx.proto, Apache-2.0).

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
}

/// One op with its attributes.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, tag = "2")]
    pub f: f32,
    #[prost(int64, tag = "3")]
    pub i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// 1 is f32, 7 is i64.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

impl Node {
    fn find(&self, name: &str) -> Option<&Attribute> {
        self.attribute.iter().find(|a| a.name == name)
    }
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.find(name).map_or(default, |a| a.f)
    }
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |a| a.i)
    }
    pub fn text(&self, name: &str) -> String {
        self.find(name).map_or(String::new(), |a| {
            String::from_utf8_lossy(&a.s).into_owned()
        })
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
