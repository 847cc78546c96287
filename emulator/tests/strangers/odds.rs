//! `odds.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::{Random, half, value};
use crate::ptx;
use std::collections::BTreeMap;

pub const PTX: &str = ptx!("odds");

#[test]
fn bit_casts() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<f32> = Random(27)
        .floats(64)
        .iter()
        .map(|x| x.abs() * 100.0 + 0.01)
        .collect();
    let [root, swapped, exponents] = [(); 3].map(|()| d.room::<u32>(64));
    d.run(
        "bit_casts",
        line(1, 64),
        arguments![d.upload(&data), root, swapped, exponents],
    );
    let right = |x: &f32| {
        let mut y = f32::from_bits(0x5f37_59df - (x.to_bits() >> 1));
        for _ in 0..3 {
            y *= 1.5 - 0.5 * x * (y * y);
        }
        y
    };
    assert_eq!(
        d.download::<f32>(root, 64),
        data.iter().map(right).collect::<Vec<_>>()
    );
    assert_eq!(
        d.download::<u32>(swapped, 64),
        data.iter()
            .map(|x| x.to_bits().swap_bytes())
            .collect::<Vec<_>>()
    );
    assert_eq!(
        d.download::<u32>(exponents, 64),
        data.iter().map(|x| x.to_bits() >> 23).collect::<Vec<_>>()
    );
}

#[test]
fn carve() {
    let Some(d) = Device::new(PTX) else { return };
    let (n, m) = (50usize, 20usize);
    let mut random = Random(28);
    let data: Vec<f64> = (0..n).map(|_| random.unit()).collect();
    let (out, mut shape) = (d.room::<f64>(n), line(1, 64));
    shape.shared = (13 * n + 2 * m) as u32;
    d.run(
        "carve",
        shape,
        arguments![d.upload(&data), out, n as i32, m as i32],
    );
    let right = |i: usize| {
        let j = (i * 7 + 3) % n;
        if j.is_multiple_of(3) {
            data[j] * (m - i % m) as f64
        } else {
            -data[j]
        }
    };
    assert_eq!(
        d.download::<f64>(out, n),
        (0..n).map(right).collect::<Vec<_>>()
    );
}

#[test]
fn early_return() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = (0..256).map(|i| i * i).collect();
    let out = d.zeros::<i32>(5 * 64 + 5);
    d.run(
        "early_return",
        line(5, 96),
        arguments![d.upload(&data), out, 200],
    );
    let mut right: Vec<i32> = data
        .chunks(64)
        .flat_map(|c| c.iter().rev().copied())
        .collect();
    right.extend([0; 64]);
    right.extend([200, 200, 200, 200, 0]);
    assert_eq!(d.download::<i32>(out, right.len()), right);
}

#[test]
fn warp_synchronous() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<f32> = Random(29)
        .whole(3 * 128, 1000)
        .iter()
        .map(|x| *x as f32)
        .collect();
    let out = d.room::<f32>(3);
    d.run(
        "warp_synchronous",
        line(3, 128),
        arguments![d.upload(&data), out],
    );
    assert_eq!(
        d.download::<f32>(out, 3),
        data.chunks(128)
            .map(|c| c.iter().sum())
            .collect::<Vec<f32>>()
    );
}

#[test]
fn ping_pong() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = (0..160).map(|i| i * 11 % 97).collect();
    let out = d.room::<i32>(160);
    d.run(
        "ping_pong",
        line(1, 64),
        arguments![d.upload(&data), out, 160],
    );
    let right: Vec<i32> = data
        .chunks(32)
        .flat_map(|c| c.iter().rev().map(|x| 3 * x))
        .collect();
    assert_eq!(d.download::<i32>(out, 160), right);
}

#[test]
fn shared_lock() {
    let Some(d) = Device::new(PTX) else { return };
    let out = d.room::<i32>(64);
    d.run("shared_lock", line(1, 64), arguments![out]);
    let mut got = d.download::<i32>(out, 64);
    got.sort();
    assert_eq!(got, (0..64).collect::<Vec<_>>());
}

