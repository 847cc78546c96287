//! The CPU's way for windows of 3 x 3 and 5 x 5 over many channels (`src/ops/conv2d/winograd.rs`), held to the definition
//! as every convolution is; and each output to its own window, whatever stands beside that.

use half::f16;
use warpsmith::ops::Conv2dOptions;
use warpsmith::{Device, Float, Generator, Tensor};

use crate::common::data::{tensor, uniform};
use crate::conv2d::{Case, case, check, products};

const CPU: Device = Device::Cpu;

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
    let y = x.conv2d(&w, None, &case.options);
    y.unwrap().to_vec().unwrap()
}

#[test]
fn it_is_the_sum_of_its_products() {
    for case in cases() {
        check::<f32>(&case);
        check::<f16>(&case);
    }
}

/// A NaN and an infinity, one in the last image and one in the first: what does not see them is as it was but for the last
/// bits of some, which show that the direct way was taken where they are seen nearby.
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
        assert!(seen > 0 && rounded > 0, "{seen} {rounded}");
        // four tiles at most
        assert!(rounded < 4 * 16 * case.weight[0], "{rounded}");
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

/// What each output may err by: four times a direct sum's usual roundings, of what its own window has. That is the sum of its
/// products' magnitudes, or, where its large inputs meet small weights, the largest input times its channel's largest weight.
fn check_windows<T: Float>(what: &str, case: &Case, x: &[f32], w: &[f32]) {
    let narrow = |x: &[f32]| -> Vec<T> { x.iter().map(|x| T::from_f32(*x)).collect() };
    let (x, w) = (narrow(x), narrow(w));
    let [input, weight] = [(&x, case.input), (&w, case.weight)].map(|(v, s)| tensor(v, &s, &CPU));
    let y = input.conv2d(&weight, None, &case.options).unwrap();
    let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|x| f64::from(x.to_f32())).collect() };
    let (x, w, got) = (wide(&x), wide(&w), wide(&y.to_vec().unwrap()));
    let (mut want, mut own) = (vec![0.0; got.len()], vec![0.0; got.len()]);
    let mut largest = vec![0.0_f64; got.len()];
    let [_, inputs, kh, kw] = case.weight;
    let group = w.len() / case.options.groups;
    let channel = |w_at: usize| w_at / group * inputs + w_at / (kh * kw) % inputs;
    let mut scales = vec![0.0_f64; case.input[1]];
    for (i, w) in w.iter().enumerate() {
        scales[channel(i)] = w.abs().max(scales[channel(i)]);
    }
    let scales: Vec<f64> = (0..w.len()).map(|i| scales[channel(i)]).collect();
    products(case, y.shape(), |y, x_at, w_at| {
        let product = x[x_at] * w[w_at];
        want[y] += product;
        own[y] += product.abs();
        largest[y] = (x[x_at].abs() * scales[w_at]).max(largest[y]);
    });
    let terms = case.weight[1..].iter().product::<usize>() as f64;
    let of_a_sum = terms.sqrt() * f64::powi(2.0, -24);
    let stored = if T::NAME == "f32" {
        0.0
    } else {
        f64::powi(2.0, -11)
    };
    let mut worst = (0.0, 0);
    for (i, (got, (want, own))) in got.iter().zip(want.iter().zip(&own)).enumerate() {
        // where f16 has no number, an infinity
        if T::NAME == "f16" && want.abs() > 65000.0 {
            continue;
        }
        // a subnormal number's half for each product that is one
        let off = (got - want).abs() - stored * want.abs() - terms * f64::powi(2.0, -150);
        assert!(
            *own > 0.0 || *got == 0.0,
            "{what}: {got:e} of a window of zeros"
        );
        let used = off / (of_a_sum * own.max(largest[i]));
        if *own > 0.0 && (used.is_nan() || used > worst.0) {
            worst = (used, i);
        }
    }
    assert!(worst.0 <= 4.0, "{what} {}: {worst:?}", T::NAME);
}

/// What the windows of a tile may have beside them.
#[test]
fn errors_stay_in_their_windows() {
    for case in cases() {
        let [n, c, h, width] = case.input;
        let w = uniform::<f32>(case.weight.iter().product(), 2);
        let plain = uniform::<f32>(n * c * h * width, 1);
        let pixel = |image: usize, channel: usize, i: usize, j: usize| {
            ((image * c + channel) * h + i) * width + j
        };
        let check = |what: &str, x: &[f32], w: &[f32]| {
            check_windows::<f32>(what, &case, x, w);
            check_windows::<f16>(what, &case, x, w);
        };
        check("as they are", &plain, &w);
        for size in [-1e9, 1e30, 1e4, 30.0, 12.0] {
            for filled in [0.0, 1.0] {
                let mut x = vec![filled; plain.len()];
                x[pixel(0, 5, h / 2, width / 2)] = size;
                check_windows::<f32>(&format!("{size} among {filled}"), &case, &x, &w);
                if size.abs() < 6e4 {
                    check_windows::<f16>(&format!("{size} among {filled}"), &case, &x, &w);
                }
            }
            // a column of it in every channel, beside what varies
            let mut x = plain.clone();
            for (channel, i) in (0..c).flat_map(|c| (0..h).map(move |i| (c, i))) {
                x[pixel(0, channel, i, 3)] *= size;
            }
            check_windows::<f32>(&format!("columns of {size}"), &case, &x, &w);
        }
        // one half of each image so much smaller than the other, down to subnormal numbers
        for power in [2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 60.0, 130.0, 140.0] {
            let small = f32::exp2(-power);
            let x = plain.iter().enumerate();
            let x: Vec<f32> = x
                .map(|(i, x)| if i % width < width / 2 { x * small } else { *x })
                .collect();
            check_windows::<f32>(&format!("halves of {small:e}"), &case, &x, &w);
        }
        // channels that the weights bring to one scale, and one pixel of one that is small
        let scale = |channel: usize| f32::powi(10.0, channel as i32 % 7 - 3);
        let mut x: Vec<f32> = plain.clone();
        let mut scaled_w = w.clone();
        for (i, x) in x.iter_mut().enumerate() {
            *x *= scale(i / (h * width) % c);
        }
        let [_, inputs, kh, kw] = case.weight;
        for (i, w) in scaled_w.iter_mut().enumerate() {
            *w /= scale(i / (kh * kw) % inputs);
        }
        if inputs == c {
            check_windows::<f32>("channels of all scales", &case, &x, &scaled_w);
            x[pixel(n - 1, 0, h / 2, 2)] = 50.0;
            check_windows::<f32>("a pixel of a small channel", &case, &x, &scaled_w);
        }
        // magnitudes of every size in every channel
        let mut generator = Generator::manual_seed(5);
        let x: Vec<f32> = plain
            .iter()
            .map(|x| x * f32::exp2(generator.uniform(-40.0, 20.0)))
            .collect();
        check_windows::<f32>("all sizes", &case, &x, &w);
    }
}

/// The one of the report: 32 channels of zeros and a pixel.
#[test]
fn windows_of_zeros_are_zero() {
    let plain = Conv2dOptions::default();
    let case = case([1, 32, 64, 64], [32, 32, 3, 3], plain.padding([1, 1]));
    let y = outputs(&case, |x, _| {
        x.fill(0.0);
        x[(7 * 64 + 30) * 64 + 33] = -1e9;
    });
    for (i, y) in y.iter().enumerate() {
        let near = (29..=31).contains(&(i / 64 % 64)) && (32..=34).contains(&(i % 64));
        assert_eq!(*y != 0.0, near, "{y} at {i}");
    }
}
