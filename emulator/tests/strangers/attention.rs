//! `attention.cu`, and what attention is.

use crate::device::{Device, arguments, line};
use crate::numbers::{Random, near};
use crate::ptx;

pub const PTX: &str = ptx!("attention");

/// softmax(scale q k^T) v for each head; a query sees the keys that `sees(query, key)`.
pub fn right(
    [q, k, v]: [&[f64]; 3],
    (length, depth): (usize, usize),
    scale: f64,
    sees: impl Fn(usize, usize) -> bool,
) -> Vec<f64> {
    let mut out = vec![0.0; q.len()];
    for (row, out) in out.chunks_mut(depth).enumerate() {
        let (head, query) = (row / length * length, row % length);
        let of = |m: &[f64], key: usize, at: usize| m[(head + key) * depth + at];
        let score = |key: usize| {
            scale
                * (0..depth)
                    .map(|at| of(q, query, at) * of(k, key, at))
                    .sum::<f64>()
        };
        let keys: Vec<(usize, f64)> = (0..length)
            .filter(|key| sees(query, *key))
            .map(|key| (key, score(key)))
            .collect();
        let most = keys.iter().fold(f64::NEG_INFINITY, |m, (_, s)| m.max(*s));
        let total: f64 = keys.iter().map(|(_, s)| (s - most).exp()).sum();
        for (at, out) in out.iter_mut().enumerate() {
            *out = keys
                .iter()
                .map(|(key, s)| (s - most).exp() * of(v, *key, at))
                .sum::<f64>()
                / total;
        }
    }
    out
}

fn attend(name: &str, heads: usize, length: usize, depth: usize, causal: bool) {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(14);
    let [q, k, v] = [(); 3].map(|()| random.floats(heads * length * depth));
    let (out, scale) = (d.room::<f32>(q.len()), 1.3f32);
    let mut shape = line(length.div_ceil(64) as u32, 64);
    shape.grid[1] = heads as u32;
    let arguments = arguments![
        d.upload(&q),
        d.upload(&k),
        d.upload(&v),
        out,
        length as i32,
        scale
    ];
    d.run(name, shape, arguments);
    let wide = [&q, &k, &v].map(|m| m.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>());
    let sees = |query, key| !causal || key <= query;
    let right = right(
        [&wide[0], &wide[1], &wide[2]],
        (length, depth),
        f64::from(scale),
        sees,
    );
    // exponents up to 20, so that a unit of the last place in x log2(e) is 2e-6 of 2^x
    near(&d.download::<f32>(out, q.len()), &right, |_, _| 4e-6);
}

#[test]
fn whole() {
    attend("attention_16", 2, 70, 16, false);
}

#[test]
fn causal() {
    attend("attention_causal_8", 3, 100, 8, true);
}
