//! Batch normalisation on the CPU: planes in parallel, whose sums in f64 are joined in the order of the images.

use super::Channels;
use crate::cpu::{TASK, collect, sum_f64, vectorized};
use crate::element::Float;
use crate::ops::max_pool2d::cpu::{planes, widened};

/// Mean and variance of each channel, and what it is used with.
pub(crate) struct Stats<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) var: &'a [f32],
    pub(crate) eps: f64,
}

impl Stats<'_> {
    fn inverse(&self, c: usize) -> f64 {
        1.0 / (f64::from(self.var[c]) + self.eps).sqrt()
    }
}

/// `sum f(a[i], b[i])` in the order that the length alone decides.
#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], f: impl Fn(f64, f64) -> f64) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f(f64::from(a), f64::from(b));
        }
    }
    let rest = rest_a.iter().zip(rest_b);
    let rest = rest.map(|(&a, &b)| f(f64::from(a), f64::from(b)));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// What `f` makes of each plane of N tensors, the planes as f32, in their order.
fn of_planes<T: Float, U: Send, const N: usize>(
    tensors: [&[T]; N],
    shape: &Channels,
    f: impl Fn(usize, [&[f32]; N]) -> U + Sync,
) -> Vec<U> {
    let size = shape.plane;
    let per_task = TASK.div_ceil(size);
    let count = shape.images * shape.channels;
    let made = collect(
        (0..count.div_ceil(per_task)).map(|task| task * per_task),
        |first| {
            let mut wide: [Vec<f32>; N] = std::array::from_fn(|_| Vec::new());
            let numbers = first..count.min(first + per_task);
            let one = |number: usize| {
                let mut tensors = tensors.iter();
                let planes = wide.each_mut().map(|wide| {
                    let x = tensors.next().copied().unwrap_or_default();
                    widened(&x[number * size..][..size], wide)
                });
                f(number, planes)
            };
            numbers.map(one).collect::<Vec<U>>()
        },
    );
    made.into_iter().flatten().collect()
}

/// The mean of a plane, and the squares of what is apart from it.
fn mean_and_squares(x: &[f32]) -> (f64, f64) {
    vectorized!({
        let mean = sum_f64(x) / x.len() as f64;
        (mean, sum_of(x, x, |x, _| (x - mean) * (x - mean)))
    })
}

/// Mean and biased variance of each channel.
pub(crate) fn stats<T: Float>(x: &[T], mean: &mut [f32], var: &mut [f32], shape: &Channels) {
    let each = of_planes([x], shape, |_, [x]| mean_and_squares(x));
    let (images, channels) = (shape.images as f64, shape.channels);
    for (c, (mean, var)) in mean.iter_mut().zip(var).enumerate() {
        let of_channel = || each.iter().skip(c).step_by(channels);
        let middle = of_channel().map(|(mean, _)| mean).sum::<f64>() / images;
        let plane = shape.plane as f64;
        let m2 = of_channel().map(|(mean, m2)| m2 + plane * (mean - middle).powi(2));
        *mean = middle as f32;
        *var = (m2.sum::<f64>() / (images * plane)) as f32;
    }
}

/// Moves the running statistics to those of a batch with `n` values a channel.
pub(crate) fn run(
    [mean, var]: [&[f32]; 2],
    [running_mean, running_var]: [&mut [f32]; 2],
    batches: &mut [f32],
    momentum: f64,
    n: usize,
) {
    let unbiased = n as f64 / (n as f64 - 1.0);
    let moved = |running: &mut f32, new: f64| {
        *running = (f64::from(*running) + momentum * (new - f64::from(*running))) as f32;
    };
    let means = running_mean.iter_mut().zip(mean);
    means.for_each(|(running, &mean)| moved(running, f64::from(mean)));
    let vars = running_var.iter_mut().zip(var);
    vars.for_each(|(running, &var)| moved(running, unbiased * f64::from(var)));
    batches.iter_mut().for_each(|count| *count += 1.0);
}

