//! Recursion, pointers to functions, locks, warp operations, libraries: `odds.cu` against the host.
//! `odds_80.ptx` was compiled from it for compute_80 with `-lineinfo --device-int128`.

use super::*;

const ODDS: &str = include_str!("odds_80.ptx");

fn run(name: &str, grid: u32, block: u32, pointers: &[u64], d: &Device) {
    d.launch(name, [grid, 1, 1], [block, 1, 1], &params(pointers, 0))
        .unwrap_or_else(|e| panic!("{e}"));
}

fn ints(d: &Device, n: usize) -> u64 {
    d.upload(&vec![0i32; n])
}

#[test]
fn recursion_and_indirect_calls_diverge_and_return() {
    let d = Device::new(ODDS);
    let out = ints(&d, 64);
    run("recursion", 1, 64, &[out], &d);
    let fib = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34];
    assert_eq!(
        d.download::<i32>(out, 64),
        (0..64).map(|t| fib[t % 10]).collect::<Vec<i32>>()
    );
    run("indirect", 1, 64, &[out], &d);
    let want = |t: i32| [t + 3, t - 3, t * 3][t as usize % 3];
    assert_eq!(
        d.download::<i32>(out, 64),
        (0..64).map(want).collect::<Vec<i32>>()
    );
    run("switches", 1, 64, &[out], &d);
    let want = |t: i32| match t % 9 {
        0 => 2 * t,
        1 => t + 100,
        2 => t * t,
        3 => -t,
        4 => t ^ 55,
        5 => t / 3,
        6 => (0..).find(|r| r * r >= t).unwrap(),
        7 => fib[t as usize % 7],
        _ => 1,
    };
    assert_eq!(
        d.download::<i32>(out, 64),
        (0..64).map(want).collect::<Vec<i32>>()
    );
}

#[test]
fn local_arrays() {
    let d = Device::new(ODDS);
    let data: Vec<i32> = (0..16).map(|i| (i * 5 + 3) % 16).collect();
    let (input, out) = (d.upload(&data), ints(&d, 40));
    run("local_array", 1, 40, &[input, out], &d);
    let want = |t: usize| {
        let a: Vec<i32> = (0..16).map(|i| data[(t + i) % 16] * i as i32).collect();
        (0..16).fold(0i32, |s, i| {
            s.wrapping_mul(3).wrapping_add(a[data[i] as usize])
        })
    };
    assert_eq!(
        d.download::<i32>(out, 40),
        (0..40).map(want).collect::<Vec<i32>>()
    );
}

#[test]
fn locks_between_lanes_and_blocks_make_progress() {
    let d = Device::new(ODDS);
    for name in ["lock", "plain_lock"] {
        let (mutex, count) = (ints(&d, 1), ints(&d, 1));
        run(name, 3, 64, &[mutex, count], &d);
        assert_eq!(d.download::<i32>(count, 1), [192], "{name}");
    }
    let (arrived, out) = (ints(&d, 1), ints(&d, 20));
    run("grid_wait", 20, 32, &[arrived, out], &d);
    assert_eq!(d.download::<i32>(out, 20), [20; 20]);
}

#[test]
fn warp_operations() {
    let d = Device::new(ODDS);
    let out = ints(&d, 224);
    run("warp_ops", 1, 32, &[out], &d);
    let o = d.download::<i32>(out, 224);
    let v: Vec<i32> = (0..32).map(|t| t * 7 % 32).collect();
    let ballot = v.iter().enumerate().fold(0, |m, (t, v)| m | (v & 1) << t);
    for t in 0..32 {
        assert_eq!(o[t], v[if t + 3 < 32 { t + 3 } else { t }], "down {t}");
        assert_eq!(o[32 + t], v[if t % 16 >= 5 { t - 5 } else { t }], "up {t}");
        assert_eq!(o[64 + t], ballot, "ballot");
        let same = v
            .iter()
            .enumerate()
            .fold(0, |m, (l, x)| m | i32::from(x & 3 == v[t] & 3) << l);
        assert_eq!(o[96 + t], same, "match {t}");
        assert_eq!(o[128 + t], v.iter().sum::<i32>());
        let any = i32::from(v[..20].iter().any(|v| *v > 30));
        assert_eq!(
            o[160 + t],
            if t < 20 {
                v[t ^ 1] + any
            } else {
                0xFFF0_0000u32 as i32
            },
            "part {t}"
        );
        assert_eq!(o[192 + t], v.iter().filter(|v| **v > 15).count() as i32);
    }
}

