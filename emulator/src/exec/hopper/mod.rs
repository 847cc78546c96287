//! What came with compute capability 9.0: barriers in memory, clusters, the copy engine, asynchronous Tensor Cores.

pub mod bulk;
pub mod cluster;
mod descriptor;
pub mod inbound;
pub mod mbarrier;
pub mod mbarrier_ops;
pub mod mbarrier_wait;
mod operand;
pub mod outbound;
pub mod place;
pub mod product;
mod reduction;
pub mod remote;
pub mod send;
pub mod swizzle;
pub mod tensor_map;
pub mod tile;
pub mod touch;
pub mod warpgroup;
pub mod wgmma;
