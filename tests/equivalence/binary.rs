use half::{bf16, f16};
use warpsmith::ops::Operand;
use warpsmith::ops::binary::{KERNELS, binary};
use warpsmith::{Device, Float, Number, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, with_specials};
use crate::emulated::{wanted, wanted_name};

fn names() -> impl Iterator<Item = &'static str> {
    KERNELS
        .iter()
        .filter_map(|kernel| kernel.strip_prefix("binary_")?.strip_suffix("_f32"))
}

/// Shapes of two operands: as they are, a row, a column, both spread, more dimensions than lie side by side, one element,
/// none.
const SHAPES: [[&[usize]; 2]; 8] = [
    [&[1003], &[1003]],
    [&[64, 16], &[64, 16]],
    [&[33, 20], &[20]],
    [&[20, 7], &[20, 1]],
    [&[9, 1], &[1, 31]],
    [&[3, 1, 5, 1, 2], &[1, 4, 1, 6, 2]],
    [&[40, 5], &[]],
    [&[0, 5], &[1, 5]],
];

fn numel(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn floats_of<T: Float>(device: &Device) {
    if !wanted(T::NAME, "") {
        return;
    }
    for name in names().filter(|name| wanted_name(&format!("binary_{name}_"))) {
        for [of_a, of_b] in SHAPES {
            let a = with_specials::<T>(numel(of_a), 1);
            let b = outliers::<T>(numel(of_b), 2);
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let (a, b) = (tensor(&a, of_a, d), tensor(&b, of_b, d));
                let all = [
                    binary(name, &a, &b),
                    binary(name, &b, &a),
                    binary(name, &a, 1.7),
                    binary(name, 1.7, &b),
                ];
                all.map(|y| y.unwrap().to_vec().unwrap())
            });
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let what = format!("{name} {} {of_a:?} {of_b:?} case {i}", T::NAME);
                let exact = !matches!(name, "pow" | "atan2");
                let tolerance = match exact {
                    true => Tolerance::EXACT,
                    false => Tolerance::of::<T>(16, 0.0),
                };
                assert_close(&what, got, want, tolerance);
            }
        }
    }
}

pub fn floats(device: &Device) {
    floats_of::<f32>(device);
    floats_of::<f16>(device);
    floats_of::<bf16>(device);
}

/// From one end of the range to the other, small ones and 0 among them.
fn values(n: usize, seed: i64) -> Vec<i64> {
    let value = |i: i64| match i % 5 {
        0 => i % 7 - 3,
        1 => i64::MIN + i,
        _ => (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()) >> (i % 61),
    };
    (0..n as i64).map(value).collect()
}

pub fn typed<T: Number>(n: usize, seed: i64) -> Vec<T> {
    let mut made = vec![T::default(); n];
    T::block_from_i64(&values(n, seed), &mut made);
    made
}

/// Integers so large that their sums and products wrap.
pub fn large(n: usize, seed: i64) -> Vec<i64> {
    let values = values(n, seed).into_iter();
    values.map(|x| x.wrapping_mul(i64::MAX / 3)).collect()
}

fn integers_of<T: Number<Wide = i64> + Eq + for<'a> Into<Operand<'a, T>>>(device: &Device) {
    let mut three = [T::default()];
    T::block_from_i64(&[3], &mut three);
    for name in names().filter(|name| *name != "atan2") {
        for [of_a, of_b] in SHAPES {
            let (a, b) = (typed::<T>(numel(of_a), 1), typed::<T>(numel(of_b), 2));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let (a, b) = (tensor(&a, of_a, d), tensor(&b, of_b, d));
                let all = [
                    binary(name, &a, &b),
                    binary(name, &b, &a),
                    binary(name, &a, three[0]),
                    binary(name, three[0], &b),
                ];
                all.map(|y| y.unwrap().to_vec().unwrap())
            });
            assert_eq!(got, want, "{name} {} {of_a:?} {of_b:?}", T::NAME);
        }
    }
}

pub fn integers(device: &Device) {
    integers_of::<i64>(device);
    integers_of::<i32>(device);
    integers_of::<u8>(device);
}

pub fn in_place(device: &Device) {
    let (a, b) = (outliers::<f16>(33 * 20, 5), outliers::<f16>(20, 6));
    let [want, got] = [&Device::Cpu, device].map(|d| {
        let mut y = tensor(&a, &[33, 20], d);
        y.sub_(&tensor(&b, &[20], d)).unwrap();
        y.mul_(0.3).unwrap();
        let own = y.clone();
        y.add_(&own).unwrap();
        y.to_vec().unwrap()
    });
    assert_close("sub_, mul_, add_", &got, &want, Tolerance::EXACT);
}

fn compared<T: Number>(device: &Device, a: &[T], b: &[T], number: Operand<'_, T>) {
    let (a, b) = (
        tensor(a, &[33, 20], &Device::Cpu),
        tensor(b, &[20], &Device::Cpu),
    );
    let [want, got] = [&Device::Cpu, device].map(|d| {
        let (a, b) = (a.to(d).unwrap(), b.to(d).unwrap());
        let all: [warpsmith::Result<Tensor<bool>>; 9] = [
            a.eq(&b),
            a.ne(&b),
            a.lt(&b),
            a.le(&b),
            a.gt(&b),
            a.ge(&b),
            a.ge(number),
            a.isnan(),
            a.logical_not(),
        ];
        all.map(|y| y.unwrap().to_vec().unwrap())
    });
    assert_eq!(got, want, "compare {}", T::NAME);
}

pub fn compare(device: &Device) {
    fn floats<T: Float>(device: &Device) {
        let (mut a, b) = (with_specials::<T>(660, 7), with_specials::<T>(20, 8));
        a[20..40].copy_from_slice(&b);
        compared(device, &a, &b, 0.5.into());
    }
    floats::<f32>(device);
    floats::<f16>(device);
    floats::<bf16>(device);
    compared::<i64>(device, &typed(660, 1), &typed(20, 2), (-1).into());
    compared::<i32>(device, &typed(660, 1), &typed(20, 2), (-1).into());
    compared::<u8>(device, &typed(660, 1), &typed(20, 2), 200.into());
}
