//! `undefined.cu`: what nobody has written may be moved and computed with, by every kernel here; what the host reads of it,
//! and what decides something, is told.

use crate::device::{Device, arguments, line};
use crate::numbers::{Random, half};
use crate::ptx;

pub const PTX: &str = ptx!("undefined");

/// Whether to read what must not be read: `planted` asks for it.
fn wrongly() -> bool {
    std::env::var_os("WRONGLY").is_some()
}

#[test]
fn rows() {
    let Some(d) = Device::new(PTX) else { return };
    for n in [1usize, 27, 64] {
        let data: Vec<f32> = (0..n * 4).map(|i| i as f32).collect();
        let y = d.zeros::<f32>(64 * 4);
        let shape = line(1, 256);
        d.run(
            "clamped_rows",
            shape,
            arguments![d.upload(&data), y, n as i32],
        );
        let mut right: Vec<f32> = data.iter().map(|x| 2.0 * x).collect();
        right.resize(64 * 4, 0.0);
        assert_eq!(d.download::<f32>(y, 64 * 4), right);
    }
}

/// `kernel` on the first `n` rows of 16 of A, of which `room` are allocated.
fn product(kernel: &str, columns: usize, by_columns: bool, room: impl Fn(usize) -> usize) {
    let Some(d) = Device::new(PTX) else { return };
    for n in [1usize, 7, 11, 16] {
        let mut random = Random(40);
        let (a, b) = (random.whole(n * 16, 9), random.whole(16 * columns, 9));
        let halves = |v: &[i64]| v.iter().map(|x| half(*x as f64)).collect::<Vec<u16>>();
        let (wide, c) = (d.room::<u16>(room(n) * 16), d.zeros::<f32>(16 * columns));
        d.write(wide, &halves(&a));
        let arguments = arguments![wide, d.upload(&halves(&b)), c, n as i32];
        d.run(kernel, line(1, 32), arguments);
        let element = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let of_b = |k: usize| match by_columns {
                true => b[column * 16 + k],
                false => b[k * columns + column],
            };
            let sum: i64 = (0..16).map(|k| a[row * 16 + k] * of_b(k)).sum();
            // the two of `mma` have a ReLU
            if by_columns {
                sum.max(0) as f32
            } else {
                sum as f32
            }
        };
        let mut right: Vec<f32> = (0..n * columns).map(element).collect();
        right.resize(16 * columns, 0.0);
        assert_eq!(d.download::<f32>(c, 16 * columns), right, "{kernel} {n}");
    }
}

#[test]
fn mma() {
    product("clamped_mma", 8, true, |n| n);
}

#[test]
fn asynchronous() {
    product("clamped_async", 8, true, |_| 16);
}

#[test]
fn wmma() {
    product("clamped_wmma", 16, false, |n| n);
}

/// Scratch that is handed on twice, of which the host reads what is in use, or all.
#[test]
fn handed_on() {
    let Some(d) = Device::new(PTX) else { return };
    let [first, second] = [(); 2].map(|()| d.room::<i32>(128));
    // all of it written before: that does not make what comes later defined
    let third = d.zeros::<i32>(128);
    d.write(first, &(0..50).collect::<Vec<i32>>());
    d.run("hand_on", line(2, 64), arguments![first, second]);
    d.run("hand_on", line(2, 64), arguments![second, third]);
    let count = if wrongly() { 51 } else { 50 };
    let right: Vec<i32> = (0..count).map(|i| 9 * i + 4).collect();
    assert_eq!(d.download::<i32>(third, count as usize), right);
    // the host has written over it, and reads what it wrote
    d.write(third, &[7i32; 128]);
    assert_eq!(d.download::<i32>(third, 128), [7; 128]);
}

/// A kernel on what comes from the allocator, of which the host reads nothing.
#[test]
fn timed() {
    let Some(d) = Device::new(PTX) else { return };
    let (x, sums) = (d.room::<f32>(4 * 128), d.room::<f32>(4));
    for _ in 0..3 {
        d.run("timed", line(4, 128), arguments![x, sums]);
    }
    if wrongly() {
        println!("{:?}", d.download::<f32>(sums, 4));
    }
}
