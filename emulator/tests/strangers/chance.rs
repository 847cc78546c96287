//! `chance.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::{Random, near};
use crate::ptx;

pub const PTX: &str = ptx!("chance");

/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3".
fn philox(mut c: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let wide = |a: u32, b: u32| (u64::from(a) * u64::from(b), 32);
        let ((p, half), (q, _)) = (wide(0xD251_1F53, c[0]), wide(0xCD9E_8D57, c[2]));
        c = [
            (q >> half) as u32 ^ c[1] ^ key[0],
            q as u32,
            (p >> half) as u32 ^ c[3] ^ key[1],
            p as u32,
        ];
        key = [
            key[0].wrapping_add(0x9E37_79B9),
            key[1].wrapping_add(0xBB67_AE85),
        ];
    }
    c
}

/// Counter, key and words, as the authors' library publishes them to check implementations by.
const KNOWN: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
    (
        [0; 4],
        [0; 2],
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
    ),
    (
        [u32::MAX; 4],
        [u32::MAX; 2],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
    ),
    (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ),
];

#[test]
fn words() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(25);
    let mut word = || random.bits() as u32;
    let mut counters: Vec<[u32; 4]> = KNOWN.iter().map(|k| k.0).collect();
    let mut keys: Vec<[u32; 2]> = KNOWN.iter().map(|k| k.1).collect();
    for _ in 0..97 {
        counters.push([(); 4].map(|()| word()));
        keys.push([(); 2].map(|()| word()));
    }
    let out = d.room::<[u32; 4]>(100);
    d.run(
        "philox_words",
        line(2, 64),
        arguments![d.upload(&counters), d.upload(&keys), out, 100],
    );
    let got = d.download::<[u32; 4]>(out, 100);
    assert_eq!(got[..3], KNOWN.map(|k| k.2));
    let right: Vec<[u32; 4]> = counters
        .iter()
        .zip(keys)
        .map(|(c, k)| philox(*c, k))
        .collect();
    assert_eq!(got, right);
}

/// The kernels' `unit`, in whose multiplication and addition one is rounded.
fn unit(x: u32) -> f32 {
    (x as f32).mul_add(2.3283064e-10, 1.1641532e-10)
}

/// Box and Muller: two numbers, with the first's radius.
fn pair(length: u32, angle: f32) -> [f64; 2] {
    let radius = (-2.0 * f64::from(unit(length)).ln()).sqrt();
    let (sin, cos) = f64::from(angle).sin_cos();
    [radius * sin, radius * cos]
}

#[test]
fn normals() {
    let Some(d) = Device::new(PTX) else { return };
    let (count, seed, offset) = (
        2000usize,
        0x0123_4567_89ab_cdefu64,
        u64::from(u32::MAX) - 700,
    );
    let out = d.room::<[f32; 4]>(count);
    d.run(
        "normals",
        line(16, 128),
        arguments![out, count as i32, seed, offset],
    );
    let right: Vec<f64> = (0..count as u64)
        .flat_map(|i| {
            let counter = offset + i;
            let r = philox(
                [counter as u32, (counter >> 32) as u32, 0, 0],
                [seed as u32, (seed >> 32) as u32],
            );
            let turn = |x| std::f32::consts::TAU * unit(x);
            [pair(r[0], turn(r[1])), pair(r[2], turn(r[3]))].concat()
        })
        .collect();
    let got = d.download::<[f32; 4]>(out, count).concat();
    near(&got, &right, |_, right| 5e-7 * (1.0 + right.abs()));
    let mean =
        |f: fn(f64) -> f64| got.iter().map(|x| f(f64::from(*x))).sum::<f64>() / got.len() as f64;
    // 8000 of them: four deviations of the mean, of the variance and of the fourth moment
    assert!(mean(|x| x).abs() < 4.0 / 8000f64.sqrt());
    assert!((mean(|x| x * x) - 1.0).abs() < 4.0 * (2.0 / 8000f64).sqrt());
    assert!((mean(|x| x.powi(4)) - 3.0).abs() < 4.0 * (96.0 / 8000f64).sqrt());
}

#[test]
fn fast_normals() {
    let Some(d) = Device::new(PTX) else { return };
    let out = d.room::<[f32; 2]>(500);
    d.run("fast_normals", line(4, 128), arguments![out, 500, 9u32]);
    let words: Vec<[u32; 4]> = (0..500).map(|i| philox([i, 0, 0, 0], [9, 0])).collect();
    let right: Vec<f64> = words
        .iter()
        .flat_map(|r| pair(r[0], std::f32::consts::TAU * (unit(r[1]) - 0.5)))
        .collect();
    near(
        &d.download::<[f32; 2]>(out, 500).concat(),
        &right,
        |at, _| {
            // the unit's logarithm and sine are off by at most 2^-21; near 1 the root of the former makes more of it
            let radius = (-2.0 * f64::from(unit(words[at / 2][0])).ln()).sqrt();
            let error = 2f64.powi(-21);
            (2.0 * error / radius).min((2.0 * error).sqrt()) + 2.0 * error * radius
        },
    );
}

#[test]
fn xorwow() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(26);
    let mut states: Vec<[u32; 6]> = (0..96)
        .map(|_| [(); 6].map(|()| random.bits() as u32))
        .collect();
    let (there, out) = (d.upload(&states), d.room::<u32>(96 * 10));
    for start in [0, 5] {
        // the second launch goes on with the states that the first left
        let to = out + 4 * 96 * start as u64;
        d.run("xorwow", line(2, 48), arguments![there, to, 5]);
    }
    let mut right = vec![];
    for _ in 0..10 {
        right.extend(states.iter_mut().map(|s| {
            let t = s[0] ^ s[0] >> 2;
            let x = s[4] ^ s[4] << 4 ^ t ^ t << 1;
            *s = [s[1], s[2], s[3], s[4], x, s[5].wrapping_add(362_437)];
            x.wrapping_add(s[5])
        }));
    }
    assert_eq!(d.download::<u32>(out, 960), right);
    assert_eq!(d.download::<[u32; 6]>(there, 96), states);
}

#[test]
fn pi() {
    let Some(d) = Device::new(PTX) else { return };
    let (blocks, each) = (5u32, 13u32);
    for seed in [1u32, 2] {
        let out = d.room::<f64>(1);
        d.run("pi", line(blocks, 128), arguments![each as i32, seed, out]);
        let inside = |x: u32, y: u32| {
            let square = |v: u32| u128::from(v) * u128::from(v);
            square(x) + square(y) < 1 << 64
        };
        let mut hits = 0.0;
        for at in 0..blocks * 128 {
            for i in 0..each {
                let r = philox([at, i, 0, 0], [seed, 7]);
                hits += f64::from(u8::from(inside(r[0], r[1])))
                    + 0.5 * f64::from(u8::from(inside(r[2], r[3])));
            }
        }
        let got = d.download::<f64>(out, 1)[0];
        // sums of halves are exact; what is done to them afterwards is the same
        assert_eq!(got, hits * (4.0 / 1.5) / f64::from(each * blocks * 128));
        assert!((got - std::f64::consts::PI).abs() < 0.1, "{got}");
    }
}
