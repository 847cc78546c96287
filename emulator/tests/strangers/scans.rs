//! `scans.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::ptx;

pub const PTX: &str = ptx!("scans");

fn ints(count: usize) -> Vec<i32> {
    let mut random = Random(1);
    (0..count).map(|_| random.bits() as i32 >> 8).collect()
}

fn prefixes(data: &[i32]) -> Vec<i32> {
    let mut sum = 0i32;
    let add = |x: &i32| {
        sum = sum.wrapping_add(*x);
        sum
    };
    data.iter().map(add).collect()
}

#[test]
fn tiles() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(3 * 64);
    let out = d.room::<i32>(data.len());
    d.run("tile_scan", line(3, 64), arguments![d.upload(&data), out]);
    let scan = |(tile, data): (usize, &[i32])| {
        let scan = prefixes(data);
        let more = if tile % 2 == 1 { scan[7] } else { 0 };
        scan.into_iter()
            .map(move |s| s.wrapping_add(more))
            .collect::<Vec<_>>()
    };
    let right: Vec<i32> = data.chunks(8).enumerate().flat_map(scan).collect();
    assert_eq!(d.download::<i32>(out, data.len()), right);
}

#[test]
fn block() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(2);
    let data: Vec<u64> = (0..1000).map(|_| random.bits()).collect();
    let out = d.room::<u64>(1000);
    d.run(
        "block_scan",
        line(1, 256),
        arguments![d.upload(&data), out, 1000],
    );
    let mut sum = 0u64;
    for (got, x) in d.download::<u64>(out, 1000).into_iter().zip(data) {
        sum = sum.wrapping_add(x);
        assert_eq!(got, sum);
    }
}

#[test]
fn lookback() {
    let Some(d) = Device::new(PTX) else { return };
    let tiles = 71;
    let data = ints(256 * (tiles - 1) + 13);
    let (out, ticket, state) = (
        d.room::<i32>(data.len()),
        d.zeros::<u32>(1),
        d.zeros::<i32>(tiles),
    );
    // nothing is read there before it is written
    let (partial, complete) = (d.room::<i32>(tiles), d.room::<i32>(tiles));
    let length = data.len() as i32;
    d.run(
        "lookback_scan",
        line(tiles as u32, 256),
        arguments![
            d.upload(&data),
            out,
            length,
            ticket,
            state,
            partial,
            complete
        ],
    );
    assert_eq!(d.download::<i32>(out, data.len()), prefixes(&data));
    assert_eq!(d.download::<i32>(state, tiles), vec![2; tiles]);
}

#[test]
fn chain() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(128 * 20 + 5);
    let (out, links) = (d.room::<i32>(data.len()), d.zeros::<u64>(21));
    let length = data.len() as i32;
    d.run(
        "chained_scan",
        line(21, 128),
        arguments![d.upload(&data), out, length, links],
    );
    assert_eq!(d.download::<i32>(out, data.len()), prefixes(&data));
}

#[test]
fn grid() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(6 * 96);
    let (a, b, arrived) = (
        d.upload(&data),
        d.room::<i32>(data.len()),
        d.zeros::<u32>(1),
    );
    let mut shape = line(6, 96);
    shape.cooperative = true;
    d.run("grid_scan", shape, arguments![a, b, arrived]);
    // ten doublings, the last of which writes where the data was
    assert_eq!(d.download::<i32>(a, data.len()), prefixes(&data));
    assert_eq!(
        d.download::<u32>(arrived, 1),
        [0],
        "the bit has flipped ten times"
    );
}

#[test]
fn grid_total() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(1000);
    let (sums, total) = (d.zeros::<i32>(5), d.room::<i32>(5));
    let mut shape = line(5, 64);
    shape.cooperative = true;
    d.run(
        "grid_total",
        shape,
        arguments![d.upload(&data), 1000, sums, total],
    );
    assert_eq!(d.download::<i32>(total, 5), [prefixes(&data)[999]; 5]);
}
