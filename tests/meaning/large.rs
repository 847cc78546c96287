//! Tensors that no cache holds go ways of their own on the CPU (stores past the caches): what they give is what their parts do.

use warpsmith::ops::cat;
use warpsmith::{Device, Result, Tensor};

use crate::common::data::{tensor, uniform};

/// Odd, and more than 4 Mi elements.
const SIZES: [usize; 2] = [2051, 2053];
const SPLIT: usize = 1000;

fn x() -> Tensor<f32> {
    tensor(
        &uniform::<f32>(SIZES[0] * SIZES[1], 5),
        &SIZES,
        &Device::Cpu,
    )
}

fn bits(x: &Tensor<f32>) -> Vec<u32> {
    x.to_vec().unwrap().into_iter().map(f32::to_bits).collect()
}

/// An op whose rows know nothing of each other.
type Rows = fn(&Tensor<f32>) -> Result<Tensor<f32>>;

#[test]
fn rows_are_those_of_parts() {
    let ops: [(&str, Rows); 14] = [
        ("exp", |x| x.exp()),
        ("gelu", |x| x.gelu()),
        ("relu", |x| x.relu()),
        ("sigmoid", |x| x.sigmoid()),
        ("add", |x| x.add(x)),
        ("sub a row", |x| {
            x.sub(&Tensor::arange(0.0, 2053.0, 1.0, &Device::Cpu)?)
        }),
        ("mul by a column", |x| x.mul(&x.i((.., 7..8))?)),
        ("div in place", |x| {
            let mut y = x.clone();
            y.div_(3.0)?;
            Ok(y)
        }),
        ("exp in place", |x| {
            let mut y = x.clone();
            y.exp_()?;
            Ok(y)
        }),
        ("relu_backward", |x| warpsmith::ops::relu_backward(x, x)),
        ("exp_backward", |x| warpsmith::ops::exp_backward(x, x)),
        ("columns", |x| x.narrow(1, 3, 2047)),
        ("twice", |x| cat(&[x, x], 1)),
        ("sums", |x| x.sum_dim(&[1], false)),
    ];
    let x = x();
    let top = x.narrow(0, 0, SPLIT).unwrap();
    let bottom = x.narrow(0, SPLIT, SIZES[0] - SPLIT).unwrap();
    for (name, op) in ops {
        let whole = bits(&op(&x).unwrap());
        let mut parts = bits(&op(&top).unwrap());
        parts.extend(bits(&op(&bottom).unwrap()));
        let apart = whole.iter().zip(&parts).position(|(a, b)| a != b);
        assert_eq!((whole.len(), apart), (parts.len(), None), "{name}");
    }
}

#[test]
fn places_are_moved() {
    let x = x();
    let (values, [rows, cols]) = (bits(&x), SIZES);
    let turned = bits(&x.transpose(0, 1).unwrap());
    let place = |i: usize| (i % rows) * cols + i / rows;
    assert!(
        turned
            .iter()
            .enumerate()
            .all(|(i, v)| *v == values[place(i)])
    );
    // matrices each of which is turned
    let (batch, rows) = (7, rows / 7);
    let matrices = x.reshape(&[batch, rows, cols]).unwrap();
    let turned = bits(&matrices.permute(&[0, 2, 1]).unwrap());
    let place = |i: usize| {
        let (matrix, i) = (i / (rows * cols), i % (rows * cols));
        (matrix * rows + i % rows) * cols + i / rows
    };
    assert!(
        turned
            .iter()
            .enumerate()
            .all(|(i, v)| *v == values[place(i)])
    );
}
