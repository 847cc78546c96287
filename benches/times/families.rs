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
        case("cat", SQUARE, 4.0, |x| cat(&[x, x], 1).map(drop)),
    ]
}
