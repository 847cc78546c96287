use half::{bf16, f16};
use warpsmith::ops::transpose::cuda;
use warpsmith::{Device, Element, Tensor};

use crate::common::data::{SHAPES, tensor};

/// Distinct numbers that f16 and bf16 hold exactly or round to neighbours of: bits tell the places apart.
fn counting<T: Element>(n: usize) -> Vec<T> {
    let numbers: Vec<i32> = (0..n as i32).map(|i| i % 2039 - 1000).collect();
    let numbers = tensor(&numbers, &[n], &Device::Cpu);
    numbers.cast::<T>().unwrap().to_vec().unwrap()
}

fn check<T: Element>(device: &Device) {
    let matrices = SHAPES.iter().map(|s| (s.name, vec![s.rows, s.cols]));
    let batches = [
        ("batch", vec![3, 33, 70]),
        ("batch_of_whole_tiles", vec![2, 2, 64, 128]),
        ("pairs_past_a_tile", vec![2, 66, 130]),
        ("odd_rows", vec![5, 65, 66]),
        ("odd_cols", vec![1, 66, 65]),
        ("row", vec![1, 1, 1000]),
        ("column", vec![2, 300, 1]),
    ];
    let batches = batches.into_iter();
    for (name, shape) in matrices.chain(batches) {
        let x = counting::<T>(shape.iter().product());
        let mut turned = shape.clone();
        turned[shape.len() - 2..].reverse();
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let mut y = Tensor::<T>::from_vec(vec![T::default(); x.len()], &turned, d).unwrap();
            let x = tensor(&x, &shape, d);
            x.transpose_out(-2, -1, &mut y).unwrap();
            y.to_vec().unwrap()
        });
        assert_eq!(got, want, "transpose {} {name}", T::NAME);
    }
}

pub fn words(device: &Device) {
    check::<f32>(device);
    check::<i32>(device);
}

pub fn halves(device: &Device) {
    check::<f16>(device);
    check::<bf16>(device);
}

/// Pairs of halves need 4-byte alignment, which a view need not have.
pub fn misaligned_view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let x = counting::<f16>(70 * 66 + 1);
    let want = tensor(&x[1..], &[70, 66], &Device::Cpu).t().unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let mut y = stream.clone_htod(&[f16::NAN; 70 * 66]).unwrap();
    cuda::transpose(stream, &x.slice(1..), &mut y, 1, 70, 66).unwrap();
    assert_eq!(stream.clone_dtoh(&y).unwrap(), want.to_vec().unwrap());
}
