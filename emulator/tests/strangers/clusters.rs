//! `clusters.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::ptx;

pub const PTX: &str = ptx!("clusters");

#[test]
fn histogram() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = Random(18)
        .whole(1500, 60)
        .iter()
        .map(|x| *x as i32 + 50)
        .collect();
    let out = d.zeros::<u32>(96);
    let mut shape = line(8, 64);
    shape.shared = 24 * 4;
    d.run(
        "cluster_histogram",
        shape,
        arguments![d.upload(&data), 1500, out, 96],
    );
    let mut right = [0u32; 96];
    data.iter()
        .for_each(|x| right[(*x).clamp(0, 95) as usize] += 1);
    assert_eq!(d.download::<u32>(out, 96), right);
}

#[test]
fn ring() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<f32> = Random(19)
        .whole(24 * 32, 100)
        .iter()
        .map(|x| *x as f32)
        .collect();
    let out = d.room::<f32>(24);
    let mut shape = line(6, 32);
    shape.grid[1] = 4;
    d.run("cluster_ring", shape, arguments![d.upload(&data), out]);
    let sums: Vec<f32> = data.chunks(32).map(|c| c.iter().sum()).collect();
    let cluster = |block: usize| {
        let (x, y) = ((block % 6) & !1, (block / 6) & !1);
        [0, 1, 6, 7]
            .map(|i| sums[y * 6 + x + i])
            .iter()
            .sum::<f32>()
    };
    assert_eq!(
        d.download::<f32>(out, 24),
        (0..24).map(cluster).collect::<Vec<f32>>()
    );
}

#[test]
fn sent() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(20);
    let data: Vec<u64> = (0..2 * 128).map(|_| random.bits()).collect();
    let out = d.room::<u64>(64);
    d.run(
        "cluster_send",
        line(8, 32),
        arguments![d.upload(&data), out],
    );
    let sum = |at: usize| {
        let (cluster, lane) = (at / 32, 31 - at % 32);
        let of = |rank: usize| data[cluster * 128 + rank * 32 + lane].wrapping_add(rank as u64);
        (0..4).fold(0u64, |sum, rank| sum.wrapping_mul(3).wrapping_add(of(rank)))
    };
    assert_eq!(
        d.download::<u64>(out, 64),
        (0..64).map(sum).collect::<Vec<u64>>()
    );
}

#[test]
fn multicast() {
    let Some(d) = Device::new(PTX) else { return };
    let (tiles, blocks) = (5usize, 6usize);
    let mut random = Random(21);
    let mut whole = |count| {
        random
            .whole(count, 50)
            .iter()
            .map(|x| *x as f32)
            .collect::<Vec<f32>>()
    };
    let (data, factors) = (whole(tiles * 64), whole(blocks * tiles));
    let out = d.room::<f32>(blocks * 64);
    let (input, by) = (d.upload(&data), d.upload(&factors));
    d.run(
        "multicast",
        line(blocks as u32, 64),
        arguments![input, by, out, tiles as i32],
    );
    let sum = |at: usize| {
        (0..tiles)
            .map(|i| data[i * 64 + at % 64] * factors[at / 64 * tiles + i])
            .sum::<f32>()
    };
    assert_eq!(
        d.download::<f32>(out, blocks * 64),
        (0..blocks * 64).map(sum).collect::<Vec<f32>>()
    );
}