#[test]
fn hash_table() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(30);
    let keys: Vec<u32> = (0..600).map(|_| random.below(90) as u32 * 7919).collect();
    let values: Vec<i32> = (0..600).map(|_| random.below(1000) as i32 - 500).collect();
    let (table, sums) = (d.upload(&[u32::MAX; 128]), d.zeros::<i32>(128));
    d.run(
        "hash_insert",
        line(3, 64),
        arguments![d.upload(&keys), d.upload(&values), 600, table, sums, 128u32],
    );
    let mut right = BTreeMap::new();
    for (key, value) in keys.iter().zip(values) {
        *right.entry(*key).or_insert(0) += value;
    }
    let pairs = d
        .download::<u32>(table, 128)
        .into_iter()
        .zip(d.download::<i32>(sums, 128));
    let got: Vec<(u32, i32)> = pairs.filter(|(key, _)| *key != u32::MAX).collect();
    assert_eq!(got.len(), right.len(), "each key is there once");
    assert_eq!(got.into_iter().collect::<BTreeMap<_, _>>(), right);
}

#[test]
fn jumps() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = (0..64).map(|i| i * 5 % 23).collect();
    let out = d.room::<i32>(64);
    d.run("jumps", line(1, 64), arguments![d.upload(&data), out]);
    let right = |v: &i32| match v % 4 {
        0 => v + 100,
        1 => 100 - v,
        2 => v << 1,
        _ => v * v,
    };
    assert_eq!(
        d.download::<i32>(out, 64),
        data.iter().map(right).collect::<Vec<_>>()
    );
}

#[test]
fn halves() {
    let Some(d) = Device::new(PTX) else { return };
    let n = 48usize;
    let mut random = Random(31);
    let mut pairs = || {
        (0..n)
            .map(|_| [(); 2].map(|()| half(random.unit() * 4.0)))
            .collect::<Vec<[u16; 2]>>()
    };
    let (x, y) = (pairs(), pairs());
    let (out, sum) = (d.room::<[u16; 2]>(3 * n), d.room::<f32>(1));
    d.run(
        "halves",
        line(1, 32),
        arguments![d.upload(&x), d.upload(&y), out, sum, n as i32],
    );
    let got = d.download::<[u16; 2]>(out, 3 * n);
    let mut totals = [[0u16; 2]; 32];
    for i in 0..n {
        for e in 0..2 {
            let (a, b, other) = (value(x[i][e]), value(y[i][e]), value(x[i][1 - e]));
            // products and sums of these halves are exact in doubles
            let f = half(a * b + other);
            let scaled = value(half(value(f) - b)) * [0.25, 2.0][e];
            assert_eq!(
                got[i][e],
                half(value(half(scaled)).clamp(0.0, 1.0)),
                "element {i}, {e}"
            );
            assert_eq!(value(got[n + i][e]), f64::from(u8::from(a > b)));
            assert_eq!(value(got[2 * n + i][e]), (-value(f)).round_ties_even());
            let total = &mut totals[i % 32][e];
            *total = half(value(*total) + a.abs());
        }
    }
    for d in [16, 8, 4, 2, 1] {
        let before = totals;
        for (lane, total) in totals.iter_mut().enumerate() {
            *total = [0, 1].map(|e| half(value(before[lane][e]) + value(before[lane ^ d][e])));
        }
    }
    assert_eq!(
        f64::from(d.download::<f32>(sum, 1)[0]),
        value(totals[0][0]) + value(totals[0][1])
    );
}

#[test]
fn clocks() {
    let Some(d) = Device::new(PTX) else { return };
    let (out, scratch) = (d.room::<u64>(64), d.room::<u32>(64));
    d.run("clocks", line(1, 64), arguments![out, scratch]);
    for (t, got) in d.download::<u64>(out, 64).into_iter().enumerate() {
        assert!(
            got > 0 && (got - 1) % 32 == t as u64 % 32,
            "thread {t}: {got}"
        );
    }
}
