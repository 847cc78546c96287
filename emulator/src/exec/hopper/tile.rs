//! `cp.async.bulk.tensor`: boxes of tensors (PTX ISA, "Tensors").

use super::bulk::modifier::{OP, RANK, WIDE_BARRIER, WIDE_SOURCE, WIDE_TARGET};
use super::tensor_map::{BYTES, TensorMap};
use crate::check::FaultKind;
use crate::exec::access::peek;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Kind, NONE, Piece, space};

/// Alignment of a box in shared memory.
const ALIGNMENT: u32 = 128;
/// Alignment of a map.
const MAP_ALIGNMENT: u64 = 64;

/// A row of a box: where it begins in the box, and the part of it that is inside the tensor.
struct Row {
    /// Bytes into the box.
    at: u32,
    /// First byte of the row that is inside, its address, and bytes inside.
    skipped: u32,
    global: u64,
    bytes: u32,
}

fn rows(map: &TensorMap, corner: &[i32]) -> Vec<Row> {
    let element = map.element();
    let row_bytes = map.box_sizes[0] * element;
    let lines: u32 = (1..corner.len()).map(|d| map.taken(d)).product();
    let mut out = vec![];
    for line in 0..lines {
        let (mut rest, mut inside, mut offset) = (line, true, 0u64);
        for (d, first) in corner.iter().enumerate().skip(1) {
            let step = (rest % map.taken(d)) * map.steps[d];
            rest /= map.taken(d);
            let at = i64::from(*first) + i64::from(step);
            inside &= at >= 0 && (at as u64) < map.sizes[d];
            offset = offset.wrapping_add((at as u64).wrapping_mul(map.strides[d]));
        }
        let first = i64::from(corner[0]);
        let low = first.max(0);
        let high = (first + i64::from(map.box_sizes[0])).min(map.sizes[0] as i64);
        let taken = if inside {
            (high - low).max(0) as u32
        } else {
            0
        };
        out.push(Row {
            at: line * row_bytes,
            skipped: if taken > 0 {
                (low - first) as u32 * element
            } else {
                0
            },
            global: map
                .address
                .wrapping_add(offset)
                .wrapping_add(low as u64 * u64::from(element)),
            bytes: taken * element,
        });
    }
    out
}

/// What fills elements out of bounds.
fn filled(map: &TensorMap) -> Vec<u8> {
    let bytes = map.box_bytes() as usize;
    if !map.nan {
        return vec![0; bytes];
    }
    let nan: &[u8] = match (map.kind, map.element()) {
        (9, _) => &[0xFF, 0x7F],
        (_, 2) => &[0xFF, 0x7F],
        (_, 4) => &[0xFF, 0xFF, 0xFF, 0x7F],
        _ => &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    };
    nan.iter().copied().cycle().take(bytes).collect()
}

impl Context<'_> {
    fn tensor_map(&mut self, i: &Inst, lane: usize) -> Result<(TensorMap, Vec<i32>), Flow> {
        let at = self.addresses(i.r[1], i.m[WIDE_SOURCE] != 0, 0)[lane];
        let fault = |c: &mut Self, kind, why: &str| {
            let what = "Invalid tensor map of a bulk copy";
            Err(c.fail(i, lane, kind, what, &[format!("Address 0x{at:x} {why}")]))
        };
        if at & !space::WINDOW & (MAP_ALIGNMENT - 1) != 0 {
            let why = "is misaligned: it must be a multiple of 64";
            return fault(self, FaultKind::MisalignedAddress, why);
        }
        let Some(bytes) = peek::<BYTES>(self, lane, at) else {
            return fault(self, FaultKind::IllegalAddress, "is out of bounds");
        };
        let rank = usize::from(i.m[RANK]);
        let Some(map) = TensorMap::decode(&bytes) else {
            return fault(self, FaultKind::LaunchFailed, "holds no tensor map");
        };
        if map.sizes.len() != rank {
            let why = format!("holds a tensor map of {} dimensions", map.sizes.len());
            return fault(self, FaultKind::LaunchFailed, &why);
        }
        Ok((map, self.corner(i, lane)))
    }

    fn corner(&self, i: &Inst, lane: usize) -> Vec<i32> {
        let (pool, rank) = (i.a as usize, usize::from(i.m[RANK]));
        let rows = self.launch.program.pool[pool..pool + rank].iter();
        rows.map(|row| self.row::<u32>(*row).get(lane) as i32)
            .collect()
    }
}

/// The runs of global memory that an instruction's lanes read or write; of no map, none.
pub fn accesses(c: &mut Context<'_>, i: &Inst, mut f: impl FnMut(usize, u64, u32)) {
    for lane in c.lanes() {
        let at = c.addresses(i.r[1], i.m[WIDE_SOURCE] != 0, 0)[lane];
        let map = peek::<BYTES>(c, lane, at).and_then(|bytes| TensorMap::decode(&bytes));
        let Some(map) = map.filter(|map| map.sizes.len() == usize::from(i.m[RANK])) else {
            continue;
        };
        let rows = rows(&map, &c.corner(i, lane));
        for row in rows.iter().filter(|row| row.bytes > 0) {
            f(lane, row.global, row.bytes);
        }
    }
}

