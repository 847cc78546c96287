//! The ground floor: what instructions work on. Here stands what a launch, its blocks, warps and lanes are; what happens
//! to them stands above, and nothing here knows of it.

mod barrier;
mod block;
mod copies;
mod group;
mod lanes;
mod machine;
mod products;
mod routine;
mod rows;
pub mod space;
mod tally;
mod trace;
mod traffic;
mod undefined;
mod values;
mod warp;

pub use barrier::{ClusterBarrier, MOST, Mbarrier};
pub use block::{Block, Peers};
pub use copies::{Inbound, LaneCopy, Outgoing, Piece, Reduction};
pub use group::{Frame, Group, Wait};
pub(crate) use lanes::column;
pub use lanes::{Column, Lane, Lanes};
pub use machine::{Context, Flow, Hit, Inst, Launch, NONE, Program, Run, Signals, level};
pub use products::{Identity, Pending, Source, Warpgroup};
pub use routine::{Constant, Routine, Special};
pub use space::{Kind, spaces};
pub use tally::{Counting, Sectors, Tally};
pub use trace::{Access, Touch, Trace};
pub use undefined::{Mark, Put, Spot, Undefined, UndefinedShared};
pub use values::{Rows, Values};
pub use warp::Warp;
