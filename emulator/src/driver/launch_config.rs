//! The shape of a launch as C says it.

use super::entry::In;
use super::error::{Error, Outcome};
use super::handles::Handle;

/// `CUlaunchConfig`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    pub stream: Handle,
    attributes: In<Attribute>,
    count: u32,
}

/// `CUlaunchAttribute`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Attribute {
    id: u32,
    pad: u32,
    value: [u32; 16],
}

impl Config {
    /// Whether the launch is cooperative, and its clusters' size. Hints are passed over.
    pub fn attributes(&self) -> Outcome<(bool, Option<[u32; 3]>)> {
        const COOPERATIVE: u32 = 2;
        const CLUSTER: u32 = 4;
        let mut found = (false, None);
        for attribute in self.attributes.list(self.count as usize)? {
            match attribute.id {
                COOPERATIVE => found.0 = attribute.value[0] != 0,
                CLUSTER => {
                    found.1 = Some([attribute.value[0], attribute.value[1], attribute.value[2]])
                }
                0..=14 => {}
                _ => return Err(Error::INVALID_VALUE),
            }
        }
        Ok(found)
    }
}