pub(crate) fn batch_norm2d<T: Float>(
    x: &[T],
    stats: &Stats<'_>,
    affine: Option<[&[f32]; 2]>,
    y: &mut [T],
    shape: &Channels,
) {
    let size = shape.plane;
    planes(y, None, size, Vec::new, |number, y, _, wide| {
        let x = widened(&x[number * size..][..size], wide);
        let c = number % shape.channels;
        let (weight, bias) = affine.map_or((1.0, 0.0), |[weight, bias]| (weight[c], bias[c]));
        let slope = (stats.inverse(c) * f64::from(weight)) as f32;
        normalize(x, y, stats.mean[c], slope, bias);
    });
}

/// One plane.
fn normalize(x: &[f32], y: &mut [f32], mean: f32, slope: f32, bias: f32) {
    vectorized!({
        let each = y.iter_mut().zip(x);
        each.for_each(|(y, &x)| *y = (x - mean) * slope + bias);
    });
}

/// The sums of a plane's gradient, and of that times what x is apart from its mean.
fn sums(dy: &[f32], x: &[f32], mean: f64) -> (f64, f64) {
    vectorized!((sum_f64(dy), sum_of(dy, x, |dy, x| dy * (x - mean))))
}

pub(crate) fn backward_parameters<T: Float>(
    [dy, x]: [&[T]; 2],
    stats: &Stats<'_>,
    dweight: &mut [f32],
    dbias: &mut [f32],
    shape: &Channels,
) {
    let each = of_planes([dy, x], shape, |number, [dy, x]| {
        sums(dy, x, f64::from(stats.mean[number % shape.channels]))
    });
    for (c, (dweight, dbias)) in dweight.iter_mut().zip(dbias).enumerate() {
        let of_channel = || each.iter().skip(c).step_by(shape.channels);
        *dbias = of_channel().map(|(sum, _)| sum).sum::<f64>() as f32;
        let product: f64 = of_channel().map(|(_, product)| product).sum();
        *dweight = (product * stats.inverse(c)) as f32;
    }
}

pub(crate) fn backward_input<T: Float>(
    [dy, x]: [&[T]; 2],
    stats: &Stats<'_>,
    weight: Option<&[f32]>,
    gradients: Option<[&[f32]; 2]>,
    dx: &mut [T],
    shape: &Channels,
) {
    let size = shape.plane;
    let share = 1.0 / (shape.images * size) as f64;
    let wide = || (Vec::new(), Vec::new());
    planes(dx, None, size, wide, |number, dx, _, (wide, wide_x)| {
        let at = number * size..(number + 1) * size;
        let dy = widened(&dy[at.clone()], wide);
        let (c, mean) = (number % shape.channels, stats.mean[number % shape.channels]);
        let inverse = stats.inverse(c);
        let slope = (inverse * weight.map_or(1.0, |weight| f64::from(weight[c]))) as f32;
        let Some([dweight, dbias]) = gradients else {
            return scale(dy, dx, slope);
        };
        let x = widened(&x[at], wide_x);
        let of_dy = (share * f64::from(dbias[c])) as f32;
        let of_x = (share * f64::from(dweight[c]) * inverse) as f32;
        gradient([dy, x], dx, mean, slope, [of_dy, of_x]);
    });
}

/// One plane's gradient where the statistics are not the batch's.
fn scale(dy: &[f32], dx: &mut [f32], slope: f32) {
    vectorized!(dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = slope * dy));
}

/// One plane's gradient.
fn gradient([dy, x]: [&[f32]; 2], dx: &mut [f32], mean: f32, slope: f32, [of_dy, of_x]: [f32; 2]) {
    vectorized!({
        let each = dx.iter_mut().zip(dy).zip(x);
        each.for_each(|((dx, &dy), &x)| *dx = slope * (dy - (of_dy + (x - mean) * of_x)));
    });
}
