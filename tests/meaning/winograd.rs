//! The CPU's way for windows of 3 x 3 and 5 x 5 over many channels (`src/ops/conv2d/winograd.rs`), held to the definition
//! as every convolution is. One thread, so that how many tiles pay for it does not depend on the machine.

use half::f16;
use warpsmith::ops::Conv2dOptions;
use warpsmith::{Device, Tensor};

use crate::common::data::{tensor, uniform};
use crate::conv2d::{Case, case, check};

const CPU: Device = Device::Cpu;

fn one_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(work)
}

fn cases() -> [Case; 4] {
    let plain = Conv2dOptions::default();
    [
        // planes that end inside tiles
        case([4, 32, 13, 13], [48, 32, 3, 3], plain.padding([1, 1])),
        case([6, 64, 16, 14], [96, 32, 3, 3], plain.groups(2)),
        case([2, 32, 12, 11], [32, 32, 5, 5], plain.padding([2, 2])),
        case(
            [1, 64, 18, 17],
            [64, 32, 5, 5],
            Conv2dOptions {
                padding: [0, 4],
                padding_end: [3, 1],
                ..plain.groups(2)
            },
        ),
    ]
}

/// The convolution of the case's usual numbers, changed by `change`.
fn outputs(case: &Case, change: impl FnOnce(&mut [f32], &mut [f32])) -> Vec<f32> {
    let [mut x, mut w] =
        [(case.input, 1), (case.weight, 2)].map(|(s, seed)| uniform(s.iter().product(), seed));
    change(&mut x, &mut w);
    let x: Tensor<f32> = tensor(&x, &case.input, &CPU);
    let w = tensor(&w, &case.weight, &CPU);
    let y = one_thread(|| x.conv2d(&w, None, &case.options));
    y.unwrap().to_vec().unwrap()
}

#[test]
fn it_is_the_sum_of_its_products() {
    for case in cases() {
        one_thread(|| {
            check::<f32>(&case);
            check::<f16>(&case);
        });
    }
}

/// A NaN and an infinity, one in the last image and one in the first: what does not see them is as it was but for the last
/// bits, which show that the direct way was taken for these and not for others.
#[test]
fn what_is_not_finite_stays_in_its_windows() {
    for case in cases() {
        let plain = outputs(&case, |_, _| ());
        let changed = outputs(&case, |x, _| {
            x[0] = f32::INFINITY;
            x[case.input.iter().product::<usize>() - 1] = f32::NAN;
        });
        let marks = outputs(&case, |x, w| {
            x.fill(0.0);
            w.fill(1.0);
            x[0] = 1.0;
            x[case.input.iter().product::<usize>() - 1] = 1.0;
        });
        let [mut seen, mut rounded] = [0, 0];
        for ((plain, changed), mark) in plain.iter().zip(&changed).zip(&marks) {
            let sees = *mark > 0.5;
            assert_eq!(changed.is_finite(), !sees);
            if !sees {
                assert!((plain - changed).abs() < 1e-4, "{plain} became {changed}");
                rounded += usize::from(plain != changed);
            } else {
                seen += 1;
            }
        }
        assert!(seen > 0 && rounded > plain.len() / 10, "{seen} {rounded}");
    }
}

/// Also where the transforms would overflow though the sums do not.
#[test]
fn powers_of_two_pass_through() {
    for case in cases() {
        let scaled = |x_by: f32, w_by: f32| {
            outputs(&case, |x, w| {
                x.iter_mut().for_each(|x| *x *= x_by);
                w.iter_mut().for_each(|w| *w *= w_by);
            })
        };
        let plain = scaled(1.0, 1.0);
        for powers in [[126, -20], [-20, 126], [-120, 0], [0, -120]] {
            let [x_by, w_by] = powers.map(|power| f32::powi(2.0, power));
            for (y, plain) in scaled(x_by, w_by).iter().zip(&plain) {
                let y = y / (x_by * w_by);
                assert!((y - plain).abs() < 1e-4, "{y} for {plain}, 2^{powers:?}");
            }
        }
    }
}
