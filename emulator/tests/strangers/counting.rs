//! `counting.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::ptx;

pub const PTX: &str = ptx!("counting");

fn sorted<T: Ord>(mut data: Vec<T>) -> Vec<T> {
    data.sort();
    data
}

fn ints(count: usize, most: i64) -> Vec<i32> {
    Random(7)
        .whole(count, most)
        .iter()
        .map(|x| *x as i32)
        .collect()
}

#[test]
fn positive_ones() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(1000, 300);
    let right = sorted(data.iter().copied().filter(|x| *x > 0).collect());
    let (out, count) = (d.room::<i32>(right.len()), d.zeros::<i32>(1));
    d.run(
        "compact",
        line(8, 128),
        arguments![d.upload(&data), 1000, out, count],
    );
    assert_eq!(d.download::<i32>(count, 1), [right.len() as i32]);
    assert_eq!(sorted(d.download::<i32>(out, right.len())), right);
}

#[test]
fn blocks_keep_their_order() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(8);
    let data: Vec<i32> = (0..1000).map(|i| 7 * i + random.below(7) as i32).collect();
    let kept: Vec<Vec<i32>> = data
        .chunks(128)
        .map(|c| c.iter().copied().filter(|x| x % 3 == 0).collect())
        .collect();
    let total = kept.iter().map(Vec::len).sum();
    let (out, count) = (d.room::<i32>(total), d.zeros::<i32>(1));
    d.run(
        "compact_block",
        line(8, 128),
        arguments![d.upload(&data), 1000, out, count],
    );
    assert_eq!(d.download::<i32>(count, 1), [total as i32]);
    let got = d.download::<i32>(out, total);
    let mut rest = &got[..];
    while let Some(first) = rest.first() {
        let block = kept
            .iter()
            .find(|k| k.first() == Some(first))
            .expect("the first of a block");
        assert_eq!(&rest[..block.len()], &block[..]);
        rest = &rest[block.len()..];
    }
    assert_eq!(sorted(got), kept.concat());
}

#[test]
fn filter() {
    let Some(d) = Device::new(PTX) else { return };
    let data = ints(700, 500);
    let odd = sorted(data.iter().copied().filter(|x| x & 1 == 1).collect());
    let tens = sorted(data.iter().copied().filter(|x| x % 10 == 0).collect());
    let (odds, odd_count) = (d.room::<i32>(odd.len()), d.zeros::<i32>(1));
    let (ten_room, ten_count) = (d.room::<i32>(tens.len()), d.zeros::<i32>(1));
    let arguments = arguments![d.upload(&data), 700, odds, odd_count, ten_room, ten_count];
    d.run("filter", line(2, 64), arguments);
    assert_eq!(d.download::<i32>(odd_count, 1), [odd.len() as i32]);
    assert_eq!(d.download::<i32>(ten_count, 1), [tens.len() as i32]);
    assert_eq!(sorted(d.download::<i32>(odds, odd.len())), odd);
    assert_eq!(sorted(d.download::<i32>(ten_room, tens.len())), tens);
}

/// Bytes, small ones most often.
fn bytes(count: usize) -> Vec<u8> {
    let mut random = Random(9);
    (0..count)
        .map(|_| (random.below(256) * random.below(256) / 256) as u8)
        .collect()
}

fn histogram(bins: usize, data: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut out = vec![0; bins];
    data.for_each(|bin| out[bin] += 1);
    out
}

#[test]
fn shared_bins() {
    let Some(d) = Device::new(PTX) else { return };
    let (data, out) = (bytes(4000), d.zeros::<u32>(256));
    d.run(
        "histogram_shared",
        line(2, 96),
        arguments![d.upload(&data), 250, out],
    );
    assert_eq!(
        d.download::<u32>(out, 256),
        histogram(256, data.iter().map(|b| usize::from(*b)))
    );
}

#[test]
fn private_bins() {
    let Some(d) = Device::new(PTX) else { return };
    let (data, out) = (bytes(30_000), d.zeros::<u32>(64));
    d.run(
        "histogram_private",
        line(3, 64),
        arguments![d.upload(&data), 30_000, out],
    );
    assert_eq!(
        d.download::<u32>(out, 64),
        histogram(64, data.iter().map(|b| usize::from(*b >> 2)))
    );
}

#[test]
fn matched_bins() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(10);
    let bins: Vec<i32> = (0..500).map(|_| random.below(12) as i32).collect();
    let weights: Vec<u64> = (0..500).map(|_| random.bits() >> 4).collect();
    let out = d.zeros::<u64>(12);
    d.run(
        "histogram_matched",
        line(2, 64),
        arguments![d.upload(&bins), d.upload(&weights), 500, out],
    );
    let mut right = [0u64; 12];
    for (bin, weight) in bins.iter().zip(&weights) {
        right[*bin as usize] = right[*bin as usize].wrapping_add(*weight);
    }
    assert_eq!(d.download::<u64>(out, 12), right);
}
