use half::f16;
use warpsmith::ops::{
    Conv2dOptions, conv2d_backward_bias, conv2d_backward_input, conv2d_backward_weight,
};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;

pub struct Case {
    pub input: [usize; 4],
    pub weight: [usize; 4],
    pub options: Conv2dOptions,
}

pub fn case(input: [usize; 4], weight: [usize; 4], options: Conv2dOptions) -> Case {
    Case {
        input,
        weight,
        options,
    }
}

fn cases() -> Vec<Case> {
    let plain = Conv2dOptions::default();
    vec![
        case([1, 1, 1, 1], [1, 1, 1, 1], plain),
        case([2, 3, 14, 14], [6, 3, 5, 5], plain),
        case(
            [1, 3, 31, 27],
            [4, 3, 11, 7],
            plain.stride([4, 3]).padding([2, 1]),
        ),
        case([3, 4, 9, 8], [6, 2, 3, 2], plain.groups(2).padding([1, 0])),
        case([1, 5, 7, 7], [10, 1, 3, 3], plain.groups(5).stride([2, 2])),
        case(
            [1, 3, 13, 11],
            [4, 3, 3, 2],
            plain.dilation([2, 5]).stride([1, 2]),
        ),
        case([2, 9, 6, 8], [5, 9, 1, 1], plain),
        case([2, 3, 4, 5], [2, 3, 1, 1], plain.stride([2, 3])),
        case(
            [1, 2, 6, 5],
            [3, 2, 4, 2],
            Conv2dOptions {
                padding: [2, 0],
                padding_end: [1, 3],
                ..plain.stride([3, 2])
            },
        ),
        // more terms than one unfolded block has room for at this plane
        case([1, 400, 15, 16], [3, 400, 3, 3], plain.padding([1, 1])),
    ]
}

/// Every product of a convolution: places in the output, the input and the weights. The definition, written once; the
/// sums of the four directions run over it.
pub fn products(case: &Case, output: &[usize], mut f: impl FnMut(usize, usize, usize)) {
    let ([n, c, h, w], [outputs, inputs, kh, kw]) = (case.input, case.weight);
    let (oh, ow, o) = (output[2], output[3], &case.options);
    for (image, channel) in (0..n).flat_map(|n| (0..outputs).map(move |c| (n, c))) {
        let group = channel / (outputs / o.groups);
        for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
            let y = ((image * outputs + channel) * oh + i) * ow + j;
            for (k, a) in (0..inputs).flat_map(|k| (0..kh).map(move |a| (k, a))) {
                let row = (i * o.stride[0] + a * o.dilation[0]).wrapping_sub(o.padding[0]);
                if row >= h {
                    continue;
                }
                let first_x = ((image * c + group * inputs + k) * h + row) * w;
                let first_w = ((channel * inputs + k) * kh + a) * kw;
                // by hand: of a range, the quick profile calls `next` each time
                let mut b = 0;
                while b < kw {
                    let col = (j * o.stride[1] + b * o.dilation[1]).wrapping_sub(o.padding[1]);
                    if col < w {
                        f(y, first_x + col, first_w + b);
                    }
                    b += 1;
                }
            }
        }
    }
}

fn wide<T: Float>(x: &[T]) -> Vec<f64> {
    x.iter().map(|v| f64::from(v.to_f32())).collect()
}

