//! Elements by index: every width of element, and sums of every type.

use half::{bf16, f16};
use warpsmith::ops::{self, gather_backward, index, index_select_backward};
use warpsmith::{Device, Element, Error, Number};

use crate::binary::{large, typed};
use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, uniform};
use crate::copy::same;
use crate::emulated::wanted;

/// Indices below `size`, all over it, some of them often.
pub fn indices(n: usize, size: usize) -> Vec<i64> {
    let place = |i: usize| if i % 5 == 1 { 3 } else { i * i + 7 * i };
    (0..n).map(|i| (place(i) % size) as i64).collect()
}

fn taken<T: Element>(x: &[T], device: &Device) {
    let (shape, empty) = ([4, 6, 5, 8], Vec::new());
    same(device, |d| {
        let x = tensor(x, &shape, d);
        let list = tensor(&indices(9, 5), &[9], d);
        let of = |shape: &[usize], size| tensor(&indices(shape.iter().product(), size), shape, d);
        let scalar = tensor(&[4_i64], &[], d);
        vec![
            x.index_select(0, &of(&[7], 4)),
            x.index_select(1, &of(&[13], 6)),
            x.index_select(2, &list),
            x.index_select(-1, &of(&[11], 8)),
            x.index_select(1, &scalar),
            x.index_select(1, &tensor(&empty, &[0], d)),
            x.flatten(0, -1).unwrap().index_select(0, &of(&[700], 960)),
            x.gather(0, &of(&[9, 6, 5, 8], 4)),
            x.gather(1, &of(&[2, 11, 5, 7], 6)),
            x.gather(2, &of(&[4, 6, 3, 8], 5)),
            x.gather(-1, &of(&[3, 6, 5, 17], 8)),
            x.gather(1, &tensor(&empty, &[4, 0, 5, 8], d)),
        ]
    });
}

pub fn gather(device: &Device) {
    taken::<i64>(&typed(960, 3), device);
    taken::<f32>(&outliers(960, 3), device);
    taken::<bf16>(&outliers(960, 4), device);
    taken::<u8>(&typed(960, 5), device);
    let truth: Vec<bool> = (0..960).map(|i| i * i % 7 < 3).collect();
    taken::<bool>(&truth, device);
}

/// What is added to, along which dimension, the index's shape: rows, columns, a single column short and long, many that are
/// cut in chunks and ranges, one index for all.
const SUMS: [(&[usize], isize, &[usize]); 9] = [
    (&[5, 40], 1, &[3, 70]),
    (&[40, 33], 0, &[90, 30]),
    (&[3, 20, 7], 1, &[2, 50, 7]),
    (&[30], 0, &[11]),
    (&[100], 0, &[9000]),
    (&[9000], 0, &[5000]),
    (&[1], 0, &[3000]),
    (&[2, 300, 3], 1, &[2, 2000, 3]),
    (&[4, 5], 0, &[0, 5]),
];

fn sums<T: Number>(
    device: &Device,
    data: impl Fn(usize, u64) -> Vec<T>,
    check: impl Fn(&str, &[T], &[T]),
) {
    if !wanted(T::NAME, "") {
        return;
    }
    for (shape, dim, of_index) in SUMS {
        let d = dim.rem_euclid(shape.len() as isize) as usize;
        let n = of_index.iter().product();
        // src is longer than the index where it may be
        let of_src: Vec<usize> = of_index.iter().map(|size| size + size % 2).collect();
        let [want, got] = [&Device::Cpu, device].map(|device| {
            let x = tensor(&data(shape.iter().product(), 1), shape, device);
            let index = tensor(&indices(n, shape[d]), of_index, device);
            let src = tensor(&data(of_src.iter().product(), 2), &of_src, device);
            let mut own = x.copy().unwrap();
            own.scatter_add_(dim, &index, &src).unwrap();
            let y = x.scatter_add(dim, &index, &src).unwrap().to_vec().unwrap();
            assert!(own.to_vec().unwrap() == y, "in place {shape:?}");
            y
        });
        let what = format!("{} {shape:?} along {dim} at {of_index:?}", T::NAME);
        check(&what, &got, &want);
    }
}

fn close<T: warpsmith::Float>(what: &str, got: &[T], want: &[T]) {
    assert_close(what, got, want, Tolerance::of::<T>(3000, 3.0));
}

pub fn scatter_add(device: &Device) {
    sums::<f32>(device, uniform, close);
    sums::<f16>(device, uniform, close);
    sums::<bf16>(device, uniform, close);
    let exact = |what: &str, got: &[i64], want: &[i64]| assert!(got == want, "{what}");
    sums::<i64>(device, |n, seed| large(n, seed as i64), exact);
}

