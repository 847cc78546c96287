//! `odds.cu`: intrinsics on words, 64-bit division, doubles.

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::odds::PTX;

fn lanes<const N: usize>(word: u32) -> [u32; N] {
    let width = 32 / N;
    std::array::from_fn(|i| word >> (width * i) & (u32::MAX >> (32 - width)))
}

fn join<const N: usize>(a: u32, b: u32, f: impl Fn(u32, u32) -> u32) -> u32 {
    let (a, b, width) = (lanes::<N>(a), lanes::<N>(b), 32 / N);
    (0..N).fold(0, |word, i| {
        word | (f(a[i], b[i]) & (u32::MAX >> (32 - width))) << (width * i)
    })
}

fn permuted(a: u32, b: u32, by: u32) -> u32 {
    let both = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |word, i| {
        word | ((both >> (8 * (by >> (4 * i) & 7))) as u32 & 255) << (8 * i)
    })
}

fn dot(a: [i64; 4], b: [i64; 4], c: i64) -> u32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| a * b)
        .sum::<i64>()
        .wrapping_add(c) as u32
}

#[test]
fn words() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(32);
    let mut data: Vec<u32> = (0..58)
        .map(|_| random.bits() as u32 >> random.below(20))
        .collect();
    data.extend([0, 1, u32::MAX, 1 << 31, 0x8000_8000, 0x7fff_7f80]);
    let out = d.room::<u32>(20 * 64);
    d.run("words", line(1, 64), arguments![d.upload(&data), out, 64]);
    let got = d.download::<u32>(out, 20 * 64);
    for t in 0..64 {
        let (a, b) = (data[t], data[(t + 1) % 64]);
        let both = u64::from(b) << 32 | u64::from(a);
        let unsigned = |w| lanes::<4>(w).map(i64::from);
        let signed = |w| lanes::<4>(w).map(|b| i64::from(b as u8 as i8));
        let (signed_halves, halves) = (
            lanes::<2>(a).map(|h| i64::from(h as u16 as i16)),
            lanes::<2>(a).map(i64::from),
        );
        let small = |w: u32| i64::from((w << 8) as i32 >> 8);
        let right = [
            permuted(a, b, a & 0x7777),
            permuted(a, b, 0x0123 + (b & 0x8888)),
            (both >> (a & 31)) as u32,
            if b & 63 >= 32 {
                a
            } else {
                ((both << (b & 63)) >> 32) as u32
            },
            a.reverse_bits(),
            a.leading_zeros(),
            if b == 0 { 0 } else { b.trailing_zeros() + 1 },
            (a ^ b).count_ones(),
            dot(unsigned(a), unsigned(b), 7),
            dot(signed(a), signed(b), -7),
            dot([signed_halves[0], signed_halves[1], 0, 0], signed(b), 3),
            dot([0, 0, halves[0], halves[1]], unsigned(b), 3),
            a.abs_diff(b).wrapping_add(9),
            ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32,
            (small(a) * small(b)) as u32,
            ((u64::from(a) + u64::from(b)) >> 1) as u32,
            join::<4>(a, b, u32::wrapping_add),
            join::<4>(a, b, u32::abs_diff),
            join::<2>(a, b, |a, b| if a > b { 0xffff } else { 0 }),
            join::<2>(a, b, |a, b| (a as u16 as i16).max(b as u16 as i16) as u32),
        ];
        for (row, right) in right.into_iter().enumerate() {
            assert_eq!(got[row * 64 + t], right, "row {row} of {a:#x} and {b:#x}");
        }
    }
}

#[test]
fn wide() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(33);
    let mut data: Vec<u64> = (0..60).map(|_| random.bits() >> random.below(64)).collect();
    data.extend([0, 1, u64::MAX, 1 << 63]);
    let out = d.room::<u64>(6 * 64);
    d.run("wide", line(1, 64), arguments![d.upload(&data), out, 64]);
    let got = d.download::<u64>(out, 6 * 64);
    for t in 0..64 {
        let (a, b) = (data[t], data[63 - t]);
        let (by, signed) = (b.max(1), if b == 0 { 1 } else { b as i64 });
        let right = [
            a / by,
            a % by,
            ((u128::from(a) * u128::from(b)) >> 64) as u64,
            (a as i64).wrapping_div(signed) as u64,
            (a as i64).wrapping_rem(signed) as u64,
            a / 1_000_000_007 + a % 97,
        ];
        for (row, right) in right.into_iter().enumerate() {
            assert_eq!(got[row * 64 + t], right, "row {row} of {a:#x} and {b:#x}");
        }
    }
}

/// Fraction from 1/2 to 1 and exponent, of a number that is neither zero nor subnormal.
fn parts(x: f64) -> (f64, i32) {
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1022;
    (x / 2f64.powi(exponent), exponent)
}

#[test]
fn doubles() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(34);
    let data: Vec<f64> = (0..500)
        .map(|_| random.unit() * 10f64.powi(random.below(6) as i32 - 4))
        .collect();
    let out = d.room::<[f64; 4]>(32);
    d.run(
        "doubles",
        line(1, 32),
        arguments![d.upload(&data), out, 500],
    );
    for (lane, got) in d.download::<[f64; 4]>(out, 32).into_iter().enumerate() {
        let (mut sum, mut lost) = (0.0, 0.0);
        for x in data.iter().skip(lane).step_by(32) {
            let y = x - lost;
            let t = sum + y;
            lost = (t - sum) - y;
            sum = t;
        }
        let polynomial = (1..=8)
            .rev()
            .fold(1.0, |p: f64, k| p.mul_add(sum / f64::from(k), 1.0));
        let (part, exponent) = parts(sum);
        let odd = part * 8.0
            + f64::from(exponent)
            + sum.floor()
            + sum % 0.37
            + sum.round_ties_even()
            + sum.abs().sqrt();
        assert_eq!(
            [got[0], got[1], got[3]],
            [sum, polynomial, odd],
            "lane {lane}"
        );
        // rsqrt of doubles may err by a unit of the last place
        let root = 1.0 / sum.mul_add(sum, 1.0).sqrt();
        assert!((got[2] / root - 1.0).abs() < 3e-16, "{} {root}", got[2]);
    }
}
