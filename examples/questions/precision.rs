//! What is a Tensor Core, and what does half precision cost? Factors with fewer digits, and a network that trains with them.
//!
//! A Tensor Core multiplies two small matrices at once and adds up in f32; what it takes for factors is tf32 (10 bits of
//! fraction), bf16 (7) or f16 (10). So an error comes from the factors alone, and is the same wherever they are rounded:
//! here they are rounded first and multiplied in f32.

use warpsmith::nn::optim::Adam;
use warpsmith::nn::{AnyTensor, GradScaler, Precision};
use warpsmith::{Device, Generator, Result, Tensor};

use crate::chart::{Chart, Line};
use crate::spiral::{Activation, Spiral, line, network};
use crate::{Answer, Desk};

const PRECISIONS: [Precision; 4] = [
    Precision::F32,
    Precision::Tf32,
    Precision::Bf16,
    Precision::F16,
];
/// Lengths of the sums, and sides of the products that have them.
const TERMS: [usize; 3] = [64, 1024, 16384];
const SIDE: usize = 32;
const STEPS: usize = 600;
/// The side of a square product whose time is bound, and an A100's data sheet: operations a second with factors of each
/// precision, bytes a second.
const SQUARE: f64 = 4096.0;
const OPERATIONS: [f64; 4] = [19.5e12, 156e12, 312e12, 312e12];
const BANDWIDTH: f64 = 1555e9;

fn bytes(precision: Precision) -> f64 {
    match precision {
        Precision::F32 | Precision::Tf32 => 4.0,
        Precision::Bf16 | Precision::F16 => 2.0,
    }
}

/// The nearest number of 10 bits of fraction and f32's exponent, ties away from 0 as `cvt.rna.tf32` has it.
fn tf32(x: f32) -> f32 {
    f32::from_bits((x.to_bits() + 0x1000) & !0x1fff)
}

/// A factor as a Tensor Core takes it.
fn rounded(precision: Precision, x: Tensor<f32>) -> Result<Tensor<f32>> {
    if precision == Precision::Tf32 {
        let values: Vec<f32> = x.to_vec()?.into_iter().map(tf32).collect();
        return Tensor::from_vec(values, x.shape(), x.device());
    }
    AnyTensor::of(&x)?.to(precision)?.cast()
}

/// By how much a product with sums of `k` terms is off in each precision: the root of the mean square of the errors, as a
/// share of the values'.
fn errors(k: usize, device: &Device) -> Result<[f64; 4]> {
    let mut generator = Generator::manual_seed(k as u64);
    let mut factor = || -> Vec<f32> { (0..SIDE * k).map(|_| generator.normal()).collect() };
    let (a, b) = (factor(), factor());
    let product = |x: &[f32], y: &[f32]| -> f64 {
        let terms = x.iter().zip(y);
        terms.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let rows = a.chunks(k);
    let want: Vec<f64> = rows
        .flat_map(|row| b.chunks(k).map(move |column| product(row, column)))
        .collect();
    let mut errors = [0.0; 4];
    for (error, precision) in errors.iter_mut().zip(PRECISIONS) {
        let [a, b] =
            [&a, &b].map(|x| rounded(precision, Tensor::from_slice(x, &[SIDE, k], device)?));
        let got = a?.matmul(&b?.t()?)?.to_vec()?;
        let apart = got
            .iter()
            .zip(&want)
            .map(|(&got, want)| f64::from(got) - want);
        let squares: f64 = want.iter().map(|y| y * y).sum();
        *error = (apart.map(|d| d * d).sum::<f64>() / squares).sqrt();
    }
    Ok(errors)
}

/// The least time in microseconds that a square product takes on an A100: what is longer of arithmetic and memory.
fn bound(precision: Precision, operations: f64) -> f64 {
    let arithmetic = 2.0 * SQUARE.powi(3) / operations;
    let memory = 3.0 * SQUARE.powi(2) * bytes(precision) / BANDWIDTH;
    1e6 * arithmetic.max(memory)
}

pub fn answer(desk: &Desk) -> Answer {
    let found: Vec<[f64; 4]> = TERMS
        .iter()
        .map(|&k| errors(k, desk.device))
        .collect::<Result<_>>()?;
    let spiral = Spiral::new(desk.device)?;
    let mut lines: Vec<Line> = Vec::new();
    let (mut accuracies, mut last) = (Vec::new(), Vec::new());
    for precision in PRECISIONS {
        let mut model = network(&[100, 100], Activation::ReLU, desk.device)?.precision(precision);
        let mut scaler = GradScaler::new().enabled(precision == Precision::F16);
        let mut adam = Adam::new(3e-3);
        let losses = spiral.train_scaled(&mut model, &mut adam, &mut scaler, STEPS)?;
        accuracies.push(spiral.accuracy(&mut model)?);
        last.push(losses[STEPS - 1]);
        lines.push((
            format!("{precision}: loss {:.4}", losses[STEPS - 1]),
            line(&losses),
        ));
    }
    let chart = Chart {
        title: "Linear-ReLU-Linear-ReLU-Linear on three spirals, by precision",
        x: "step",
        y: "loss",
        logarithmic: true,
    };
    chart.draw(&desk.picture("precision"), &lines)?;
    let shares = |i: usize| {
        let share = |(precision, error): (&Precision, &f64)| format!("{precision} {error:.0e}");
        let shares = PRECISIONS.iter().zip(&found[i]).map(share);
        shares.collect::<Vec<_>>().join(", ")
    };
    let times = PRECISIONS.iter().zip(OPERATIONS);
    let times = times.map(|(&p, operations)| format!("{p} {:.0}", bound(p, operations)));
    let results = PRECISIONS.iter().zip(&accuracies).zip(&last);
    let results = results.map(|((p, accuracy), loss)| format!("{p} {accuracy:.3} at {loss:.4}"));
    Ok(format!(
        "A Tensor Core multiplies small matrices whole, of factors with fewer digits, and adds up in f32. A product's error, \
         as a share of its values, is with sums of {} terms {}; of {} terms {}; of {} terms {}: it is that of the factors, \
         however long the sum is, and only f32's own grows. A number takes {} bytes in f32 and tf32 and {} in bf16 and f16. \
         A product of {SQUARE} x {SQUARE} takes an A100 at least so many microseconds: {}. The same network after {STEPS} \
         steps, its share of the points and its loss: {}; f16's loss is scaled, as its smallest gradients would be 0.",
        TERMS[0],
        shares(0),
        TERMS[1],
        shares(1),
        TERMS[2],
        shares(2),
        bytes(Precision::F32),
        bytes(Precision::Bf16),
        times.collect::<Vec<_>>().join(", "),
        results.collect::<Vec<_>>().join("; "),
    ))
}
