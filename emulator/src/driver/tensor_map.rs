//! Tensor maps, the descriptors of Hopper's bulk copies: `CUtensorMap` is 128 bytes that only the device reads.

use super::context::in_context;
use super::entry::{In, Out};
use super::error::{Error, Outcome};
use super::machine::machine;
use super::unsupported::refuse;
use crate::exec::swizzle::Swizzle;
use crate::exec::tensor_map::{BYTES, TensorMap, element_bytes};

/// A `CUtensorMap` in the caller's memory.
type Map = [u8; BYTES];

const MOST_SIZE: u64 = 1 << 32;
const MOST_STRIDE: u64 = 1 << 40;
const MOST_BOX: u32 = 256;
const MOST_STEP: u32 = 8;
const ALIGN: usize = 64;
/// Of the data types, which have the floats last but for the packed ones.
const FIRST_FLOAT: u8 = 6;

/// What the driver's documentation asks of a tiled map. How its dimensions lie to each other is the caller's: they may
/// go down, overlap, or stand still.
fn tiled(map: &TensorMap) -> Outcome {
    let good = |ok: bool| {
        if ok {
            Ok(())
        } else {
            Err(Error::INVALID_VALUE)
        }
    };
    good(map.address.is_multiple_of(16))?;
    good(map.sizes.iter().all(|n| (1..=MOST_SIZE).contains(n)))?;
    let stride = |n: &u64| n.is_multiple_of(16) && *n < MOST_STRIDE;
    good(map.strides[1..].iter().all(stride))?;
    good(map.box_sizes.iter().all(|n| (1..=MOST_BOX).contains(n)))?;
    good(map.steps.iter().all(|n| (1..=MOST_STEP).contains(n)))?;
    let inner = map.box_sizes[0] * map.element();
    good(inner.is_multiple_of(16))?;
    good(map.swizzle == Swizzle::None || inner <= map.swizzle.span())?;
    good(!map.nan || map.kind >= FIRST_FLOAT)
}

fn swizzle(number: u32) -> Outcome<Swizzle> {
    Ok(match number {
        0 => Swizzle::None,
        1 => Swizzle::Bytes32,
        2 => Swizzle::Bytes64,
        3 => Swizzle::Bytes128,
        4..=6 => {
            return refuse("cuTensorMapEncodeTiled with a swizzle of larger atoms")
                .map(|()| Swizzle::None);
        }
        _ => return Err(Error::INVALID_VALUE),
    })
}

in_context! {
    fn cuTensorMapEncodeTiled(
        result: Out<Map>, kind: u32, rank: u32, address: u64, sizes: In<u64>, strides: In<u64>, boxes: In<u32>,
        steps: In<u32>, interleave: u32, swizzling: u32, promotion: u32, fill: u32,
    ) {
        result.aligned(ALIGN)?;
        if !machine()?.profile.clusters {
            return Err(Error::NOT_SUPPORTED);
        }
        let rank = rank as usize;
        if !(1..=5).contains(&rank) || promotion > 3 || fill > 1 || interleave > 2 {
            return Err(Error::INVALID_VALUE);
        }
        if interleave != 0 && rank < 3 {
            return Err(Error::INVALID_VALUE);
        }
        if interleave != 0 {
            return refuse("cuTensorMapEncodeTiled with an interleaved layout");
        }
        if let 13..=15 = kind {
            return refuse("cuTensorMapEncodeTiled of packed types");
        }
        let element = element_bytes(kind).ok_or(Error::INVALID_VALUE)?;
        let mut all = vec![u64::from(element)];
        if rank > 1 {
            all.extend(strides.list(rank - 1)?);
        }
        // the innermost dimension has no step: what is said of it is ignored
        let mut steps = steps.list(rank)?;
        steps[0] = 1;
        let map = TensorMap {
            kind: kind as u8,
            swizzle: swizzle(swizzling)?,
            nan: fill == 1,
            address,
            sizes: sizes.list(rank)?,
            strides: all,
            box_sizes: boxes.list(rank)?,
            steps,
        };
        tiled(&map)?;
        result.set(map.encode())
    }

    fn cuTensorMapReplaceAddress(result: Out<Map>, address: u64) {
        result.aligned(ALIGN)?;
        let mut map = TensorMap::decode(&result.get()?).ok_or(Error::INVALID_VALUE)?;
        map.address = address;
        tiled(&map)?;
        result.set(map.encode())
    }

    fn cuTensorMapEncodeIm2col() {
        refuse("cuTensorMapEncodeIm2col")
    }

    fn cuTensorMapEncodeIm2colWide() {
        refuse("cuTensorMapEncodeIm2colWide")
    }
}
