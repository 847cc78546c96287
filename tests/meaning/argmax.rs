use warpsmith::{Device, Tensor};

use crate::common::data::{outliers, tensor};

#[test]
fn the_first_maximum_wins_and_nan_is_one() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for (row, want) in [
        ([1.0, 3.0, 2.0, 3.0], 1),
        ([-0.0, 0.0, -1.0, 0.0], 0),
        ([-inf, -inf, -inf, -inf], 0),
        ([-inf, -3e38, inf, inf], 2),
        ([inf, nan, 1.0, nan], 1),
    ] {
        let x = tensor(&row, &[4], &Device::Cpu);
        assert_eq!(x.argmax().unwrap().item().unwrap(), want, "{row:?}");
    }
}

#[test]
fn each_row_has_its_own() {
    let (rows, cols) = (300, 257);
    let x = outliers::<f32>(rows * cols, 1);
    let mut want = Vec::new();
    for row in x.chunks(cols) {
        let mut best = 0;
        for (i, &x) in row.iter().enumerate() {
            if x > row[best] {
                best = i;
            }
        }
        want.push(best as i32);
    }
    let x = tensor(&x, &[3, 100, cols], &Device::Cpu);
    let got: Tensor<i32> = x.argmax().unwrap();
    assert_eq!(got.shape(), [3, 100]);
    assert_eq!(got.to_vec().unwrap(), want);
}
