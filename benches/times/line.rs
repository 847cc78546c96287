//! One measurement, as it stands in a line of JSON.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Line {
    /// Who did the work.
    pub peer: String,
    /// The op.
    pub name: String,
    /// `4096x4096`; for a matmul M x N x K, for a convolution images x channels in x side x channels out x kernel x
    /// stride x padding x groups.
    pub shape: String,
    pub dtype: String,
    /// Median over the samples.
    pub ms: f64,
    /// Bytes that must be read and written, per second, where memory bounds the op.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gbs: Option<f64>,
    /// Floating-point operations per second, where arithmetic bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
    /// Bytes of one set of buffers, which decides how many sets rotate.
    #[serde(default)]
    pub footprint: usize,
}

impl Line {
    /// What a case and the same case of a peer have in common.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.name, self.shape, self.dtype)
    }
}
