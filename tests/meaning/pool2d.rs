//! Max and average pooling against loops over every tap of every window.

use warpsmith::ops::{Window, avg_pool2d_backward, max_pool2d_backward, max_pool2d_with_indices};
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;

fn cases() -> Vec<([usize; 4], Window)> {
    let window = |kernel, stride| Window::new(kernel).stride(stride);
    vec![
        ([2, 6, 28, 28], Window::new([2, 2])),
        ([2, 3, 13, 13], window([3, 3], [2, 2])),
        ([1, 5, 8, 11], window([3, 3], [2, 2]).padding([1, 1])),
        ([2, 2, 7, 9], window([2, 5], [1, 1]).padding([0, 2])),
        (
            [1, 2, 8, 12],
            window([3, 3], [2, 4]).padding([1, 0]).ceil_mode(true),
        ),
        (
            [1, 2, 9, 12],
            window([3, 2], [1, 2]).dilation([2, 3]).padding([2, 1]),
        ),
        (
            [3, 1, 6, 7],
            Window {
                padding_end: [2, 1],
                ..window([3, 4], [2, 3]).padding([1, 0])
            },
        ),
    ]
}

/// The places in the plane that a window's taps see, with how many taps count where the padding does.
fn taps(shape: [usize; 4], window: &Window, [i, j]: [usize; 2]) -> (Vec<usize>, usize) {
    let [_, _, h, w] = shape.map(|d| d as isize);
    let place = |d: usize, output: usize, tap: usize| {
        (output * window.stride[d] + tap * window.dilation[d]) as isize - window.padding[d] as isize
    };
    let (mut places, mut counted) = (Vec::new(), 0);
    for a in 0..window.kernel[0] {
        for b in 0..window.kernel[1] {
            let (row, col) = (place(0, i, a), place(1, j, b));
            if (0..h).contains(&row) && (0..w).contains(&col) {
                places.push((row * w + col) as usize);
            }
            let [below, right] = window.padding_end.map(|p| p as isize);
            counted += usize::from(row < h + below && col < w + right);
        }
    }
    (places, counted)
}

/// What `f` makes of each window: the number of its plane, its taps, and how many count.
fn each<R>(
    shape: [usize; 4],
    window: &Window,
    mut f: impl FnMut(usize, Vec<usize>, usize) -> R,
) -> Vec<R> {
    let [oh, ow] = window.output("test", [shape[2], shape[3]]).unwrap();
    let mut results = Vec::new();
    for plane in 0..shape[0] * shape[1] {
        for i in 0..oh {
            for j in 0..ow {
                let (places, counted) = taps(shape, window, [i, j]);
                results.push(f(plane, places, counted));
            }
        }
    }
    results
}

#[test]
fn max_is_the_first_largest_of_the_window_and_its_gradient_goes_there() {
    for (shape, window) in cases() {
        let (n, size) = (shape.iter().product::<usize>(), shape[2] * shape[3]);
        // few different values, so that many are equal
        let x: Vec<f32> = uniform::<f32>(n, 1)
            .iter()
            .map(|v| (4.0 * v).round())
            .collect();
        let what = format!("{shape:?} {window:?}");
        let want = each(shape, &window, |plane, places, _| {
            let values = places.iter().map(|&p| (x[plane * size + p], p));
            values
                .reduce(|most, v| if v.0 > most.0 { v } else { most })
                .unwrap()
        });
        let input = tensor(&x, &shape, &CPU);
        let (y, indices) = max_pool2d_with_indices(&input, &window).unwrap();
        let (values, places): (Vec<f32>, Vec<i32>) =
            want.iter().map(|&(v, p)| (v, p as i32)).unzip();
        assert_eq!(y.to_vec().unwrap(), values, "{what}");
        assert_eq!(
            input.max_pool2d(&window).unwrap().to_vec().unwrap(),
            values,
            "{what}"
        );
        assert_eq!(indices.to_vec().unwrap(), places, "{what}");

        let dy = uniform::<f32>(values.len(), 2);
        let per_plane = values.len() / (shape[0] * shape[1]);
        let mut dx = vec![0.0; n];
        for (o, (&place, &dy)) in places.iter().zip(&dy).enumerate() {
            dx[o / per_plane * size + place as usize] += f64::from(dy);
        }
        let grad = tensor(&dy, y.shape(), &CPU);
        let got = max_pool2d_backward(&grad, &indices, &shape, &window).unwrap();
        let tolerance = Tolerance::of::<f32>(9, 4.0);
        assert_close_f64(&what, &got.to_vec().unwrap(), &dx, tolerance);
    }
}

