//! Shapes, parts and joins, which are copies of bits: every width of element.

use half::f16;
use warpsmith::ops::{cat, copy, stack, where_};
use warpsmith::{Device, Element, Result, Tensor};

use crate::binary::typed;
use crate::common::data::{outliers, tensor};

/// The same bits on the device as on the CPU, of everything that is made there.
pub fn same<T: Element>(device: &Device, make: impl Fn(&Device) -> Vec<Result<Tensor<T>>>) {
    let [want, got] = [&Device::Cpu, device].map(|d| -> Vec<Vec<T>> {
        let made = make(d).into_iter();
        made.map(|y| y.unwrap().to_vec().unwrap()).collect()
    });
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        assert!(
            got == want,
            "case {i} of {}: {got:?}, want {want:?}",
            T::NAME
        );
    }
}

fn moves<T: Element + for<'a> Into<warpsmith::ops::where_::Choice<'a, T>>>(
    x: &[T],
    value: T,
    device: &Device,
) {
    let shape = [4, 6, 5, 8];
    same(device, |d| {
        let x = tensor(x, &shape, d);
        let row = x.i((0, 0, .., 0)).unwrap();
        let mask: Vec<bool> = (0..40).map(|i| i % 3 == 1).collect();
        let mask = tensor(&mask, &[5, 8], d);
        vec![
            x.permute(&[0, 2, 3, 1]),
            x.permute(&[3, 2, 1, 0]),
            x.permute(&[1, 0, 2, 3]),
            x.transpose(1, 2),
            x.transpose(-1, -2),
            x.flip(&[1, 3]),
            x.narrow(3, 4, 4),
            x.narrow(1, 1, 3),
            x.select(2, -1),
            x.i((.., 1..5, -2, ..)),
            x.i((1, .., 3..3)),
            row.broadcast_to(&[3, 5]),
            row.unsqueeze(1).and_then(|r| r.expand(&[-1, 7])),
            row.repeat(&[2, 3]),
            x.pad(&[[1, 2], [0, 3]], value),
            cat(&[&x, &x.narrow(1, 0, 2).unwrap(), &x], 1),
            stack(&[&row, &row], -1),
            where_(&mask, &x, value),
            where_(&mask, value, &row.unsqueeze(1).unwrap()),
            x.masked_fill(&mask, value),
            where_(&mask, &x.select(0, 0).unwrap(), &x),
        ]
    });
}

pub fn widths(device: &Device) {
    moves::<i64>(&typed(960, 3), -7, device);
    moves::<f32>(&outliers(960, 3), -7.0, device);
    moves::<f16>(&outliers(960, 4), f16::from_f32(0.5), device);
    moves::<u8>(&typed(960, 5), 9, device);
    let truth: Vec<bool> = (0..960).map(|i| i * i % 7 < 3).collect();
    moves::<bool>(&truth, true, device);
}

/// Between buffers of a program's own: views, a stride that goes back, one that skips.
pub fn views(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let x: Vec<i32> = (0..100).collect();
    let (x, mut y) = (
        stream.clone_htod(&x).unwrap(),
        stream.clone_htod(&[-1_i32; 60]).unwrap(),
    );
    copy::cuda::copy(
        stream,
        (&x.slice(3..), 20, &[10, -3]),
        (&mut y, 5, &[9, 2]),
        &[4, 3],
    )
    .unwrap();
    let mut want = vec![-1; 60];
    for i in 0..4 {
        for j in 0..3 {
            want[5 + 9 * i + 2 * j] = (3 + 20 + 10 * i - 3 * j) as i32;
        }
    }
    assert_eq!(stream.clone_dtoh(&y).unwrap(), want);
    let outside = copy::cuda::copy(stream, (&x, 20, &[30, 1]), (&mut y, 0, &[3, 1]), &[4, 3]);
    assert!(outside.is_err_and(|e| e.to_string().contains("112")));
    let twice = copy::cuda::copy(stream, (&x, 0, &[3, 1]), (&mut y, 0, &[2, 1]), &[4, 3]);
    assert!(twice.is_err_and(|e| e.to_string().contains("differ")));
}

/// A tensor is printed as on the CPU, but for the device's name; of a large one no more is copied than is shown.
pub fn printed(device: &Device) {
    for shape in [&[5, 7][..], &[3000], &[40, 50], &[4, 30, 20], &[0, 3], &[]] {
        let n = shape.iter().product();
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let x = tensor(&outliers::<f32>(n, 3), shape, d);
            [x.to_string(), x.gt(0.0).unwrap().to_string()]
        });
        for (want, got) in want.iter().zip(&got) {
            let got = got.replace(&format!(", device='{device}'"), "");
            assert_eq!(*want, got, "{shape:?}");
        }
    }
}
