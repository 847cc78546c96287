//! Where an instruction touches memory, told from its operands before it runs.

use crate::exec::async_copy;
use crate::exec::hopper::{bulk, tile};
use crate::exec::load::modifier::WIDE;
use crate::exec::state::{Access, Context, Inst, Kind, Lanes, Touch, space, spaces};
use crate::exec::tensor::{matrix, wmma};

impl Touch {
    /// Calls `f` with every access to global and shared memory.
    pub fn each(self, c: &mut Context<'_>, i: &Inst, f: &mut impl FnMut(&Access)) {
        match self {
            Touch::Nothing | Touch::Branch | Touch::Table => {}
            Touch::Lanes { space, bytes, kind } => {
                let at = c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
                place(space, kind, at, c.active, bytes.into(), f);
            }
            Touch::Copy => {
                async_copy::accesses(c, i, |space, kind, at, lanes, bytes| {
                    place(space, kind, at, lanes, bytes, f);
                });
            }
            Touch::Bulk(kind) => bulk::accesses(c, i, kind, |lane, at, bytes| {
                place(spaces::GLOBAL, kind, [at; 32], 1 << lane, bytes, f);
            }),
            Touch::Tile(kind) => tile::accesses(c, i, |lane, at, bytes| {
                place(spaces::GLOBAL, kind, [at; 32], 1 << lane, bytes, f);
            }),
            Touch::Matrices(kind) => {
                let (at, count) = matrix::addresses(c, i);
                for matrix in 0..count {
                    // its 8 rows of 16 bytes are one pass at best
                    let lanes = 0xFF << (8 * matrix);
                    place(spaces::GENERIC, kind, at.map(shared_window), lanes, 16, f);
                }
            }
            Touch::Fragment { space, kind } => {
                wmma::accesses(c, i, |at, lanes, bytes| {
                    place(space, kind, at, lanes, bytes, f)
                });
            }
        }
    }
}

/// A shared address, generic or not, as a generic one.
fn shared_window(at: u64) -> u64 {
    at & !space::WINDOW | space::SHARED
}

/// An access to where the addresses say.
fn place(
    declared: u8,
    kind: Kind,
    at: [u64; 32],
    lanes: u32,
    bytes: u32,
    f: &mut impl FnMut(&Access),
) {
    let window = |a: u64| match declared {
        spaces::GENERIC => a & space::WINDOW,
        spaces::SHARED => space::SHARED,
        _ => 0,
    };
    let within = |wanted: u64| {
        let here = |l: &usize| window(at[*l]) == wanted;
        Lanes(lanes).filter(here).fold(0, |m, l| m | 1 << l)
    };
    let parts = [
        (spaces::GLOBAL, within(0)),
        (spaces::SHARED, within(space::SHARED)),
    ];
    for (space, lanes) in parts {
        if lanes != 0 {
            let at = at.map(|a| {
                if space == spaces::SHARED {
                    a & !space::WINDOW
                } else {
                    a
                }
            });
            f(&Access {
                space,
                kind,
                at,
                lanes,
                bytes,
            });
        }
    }
}