#[test]
fn max_keeps_nan_and_minus_infinity() {
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let x = tensor(
        &[1.0, nan, 3.0, nan, 2.0, 0.0, low, low, low, low],
        &[1, 1, 1, 10],
        &CPU,
    );
    let window = Window::new([1, 4]).stride([1, 2]);
    let (y, indices) = max_pool2d_with_indices(&x, &window).unwrap();
    for y in [y, x.max_pool2d(&window).unwrap()] {
        let y = y.to_vec().unwrap();
        assert_eq!(format!("{y:?}"), "[NaN, NaN, 2.0, -inf]");
    }
    // the last NaN, and of equal values the first, minus infinity too
    assert_eq!(indices.to_vec().unwrap(), [3, 3, 4, 6]);
}

/// Holes wider than the plane: the taps stand before it and behind it.
#[test]
fn max_of_nothing_is_minus_infinity_from_nowhere() {
    let x = tensor(&[1.0_f32, 2.0, 3.0], &[1, 1, 3, 1], &CPU);
    let window = Window::new([1, 2]).stride([1, 1]);
    let window = window.dilation([1, 5]).padding([0, 3]);
    let (y, indices) = max_pool2d_with_indices(&x, &window).unwrap();
    assert_eq!(y.shape(), [1, 1, 3, 2]);
    assert_eq!(y.to_vec().unwrap(), [f32::NEG_INFINITY; 6]);
    assert_eq!(indices.to_vec().unwrap(), [-1; 6]);
}

#[test]
fn a_stride_past_the_plane_takes_one_window() {
    let x = tensor(&[1.0_f32, 4.0, 3.0, 2.0], &[1, 1, 2, 2], &CPU);
    let window = Window::new([2, 2]).stride([1 << 30; 2]);
    assert_eq!(x.max_pool2d(&window).unwrap().to_vec().unwrap(), [4.0]);
}

#[test]
fn average_is_the_mean_of_what_counts() {
    for (shape, window) in cases() {
        let (n, size) = (shape.iter().product::<usize>(), shape[2] * shape[3]);
        let x = uniform::<f32>(n, 1);
        for include in [true, false] {
            let what = format!("{shape:?} {window:?} {include}");
            let over = |places: &[usize], counted: usize| match include {
                true => counted as f64,
                false => places.len() as f64,
            };
            let want = each(shape, &window, |plane, places, counted| {
                let values = places.iter().map(|p| f64::from(x[plane * size + p]));
                values.sum::<f64>() / over(&places, counted)
            });
            let y = tensor(&x, &shape, &CPU)
                .avg_pool2d(&window, include)
                .unwrap();
            let tolerance = Tolerance::of::<f32>(15, 1.0);
            assert_close_f64(&what, &y.to_vec().unwrap(), &want, tolerance);

            // a mean is linear: its gradient is its own transpose
            let dy = uniform::<f32>(want.len(), 2);
            let (mut dx, mut given) = (vec![0.0; n], dy.iter());
            each(shape, &window, |plane, places, counted| {
                let dy = f64::from(*given.next().unwrap());
                let part = dy / over(&places, counted);
                places.iter().for_each(|p| dx[plane * size + p] += part);
            });
            let grad: Tensor<f32> = tensor(&dy, y.shape(), &CPU);
            let got = avg_pool2d_backward(&grad, &shape, &window, include).unwrap();
            assert_close_f64(&what, &got.to_vec().unwrap(), &dx, tolerance);
        }
    }
}