pub fn narrow_integers(device: &Device) {
    sums::<i32>(
        device,
        |n, seed| typed(n, seed as i64),
        |what, got, want| assert!(got == want, "{what}"),
    );
    sums::<u8>(
        device,
        |n, seed| typed(n, seed as i64),
        |what, got, want| assert!(got == want, "{what}"),
    );
}

/// The same bits again, and gradients.
pub fn gradients(device: &Device) {
    let run = |device: &Device| {
        let list = tensor(&indices(500, 6), &[500], device);
        let index = tensor(&indices(3000, 6), &[3000, 1], device);
        let dy = tensor(&uniform::<f32>(1000, 3), &[500, 2], device);
        let dz = tensor(&uniform::<f32>(3000, 4), &[3000, 1], device);
        let dx = index_select_backward(&dy, &[6, 2], 0, &list).unwrap();
        let dw = gather_backward(&dz, &[6, 2], 0, &index).unwrap();
        [dx, dw].map(|dx| dx.to_vec().unwrap())
    };
    let [first, again, want] = [device, device, &Device::Cpu].map(run);
    assert_eq!(first, again);
    for (got, want) in first.iter().zip(&want) {
        assert_close("gradients", got, want, Tolerance::of::<f32>(3000, 3.0));
    }
}

/// Views of buffers that a program has, which begin anywhere.
pub fn views(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let x = stream.clone_htod(&(0..100).collect::<Vec<i32>>()).unwrap();
    let list = stream.clone_htod(&[9_i64, 2, 0, 1]).unwrap();
    let mut y = stream.clone_htod(&[-1_i32; 40]).unwrap();
    let x = (&x.slice(3..), &[6_usize, 8][..]);
    index::cuda::index_select(stream, x, 0, &list.slice(1..), &mut y.slice_mut(5..29)).unwrap();
    let mut want = vec![-1; 40];
    for (i, k) in [2, 0, 1].into_iter().enumerate() {
        for c in 0..8 {
            want[5 + 8 * i + c] = (3 + 8 * k + c) as i32;
        }
    }
    assert_eq!(stream.clone_dtoh(&y).unwrap(), want);
    let of = (&list.slice(1..), &[3_usize, 1][..]);
    index::cuda::gather(stream, x, 0, of, &mut y).unwrap();
    assert_eq!(stream.clone_dtoh(&y).unwrap()[..3], [19, 3, 11]);
    let short = index::cuda::gather(stream, x, 0, (&list, &[5, 1]), &mut y);
    assert!(short.is_err_and(|e| e.to_string().contains("as long as its shape")));
    let short = index::cuda::index_select(stream, x, 0, &list, &mut y.slice_mut(9..));
    assert!(short.is_err_and(|e| e.to_string().contains("[4, 8]")));
}

/// An index out of range is told by whoever waits next, once; until then it reads 0 and adds nothing.
pub fn out_of_range(device: &Device) {
    // on a stream of its own: what waits for another hears nothing
    let stream = device.as_cuda().unwrap().stream().context().new_stream();
    let device = &Device::from_stream(stream.unwrap()).unwrap();
    for wrong in [5, -1, i64::MIN, i64::MAX] {
        let x = tensor(&[1.0_f32, 2.0, 3.0, 4.0, 5.0], &[1, 5], device);
        let index = tensor(&[0, wrong, 4], &[1, 3], device);
        let told = |error: Error, of: &str| {
            let text = error.to_string();
            let want = format!("{of}: expected indices in 0..5 along dimension 1, got {wrong}");
            assert_eq!(text, want);
        };
        let y = x.gather(1, &index).unwrap();
        told(y.to_vec().unwrap_err(), "gather");
        assert_eq!(y.to_vec().unwrap(), [1.0, 0.0, 5.0]);
        let y = x.index_select(-1, &index.flatten(0, -1).unwrap()).unwrap();
        told(device.synchronize().unwrap_err(), "index_select");
        device.synchronize().unwrap();
        assert_eq!(y.to_vec().unwrap(), [1.0, 0.0, 5.0]);
        let sum = x.scatter_add(1, &index, &y.add(1.0).unwrap()).unwrap();
        // later ones are not heard beside the first
        let z = x.gather(1, &tensor(&[7_i64], &[1, 1], device)).unwrap();
        let first = z.item().unwrap_err();
        told(first, "scatter_add");
        assert_eq!(sum.to_vec().unwrap(), [3.0, 2.0, 3.0, 4.0, 11.0]);
        assert_eq!(z.item().unwrap(), 0.0);
        let back = ops::gather_backward(&sum.narrow(1, 0, 3).unwrap(), &[1, 5], 1, &index).unwrap();
        told(back.sum().unwrap().item().unwrap_err(), "gather_backward");
    }
}
