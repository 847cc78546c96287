//! The families on the CPU, beside numpy and onnxruntime (`benches/peers/families.py`).

use warpsmith::ops::cat;
use warpsmith::{Device, Generator, Result, Tensor};

use crate::case::{Case, Work};

/// 64 MiB of f32, past every cache, as a line, a square and images.
const LINE: &[usize] = &[1 << 24];
const SQUARE: &[usize] = &[4096, 4096];
const IMAGES: &[usize] = &[64, 64, 64, 64];

/// One tensor of this shape, by an op that makes its output; `moved` is how often its bytes go by.
fn case(
    op: &'static str,
    shape: &'static [usize],
    moved: f64,
    run: fn(&Tensor<f32>) -> Result<()>,
) -> Case {
    let bytes = 4 * shape.iter().product::<usize>();
    Case {
        op,
        shape: shape.to_vec(),
        dtype: "f32",
        work: Work::Bytes(moved * bytes as f64),
        footprint: 2 * bytes,
        make: Box::new(move |device: &Device| {
            let x = Tensor::uniform(shape, 0.1, 2.0, &mut Generator::manual_seed(1), device)?;
            Ok(Box::new(move || run(&x)))
        }),
    }
}

/// The same with indices, in no order, of the first dimension for rows and of the second for elements.
fn by_index(
    op: &'static str,
    of: &'static [usize],
    run: fn(&Tensor<f32>, &Tensor<i64>) -> Result<()>,
) -> Case {
    let (bytes, n) = (4 * SQUARE[0] * SQUARE[1], of.iter().product::<usize>());
    Case {
        op,
        shape: SQUARE.to_vec(),
        dtype: "f32",
        work: Work::Bytes((2 * bytes + 8 * n) as f64),
        footprint: 2 * bytes + 8 * n,
        make: Box::new(move |device: &Device| {
            let x = Tensor::uniform(SQUARE, 0.1, 2.0, &mut Generator::manual_seed(1), device)?;
            let places = (0..n).map(|i| (i * 7919 % SQUARE[0]) as i64).collect();
            let index = Tensor::from_vec(places, of, device)?;
            Ok(Box::new(move || run(&x, &index)))
        }),
    }
}

pub fn all() -> Vec<Case> {
    vec![
        case("exp", LINE, 2.0, |x| x.exp().map(drop)),
        case("log", LINE, 2.0, |x| x.log().map(drop)),
        case("gelu", LINE, 2.0, |x| x.gelu().map(drop)),
        case("add_row", SQUARE, 2.0, |x| x.add(&x.i(0)?).map(drop)),
        case("add_column", SQUARE, 2.0, |x| {
            x.add(&x.i((.., 0..1))?).map(drop)
        }),
        case("sum_all", LINE, 1.0, |x| x.sum_dim(&[], false).map(drop)),
        case("sum_rows", SQUARE, 1.0, |x| {
            x.sum_dim(&[1], false).map(drop)
        }),
        case("sum_columns", SQUARE, 1.0, |x| {
            x.sum_dim(&[0], false).map(drop)
        }),
        case("max_all", LINE, 1.0, |x| x.max().map(drop)),
        case("max_rows", SQUARE, 1.0, |x| x.amax(&[1], false).map(drop)),
        case("max_columns", SQUARE, 1.0, |x| {
            x.amax(&[0], false).map(drop)
        }),
        case("permute", IMAGES, 2.0, |x| {
            x.permute(&[0, 2, 3, 1]).map(drop)
        }),
        by_index("index_select", &SQUARE[..1], |x, index| {
            x.index_select(0, index).map(drop)
        }),
        by_index("gather", SQUARE, |x, index| x.gather(1, index).map(drop)),
        case("cumsum", SQUARE, 2.0, |x| x.cumsum(1).map(drop)),
        case("cat", SQUARE, 4.0, |x| cat(&[x, x], 1).map(drop)),
    ]
}
