//! What the test binaries share: the comparator, the tolerances, the shapes, the data, the devices.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod compare;
pub mod data;
pub mod devices;
pub mod formula;