pub fn check<T: Float>(case: &Case) {
    let o = &case.options;
    let outputs = case.weight[0];
    let of = |shape: &[usize], seed| uniform::<T>(shape.iter().product(), seed);
    let (x, w, bias) = (of(&case.input, 1), of(&case.weight, 2), of(&[outputs], 3));
    let [input, weight] = [(&x, case.input), (&w, case.weight)].map(|(v, s)| tensor(v, &s, &CPU));
    let y = input
        .conv2d(&weight, Some(&tensor(&bias, &[outputs], &CPU)), o)
        .unwrap();
    let shape = y.shape().to_vec();
    let dy = of(&shape, 4);
    let (x, w, bias, dy64) = (wide(&x), wide(&w), wide(&bias), wide(&dy));
    let plane = shape[2] * shape[3];

    let mut want: Vec<f64> = (0..y.numel()).map(|i| bias[i / plane % outputs]).collect();
    let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; outputs]);
    products(case, &shape, |y_at, x_at, w_at| {
        want[y_at] += x[x_at] * w[w_at];
        dx[x_at] += dy64[y_at] * w[w_at];
        dw[w_at] += dy64[y_at] * x[x_at];
    });
    dy64.iter()
        .enumerate()
        .for_each(|(i, dy)| db[i / plane % outputs] += dy);

    let grad = tensor(&dy, &shape, &CPU);
    let got = [
        y,
        conv2d_backward_input(&grad, &weight, &case.input, o).unwrap(),
        conv2d_backward_weight(&grad, &input, &case.weight, o).unwrap(),
        conv2d_backward_bias(&grad).unwrap(),
    ];
    let terms = case.weight[1..].iter().product::<usize>();
    let summed = [terms, terms * outputs, shape[0] * plane, 1];
    for (i, ((got, want), n)) in got.iter().zip([want, dx, dw, db]).zip(summed).enumerate() {
        let what = format!("{} {:?} {:?} {o:?}: {i}", T::NAME, case.input, case.weight);
        let tolerance = Tolerance::of::<T>(n + 2, (n as f64).sqrt() + 1.0);
        assert_close_f64(&what, &got.to_vec().unwrap(), &want, tolerance);
    }
}

#[test]
fn every_direction_is_the_sum_of_its_products() {
    for case in cases() {
        check::<f32>(&case);
        check::<f16>(&case);
    }
}

/// What a difference in a single input or weight does to the loss: the directions against each other, not the loops above.
#[test]
fn gradients_are_central_differences() {
    for case in cases().iter().take(9) {
        let o = &case.options;
        let of = |shape: &[usize], seed| uniform::<f32>(shape.iter().product(), seed);
        let (x, w) = (of(&case.input, 1), of(&case.weight, 2));
        let [input, weight] =
            [(&x, case.input), (&w, case.weight)].map(|(v, s)| tensor(v, &s, &CPU));
        let y = input.conv2d(&weight, None, o).unwrap();
        let dy = of(y.shape(), 3);
        let loss = |x: &[f32], w: &[f32]| -> f64 {
            let [x, w] = [(x, case.input), (w, case.weight)].map(|(v, s)| tensor(v, &s, &CPU));
            let y = x.conv2d(&w, None, o).unwrap().to_vec().unwrap();
            y.iter()
                .zip(&dy)
                .map(|(&y, &dy)| f64::from(y) * f64::from(dy))
                .sum()
        };
        let grad = tensor(&dy, y.shape(), &CPU);
        let dx = conv2d_backward_input(&grad, &weight, &case.input, o).unwrap();
        let dw = conv2d_backward_weight(&grad, &input, &case.weight, o).unwrap();
        // the loss is linear in either, so a large step has no error but rounding
        let step = 0.5;
        let tolerance = Tolerance {
            abs: 1e-4,
            rel: 1e-4,
        };
        let slopes = |at: &[f32], loss: &dyn Fn(&[f32]) -> f64| -> Vec<f64> {
            let slope = |i: usize| {
                let (mut up, mut down) = (at.to_vec(), at.to_vec());
                (up[i], down[i]) = (at[i] + step, at[i] - step);
                (loss(&up) - loss(&down)) / f64::from(2.0 * step)
            };
            (0..at.len()).step_by(5).map(slope).collect()
        };
        let some = |v: Vec<f32>| -> Vec<f32> { v.into_iter().step_by(5).collect() };
        let what = format!("{:?} {:?} {o:?}", case.input, case.weight);
        let want = slopes(&x, &|x| loss(x, &w));
        assert_close_f64(&what, &some(dx.to_vec().unwrap()), &want, tolerance);
        let want = slopes(&w, &|w| loss(&x, w));
        assert_close_f64(&what, &some(dw.to_vec().unwrap()), &want, tolerance);
    }
}
