//! `sorts.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::ptx;

pub const PTX: &str = ptx!("sorts");

#[test]
fn bitonic() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<f32> = Random(3)
        .floats(2 * 1024 + 300)
        .iter()
        .map(|x| (x * 500.0).round())
        .collect();
    let keys = d.upload(&data);
    d.run("bitonic", line(3, 512), arguments![keys, data.len() as i32]);
    for (got, data) in d
        .download::<f32>(keys, data.len())
        .chunks(1024)
        .zip(data.chunks(1024))
    {
        let mut right = data.to_vec();
        right.sort_by(f32::total_cmp);
        assert_eq!(got, right); // -0 equals 0
    }
}

fn radix(name: &str) {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(4);
    // many alike, so that it shows whether they stay in order
    let data: Vec<u32> = (0..512)
        .map(|_| {
            [random.bits() as u32, random.below(9) as u32 * 0x1010_1010][random.below(2) as usize]
        })
        .collect();
    let order: Vec<u32> = (0..512).collect();
    let (keys, values) = (d.upload(&data), d.upload(&order));
    d.run(name, line(2, 256), arguments![keys, values]);
    let got: Vec<(u32, u32)> = d
        .download(keys, 512)
        .into_iter()
        .zip(d.download(values, 512))
        .collect();
    for block in 0..2 {
        let range = 256 * block..256 * block + 256;
        let mut right: Vec<(u32, u32)> = range.clone().map(|i| (data[i], i as u32)).collect();
        right.sort();
        assert_eq!(got[range], right);
    }
}

#[test]
fn radix_match() {
    radix("radix_match");
}

#[test]
fn radix_ballot() {
    radix("radix_ballot");
}

#[test]
fn odd_even() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(5);
    let data: Vec<i16> = (0..6 * 64).map(|_| random.bits() as i16 >> 3).collect();
    let (keys, mut shape) = (d.upload(&data), line(2, 96));
    shape.shared = 3 * 64 * 2;
    d.run("odd_even", shape, arguments![keys]);
    for (got, data) in d
        .download::<i16>(keys, data.len())
        .chunks(64)
        .zip(data.chunks(64))
    {
        let mut right = data.to_vec();
        right.sort();
        assert_eq!(got, right);
    }
}

#[test]
fn ranks() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = Random(6).whole(128, 20).iter().map(|x| *x as i32).collect();
    let out = d.room::<i32>(128);
    d.run("rank_sort", line(2, 64), arguments![d.upload(&data), out]);
    for (got, data) in d.download::<i32>(out, 128).chunks(32).zip(data.chunks(32)) {
        let mut right = data.to_vec();
        right.sort();
        assert_eq!(got, right);
    }
}