#[test]
fn library_functions() {
    let d = Device::new(ODDS);
    let x: Vec<f32> = (0..32).map(|t| (t as f32 - 15.3) * 0.37).collect();
    let (px, py, pz) = (
        d.upload(&x),
        d.upload(&vec![0f32; 256]),
        d.upload(&vec![0f64; 128]),
    );
    run("numbers", 1, 32, &[px, py, pz], &d);
    let (y, z) = (d.download::<f32>(py, 256), d.download::<f64>(pz, 128));
    for t in 0..32 {
        let v = f64::from(x[t]);
        let close = |got: f64, want: f64, ulp: f64, what: &str| {
            assert!(
                (got - want).abs() <= ulp * want.abs().max(1e-3),
                "{what} of {v}: {got} for {want}"
            );
        };
        close(y[t].into(), f64::from(x[t] * 1000.0).sin(), 1e-5, "sinf");
        close(y[32 + t].into(), v.exp(), 3e-7, "expf");
        close(
            y[64 + t].into(),
            f64::from(x[t].abs() + 1e-3).ln(),
            3e-7,
            "logf",
        );
        close(
            y[96 + t].into(),
            f64::from(x[t].abs() + 0.5).powf(f64::from(1.7f32)),
            5e-7,
            "powf",
        );
        close(y[224 + t].into(), v.abs().sqrt(), 1e-7, "sqrtf");
        let third = v / 3.0;
        let zero = if f64::from(third as f32).abs() > third.abs() {
            f32::from_bits((third as f32).to_bits() - 1)
        } else {
            third as f32
        };
        assert_eq!(y[128 + t], zero, "div.rz");
        assert_eq!(y[160 + t], x[t].next_up(), "add.rp");
        close(z[t], v.exp(), 1e-15, "exp");
        close(z[32 + t], v.sin(), 1e-15, "sin");
        assert_eq!(z[64 + t], v, "add.rm of a tiny positive number");
        assert_eq!(z[96 + t], v / 3.0);
    }
}

#[test]
fn integer_functions() {
    let d = Device::new(ODDS);
    let a: Vec<u32> = (0..32u32)
        .map(|t| t.wrapping_mul(2_654_435_761) ^ t << 13 | 1 << (t % 32))
        .collect();
    let (pa, po, pw) = (
        d.upload(&a),
        d.upload(&vec![0u32; 320]),
        d.upload(&vec![0u64; 96]),
    );
    run("integers", 1, 32, &[pa, po, pw], &d);
    let (o, w) = (d.download::<u32>(po, 320), d.download::<u64>(pw, 96));
    for t in 0..32 {
        let (x, y) = (a[t], a[(t + 1) % 32]);
        let (s, r) = (x as i32, y as i32);
        assert_eq!(
            o[t],
            x.count_ones() + x.leading_zeros() * 100 + (x.trailing_zeros() + 1) * 10000,
            "counts"
        );
        assert_eq!(o[32 + t], x.reverse_bits());
        let selector = 0x5140 + t as u32;
        let bytes = [x.to_le_bytes(), y.to_le_bytes()].concat();
        let want: [u8; 4] = std::array::from_fn(|i| {
            let s = selector >> (4 * i) & 0xF;
            let b = bytes[(s & 7) as usize];
            // __byte_perm uses three bits of each selector
            b
        });
        assert_eq!(o[64 + t], u32::from_le_bytes(want), "prmt {t}");
        assert_eq!(
            o[96 + t],
            if t == 0 { y } else { y << t | x >> (32 - t) },
            "shf"
        );
        assert_eq!(o[128 + t] as i32, s.wrapping_div(r | 1));
        assert_eq!(o[160 + t] as i32, s.wrapping_rem(r | 1));
        let dot: i32 = (0..4)
            .map(|i| i32::from(x.to_le_bytes()[i] as i8) * i32::from(y.to_le_bytes()[i] as i8))
            .sum();
        assert_eq!(o[192 + t] as i32, dot + 5);
        assert_eq!(o[224 + t], ((u64::from(x) * u64::from(y)) >> 32) as u32);
        let n = t as u32 + 20;
        assert_eq!(o[256 + t], if n < 32 { x >> n } else { 0 }, "shr {n}");
        assert_eq!(o[288 + t] as i32, s >> n.min(31), "sar {n}");
        let w0 = u64::from(x).wrapping_mul(y.into()) / u64::from(y | 1);
        assert_eq!(w[t], w0);
        let (p, q) = (
            u64::from(x) << 20 | u64::from(y),
            u64::from(y) << 31 | u64::from(x),
        );
        let w1 = ((u128::from(p) * u128::from(q)) >> 64) as u64;
        assert_eq!(w[32 + t], w1);
        assert_eq!(
            w[64 + t],
            ((u128::from(w0) * u128::from(w1) + u128::from(x)) >> 64) as u64
        );
    }
}

