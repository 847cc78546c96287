use half::{bf16, f16};
use warpsmith::{Device, Number};

use crate::binary::typed;
use crate::common::data::{tensor, with_specials};

fn check<T: Number>(data: impl Fn(usize) -> Vec<T>, device: &Device) {
    for (shape, dim, k) in [
        (&[37, 10][..], 1, 3),
        (&[37, 10], -1, 10),
        (&[2, 3000], 1, 700),
        (&[600, 3], 0, 5),
        (&[3, 40, 5], 1, 1),
        (&[1], 0, 1),
        (&[4, 6], 1, 0),
        (&[0, 6], 1, 2),
    ] {
        let mut data = data(shape.iter().product());
        // equal ones
        for i in (2..data.len()).step_by(3) {
            data[i] = data[i / 2];
        }
        for (largest, sorted) in [(true, true), (false, true), (true, false), (false, false)] {
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let x = tensor(&data, shape, d);
                let (values, index) = x.topk(k, dim, largest, sorted).unwrap();
                let bits = |x: &T| x.bits();
                let values: Vec<u64> = values.to_vec().unwrap().iter().map(bits).collect();
                (values, index.to_vec().unwrap())
            });
            let what = format!("{k} of {} {shape:?} along {dim}", T::NAME);
            assert_eq!(got, want, "{what}, largest {largest}, sorted {sorted}");
        }
    }
}

pub fn floats(device: &Device) {
    check::<f32>(|n| with_specials(n, 1), device);
    check::<f16>(|n| with_specials(n, 2), device);
    check::<bf16>(|n| with_specials(n, 3), device);
}

pub fn integers(device: &Device) {
    check::<i64>(
        |n| {
            let some: Vec<i64> = typed(n, 4);
            some.into_iter().map(|x| x.wrapping_mul(1 << 40)).collect()
        },
        device,
    );
    check::<i32>(|n| typed(n, 5), device);
    check::<u8>(|n| typed(n, 6), device);
}
