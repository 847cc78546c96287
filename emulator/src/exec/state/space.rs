//! What is done with memory, in which space, and generic addresses (PTX ISA, "State Spaces", "Generic Addressing").
//!
//! A global address is a host address, below 2^56. The other spaces are windows above, one for each value of the top
//! byte; the low 32 bits of a shared or local generic address are the address in its space.

/// Window of shared memory. Addresses of other blocks of the cluster have the block's rank, plus 1, from bit 24 on.
pub const SHARED: u64 = 0x0100_0000_0000_0000;
/// Where the rank begins.
pub const RANK_SHIFT: u32 = 24;
/// The bits of an address that are the place in its block's shared memory.
pub const OFFSET: u32 = (1 << RANK_SHIFT) - 1;
/// The address of a place in another block of the cluster.
pub fn of_block(rank: u32, offset: u32) -> u32 {
    ((rank + 1) << RANK_SHIFT) | offset
}
/// Window of a thread's local memory.
pub const LOCAL: u64 = 0x0200_0000_0000_0000;
/// Window of the kernel's parameters.
pub const PARAM: u64 = 0x0300_0000_0000_0000;
/// Function pointers: the low 32 bits are the function's number.
pub const CODE: u64 = 0x0400_0000_0000_0000;
/// Which window.
pub const WINDOW: u64 = 0xFF00_0000_0000_0000;

/// What is done with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Update,
}

impl Kind {
    pub(in crate::exec) fn verb(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Update => "atomic",
        }
    }
}

/// State spaces as const parameters.
pub mod spaces {
    pub const GLOBAL: u8 = 0;
    pub const SHARED: u8 = 1;
    pub const LOCAL: u8 = 2;
    pub const PARAM: u8 = 3;
    pub const GENERIC: u8 = 4;
    /// Shared memory of all blocks of the cluster.
    pub const CLUSTER: u8 = 5;
    /// Which one the instruction's last modifier byte says.
    pub const ANY: u8 = 6;
    /// That byte.
    pub const SAID: usize = 7;
}