#[test]
fn parameters_by_value_constants_and_atomics() {
    let d = Device::new(ODDS);
    let out = d.upload(&[0f32; 32]);
    let mut p: Vec<u8> = (0..20)
        .flat_map(|i| (i as f32 * 0.5).to_le_bytes())
        .collect();
    p.extend(20i32.to_le_bytes());
    p.resize(88, 0);
    p.extend(out.to_le_bytes());
    p.extend(3i32.to_le_bytes());
    d.launch("by_value", [1, 1, 1], [32, 1, 1], &p)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        d.download::<f32>(out, 32),
        (0..32)
            .map(|t| ((t + 3) % 20) as f32 * 0.5)
            .collect::<Vec<_>>()
    );
    run("constants", 1, 32, &[out], &d);
    assert_eq!(
        d.download::<f32>(out, 32),
        (0..32).map(|t| (t % 8 + 1) as f32).collect::<Vec<_>>()
    );
    let (address, bytes) = d.module.global("weights").unwrap();
    assert_eq!((d.download::<f32>(address, 1)[0], bytes), (1.0, 32));
    let data: Vec<u8> = (0..1000).map(|i| (i * i % 251) as u8).collect();
    let (input, bins) = (d.upload(&data), d.upload(&[0u32; 16]));
    let mut p = input.to_le_bytes().to_vec();
    p.extend([1000u64.to_le_bytes(), bins.to_le_bytes()].concat());
    d.launch("histogram", [2, 1, 1], [64, 1, 1], &p)
        .unwrap_or_else(|e| panic!("{e}"));
    let mut want = [0u32; 16];
    data.iter().for_each(|b| want[usize::from(b & 15)] += 2);
    assert_eq!(d.download::<u32>(bins, 16), want);
}

#[test]
fn half_precision_rounds_once() {
    use cuda_emulator::exec::half::{narrow_bf16, narrow_f16, widen_bf16, widen_f16};
    let d = Device::new(ODDS);
    let a: Vec<u16> = (0..32)
        .map(|t| narrow_f16((t as f32 - 11.0) * 0.173))
        .collect();
    let (pa, po, pb) = (d.upload(&a), d.upload(&[0u16; 192]), d.upload(&[0u16; 32]));
    run("halves", 1, 32, &[pa, po, pb], &d);
    let (o, b) = (d.download::<u16>(po, 192), d.download::<u16>(pb, 32));
    for t in 0..32 {
        let (x, y) = (
            f64::from(widen_f16(a[t])),
            f64::from(widen_f16(a[(t + 1) % 32])),
        );
        assert_eq!(o[t], narrow_f16((x * y + x) as f32), "fma {t}");
        assert_eq!(o[32 + t], narrow_f16(x.max(y) as f32));
        assert_eq!(o[128 + t], narrow_f16((x * y) as f32));
        assert_eq!(o[160 + t], narrow_f16((y * y) as f32));
        let rounded = widen_bf16(narrow_bf16(x as f32));
        assert_eq!(b[t], narrow_bf16(rounded * 1.5), "bf16");
    }
}

#[test]
fn printing_goes_through() {
    run("prints", 1, 32, &[0], &Device::new(ODDS));
}