/// Into shared memory. `r`: target, map, -, barrier, mask of blocks or none; coordinates in the pool from `a`.
pub struct TileIn;
impl Op for TileIn {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            if let Err(flow) = tile_in(c, i, lane) {
                return flow;
            }
        }
        Flow::Next
    }
}

fn tile_in(c: &mut Context<'_>, i: &Inst, lane: usize) -> Result<(), Flow> {
    let target = c.addresses(i.r[0], i.m[WIDE_TARGET] != 0, 0)[lane];
    let barrier = c.addresses(i.r[3], i.m[WIDE_BARRIER] != 0, 0)[lane];
    let mask = (i.r[4] != NONE).then(|| u32::from(c.row::<u16>(i.r[4]).get(lane)));
    let (map, corner) = c.tensor_map(i, lane)?;
    let bytes = map.box_bytes();
    let target = c.place(i, lane, target, bytes, ALIGNMENT, "tile of a bulk copy to")?;
    let barrier = c.place(i, lane, barrier, 8, 8, "mbarrier of a bulk copy")?;
    let mut plain = filled(&map);
    for row in rows(&map, &corner) {
        if row.bytes > 0 {
            let at = (row.at + row.skipped) as usize;
            let part = &mut plain[at..at + row.bytes as usize];
            c.read_global(i, lane, row.global, part)?;
            map.received(part);
        }
    }
    let mut data = vec![0; plain.len()];
    for (n, piece) in plain.chunks(16).enumerate() {
        let at = map.swizzle.place(target.offset + 16 * n as u32, 0) - target.offset;
        match data.get_mut(at as usize..at as usize + piece.len()) {
            Some(there) => there.copy_from_slice(piece),
            None => return Err(short(c, i, lane)),
        }
    }
    c.send_all(i, lane, target, barrier, mask, data)
}

/// A box that is no whole number of 128-byte lines has no swizzled place of its own.
fn short(c: &mut Context<'_>, i: &Inst, lane: usize) -> Flow {
    let what = "Swizzled tile that is no multiple of 128 bytes";
    c.fail(i, lane, FaultKind::LaunchFailed, what, &[])
}

/// Out of shared memory. `r`: source, map; coordinates in the pool from `a`.
pub struct TileOut;
impl Op for TileOut {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            if let Err(flow) = tile_out(c, i, lane) {
                return flow;
            }
        }
        Flow::Next
    }
}

fn tile_out(c: &mut Context<'_>, i: &Inst, lane: usize) -> Result<(), Flow> {
    let source = c.addresses(i.r[0], i.m[WIDE_TARGET] != 0, 0)[lane];
    let (map, corner) = c.tensor_map(i, lane)?;
    let bytes = map.box_bytes();
    let what = "tile of a bulk copy from";
    let source = c.place(i, lane, source, bytes, ALIGNMENT, what)?;
    let mut pieces = vec![];
    for row in rows(&map, &corner) {
        let mut done = 0;
        if row.bytes > 0 {
            c.global_run(i, lane, row.global, row.bytes, Kind::Write)?;
        }
        while done < row.bytes {
            let at = source.offset + row.at + row.skipped + done;
            let run = (16 - at % 16).min(row.bytes - done);
            let shared = map.swizzle.place(at, 0);
            if shared + run > source.offset + bytes {
                return Err(short(c, i, lane));
            }
            pieces.push(Piece {
                global: row.global + u64::from(done),
                shared,
                bytes: run,
            });
            done += run;
        }
    }
    let (op, element) = reduction(i.m[OP], &map);
    if i.m[OP] != 0 && element == 0 {
        let what = "Reducing copy of a tensor whose type has no such reduction";
        return Err(c.fail(i, lane, FaultKind::LaunchFailed, what, &[]));
    }
    let mut started = i.clone();
    started.m[OP] = op;
    started.m[super::bulk::modifier::ELEMENT] = element;
    c.take_out(&started, lane, pieces)
}

/// The number of `atomic::op` and the bytes of an element, by the type of the tensor; no bytes for a plain copy.
fn reduction(name: u8, map: &TensorMap) -> (u8, u8) {
    use crate::exec::atomic::op::*;
    let bytes = map.element() as u8;
    let signed = matches!(map.kind, 3 | 5);
    let float = map.kind >= 6;
    let op = match (name, map.kind) {
        (1, 6) => ADD_F16,
        (1, 9) => ADD_BF16,
        (1, 7 | 8) => ADD_FLOAT,
        (1, 2..=5) => ADD,
        (2, 2..=5) if signed => MIN_SIGNED,
        (2, 2..=5) => MIN,
        (3, 2..=5) if signed => MAX_SIGNED,
        (3, 2..=5) => MAX,
        (4, 2) => INC,
        (5, 2) => DEC,
        (6, _) if !float && bytes >= 4 => AND,
        (7, _) if !float && bytes >= 4 => OR,
        (8, _) if !float && bytes >= 4 => XOR,
        _ => return (0, 0),
    };
    (op, bytes)
}

/// A hint; the map must be one.
pub struct TilePrefetch;
impl Op for TilePrefetch {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            if let Err(flow) = c.tensor_map(i, lane) {
                return flow;
            }
        }
        Flow::Next
    }
}
