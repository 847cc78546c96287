//! `cp.async.bulk.tensor`, `cp.reduce.async.bulk.tensor`, the prefetches of tiles and tensor maps.

use super::{pointer, require};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::hopper::bulk::modifier;
use crate::exec::hopper::tile as run;
use crate::exec::state::{Kind, NONE, Run, Touch};
use crate::ptx::ast::Operand;

const RANKS: [&str; 5] = ["1d", "2d", "3d", "4d", "5d"];

/// `prefetch{.space}.tensormap [a]`: a hint.
pub fn prefetch_map<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    op.take("tensormap");
    op.take_any(&["const", "param", "param::entry"]);
    let [map] = operands else {
        return f.syntax("prefetch.tensormap takes an address");
    };
    pointer(f, map).map(|_| ())
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    let reduces = op.take("reduce");
    let whole = op.take("async") && op.take("bulk") && op.take("tensor");
    let rank = op.take_any(&RANKS);
    let rank = RANKS.iter().position(|r| Some(*r) == rank);
    let (true, Some(rank)) = (whole, rank) else {
        return f.unsupported(op.text);
    };
    op.take("tile");
    op.take("L2::cache_hint");
    let prefetch = op.take("prefetch");
    if prefetch {
        op.take("L2");
    }
    let reduction = if reduces {
        let names = ["add", "min", "max", "inc", "dec", "and", "or", "xor"];
        match op.take_any(&names) {
            Some(name) => 1 + names.iter().position(|n| *n == name).unwrap_or(0),
            None => return f.unsupported(op.text),
        }
    } else {
        0
    };
    let to_shared = op.take_any(&["shared::cluster"]).is_some()
        || op.text.contains("shared::cta.global") && op.take("shared::cta");
    let global = op.take("global");
    if to_shared && global {
        let multicast = op.take("multicast::cluster");
        let ([target, tile, barrier, rest @ ..], true) =
            (operands, op.take("mbarrier::complete_tx::bytes"))
        else {
            return f.unsupported(op.text);
        };
        let mask = match (multicast, rest) {
            (false, _) => None,
            (true, [mask, ..]) => Some(f.src(mask, Type::U16)?),
            _ => return f.syntax("multicast takes a mask of blocks"),
        };
        let (target, barrier) = (pointer(f, target)?, pointer(f, barrier)?);
        let tile = tile_of(f, tile, rank)?;
        let draft = tile.emit(f, select::<run::TileIn>());
        draft
            .uses(0, target.0)
            .uses(3, barrier.0)
            .touches(Touch::Tile(Kind::Read));
        draft
            .m(modifier::WIDE_TARGET, target.1.into())
            .m(modifier::WIDE_BARRIER, barrier.1.into());
        if let Some(mask) = mask {
            draft.uses(4, mask);
        }
        return Ok(());
    }
    if prefetch && global {
        let [tile, ..] = operands else {
            return f.syntax("a prefetch takes a tile");
        };
        let tile = tile_of(f, tile, rank)?;
        tile.emit(f, select::<run::TilePrefetch>());
        return Ok(());
    }
    let ([tile, source, ..], true, true, true) = (
        operands,
        global,
        op.take("shared::cta"),
        op.take("bulk_group"),
    ) else {
        return f.unsupported(op.text);
    };
    let source = pointer(f, source)?;
    let tile = tile_of(f, tile, rank)?;
    let draft = tile.emit(f, select::<run::TileOut>());
    draft.uses(0, source.0).touches(Touch::Tile(Kind::Write));
    draft
        .m(modifier::WIDE_TARGET, source.1.into())
        .m(modifier::OP, reduction as u8);
    Ok(())
}

struct Tile {
    map: (crate::decode::draft::Reg, bool),
    coordinates: Vec<crate::decode::draft::Reg>,
}

/// `[map, {x, y}]`
fn tile_of<'a>(f: &mut Function<'a, '_>, operand: &'a Operand<'a>, rank: usize) -> Result<Tile> {
    let Operand::Address { base, offset, rest } = operand else {
        return f.syntax("a tile is a tensor map and coordinates in brackets");
    };
    let [coordinates] = rest.as_slice() else {
        return f.syntax("a tile has coordinates");
    };
    let list = match coordinates {
        Operand::Vector(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.len() != rank + 1 {
        return f.syntax(format!(
            "{} coordinates of a tile of {}",
            list.len(),
            rank + 1
        ));
    }
    let plain = Operand::Address {
        base: base.clone(),
        offset: *offset,
        rest: vec![],
    };
    let map = pointer(f, &plain)?;
    let coordinates = list
        .iter()
        .map(|c| f.src(c, Type::S32))
        .collect::<Result<_>>()?;
    Ok(Tile { map, coordinates })
}

impl Tile {
    fn emit<'f>(
        self,
        f: &'f mut Function<'_, '_>,
        runs: Run,
    ) -> &'f mut crate::decode::draft::Draft {
        let at = f.pool.len();
        f.pool.resize(at + self.coordinates.len(), NONE);
        let rank = self.coordinates.len() as u8;
        let draft = f.emit(runs).uses(1, self.map.0).a(at as u32);
        draft
            .m(modifier::WIDE_SOURCE, self.map.1.into())
            .m(modifier::RANK, rank);
        for (n, coordinate) in self.coordinates.into_iter().enumerate() {
            draft.pooled((at + n) as u32, coordinate, false);
        }
        draft
    }
}
