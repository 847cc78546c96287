//! Elements by index, running sums and the k best against loops that are plain.

use half::f16;
use warpsmith::ops::{cumsum_backward, gather_backward, index_select_backward};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: &Device = &Device::Cpu;

/// Each element's index, dimension by dimension.
fn places(shape: &[usize]) -> Vec<Vec<usize>> {
    let n = shape.iter().product();
    let strides = |d: usize| shape[d + 1..].iter().product::<usize>();
    let of = |i: usize| {
        (0..shape.len())
            .map(|d| i / strides(d) % shape[d])
            .collect()
    };
    (0..n).map(of).collect()
}

fn flat(place: &[usize], shape: &[usize]) -> usize {
    place
        .iter()
        .zip(shape)
        .fold(0, |at, (p, size)| at * size + p)
}

fn indices(n: usize, size: usize) -> Vec<i64> {
    (0..n).map(|i| ((i * i + 3 * i) % size) as i64).collect()
}

type Shape = &'static [usize];

/// Tensor, dimension, index, src; some of them long enough to be shared out.
const CASES: [(Shape, usize, Shape, Shape); 7] = [
    (&[5, 4], 0, &[3, 4], &[3, 4]),
    (&[5, 4], 1, &[2, 9], &[4, 9]),
    (&[3, 4, 5], 1, &[3, 7, 2], &[3, 8, 5]),
    (&[6], 0, &[10], &[11]),
    (&[100], 0, &[70_001], &[70_001]),
    (&[300, 7], 0, &[9000, 7], &[9000, 7]),
    (&[40, 50], 1, &[40, 1000], &[40, 1000]),
];

fn agree<T: Float>() -> Result<()> {
    for (shape, d, of_index, of_src) in CASES {
        let what = format!("{} {shape:?} along {d} at {of_index:?}", T::NAME);
        let dim = d as isize - shape.len() as isize;
        let index = indices(of_index.iter().product(), shape[d]);
        let [x, src, dy] = [(shape, 1), (of_src, 2), (of_index, 3)]
            .map(|(shape, seed)| uniform::<T>(shape.iter().product(), seed));
        let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|v| f64::from(v.to_f32())).collect() };
        let [wide_x, wide_src, wide_dy] = [&x, &src, &dy].map(|x| wide(x));
        let mut taken = Vec::new();
        let mut sums = wide_x.clone();
        let mut gradient = vec![0.0; x.len()];
        for ((place, &k), dy) in places(of_index).iter().zip(&index).zip(wide_dy) {
            let mut to = place.clone();
            to[d] = k as usize;
            let to = flat(&to, shape);
            taken.push(wide_x[to]);
            sums[to] += wide_src[flat(place, of_src)];
            gradient[to] += dy;
        }
        let (x, src) = (tensor(&x, shape, CPU), tensor(&src, of_src, CPU));
        let index = tensor(&index, of_index, CPU);
        let y = x.gather(dim, &index)?;
        assert_close_f64(&what, &y.to_vec()?, &taken, Tolerance::EXACT);
        let tolerance = Tolerance::of::<T>(10_000, 10.0);
        let sum = x.scatter_add(dim, &index, &src)?;
        assert_close_f64(&what, &sum.to_vec()?, &sums, tolerance);
        let dx = gather_backward(&tensor(&dy, of_index, CPU), shape, dim, &index)?;
        assert_close_f64(&what, &dx.to_vec()?, &gradient, tolerance);
    }
    Ok(())
}

#[test]
fn gather_and_scatter_are_their_loops() -> Result<()> {
    agree::<f32>()?;
    agree::<f16>()
}

#[test]
fn parts_are_selected_and_given_back() -> Result<()> {
    let shape = [3, 4, 5];
    let data = uniform::<f32>(60, 1);
    for d in 0..3 {
        let index = indices(11, shape[d]);
        let mut of = shape.to_vec();
        of[d] = index.len();
        let (mut want, mut gradient) = (Vec::new(), vec![0.0; 60]);
        for (i, place) in places(&of).iter().enumerate() {
            let mut from = place.clone();
            from[d] = index[place[d]] as usize;
            want.push(data[flat(&from, &shape)]);
            gradient[flat(&from, &shape)] += i as f64;
        }
        let index = tensor(&index, &[11], CPU);
        let y = tensor(&data, &shape, CPU).index_select(d as isize, &index)?;
        assert_eq!((y.shape(), y.to_vec()?), (of.as_slice(), want));
        let dy = Tensor::arange(0.0_f32, y.numel() as f32, 1.0, CPU)?.reshape(&of)?;
        let dx = index_select_backward(&dy, &shape, d as isize, &index)?;
        assert_close_f64("dx", &dx.to_vec()?, &gradient, Tolerance::EXACT);
    }
    Ok(())
}

/// Halves are added up in f32: 2048 and many ones are not 2048.
#[test]
fn sums_of_halves_are_rounded_once() -> Result<()> {
    let x = Tensor::full(&[1], f16::from_f32(2048.0), CPU)?;
    let (index, ones) = (Tensor::zeros(&[100], CPU)?, Tensor::ones(&[100], CPU)?);
    let sum = x.scatter_add(0, &index, &ones)?;
    assert_eq!(sum.item()?.to_f32(), 2148.0);
    let ones = Tensor::<f16>::ones(&[4096], CPU)?.cumsum(0)?;
    assert_eq!(ones.to_vec()?[4095].to_f32(), 4096.0);
    let wrapped = tensor(&[200_u8], &[1], CPU).scatter_add(
        0,
        &Tensor::zeros(&[2], CPU)?,
        &tensor(&[50, 60], &[2], CPU),
    )?;
    assert_eq!(wrapped.item()?, 54);
    Ok(())
}

#[test]
fn running_sums_are_their_loops() -> Result<()> {
    for (shape, d) in [
        (&[7, 13][..], 1),
        (&[7, 13], 0),
        (&[3, 70_001], 1),
        (&[90_001, 2], 0),
        (&[2, 3, 600], 1),
        (&[3, 60, 700], 1),
    ] {
        let data = uniform::<f32>(shape.iter().product(), 1);
        let inner: usize = shape[d + 1..].iter().product();
        let mut want: Vec<f64> = data.iter().map(|x| f64::from(*x)).collect();
        let mut backward = want.clone();
        for i in 0..data.len() {
            if !(i / inner).is_multiple_of(shape[d]) {
                want[i] += want[i - inner];
            }
        }
        for i in (0..data.len()).rev() {
            if i / inner % shape[d] + 1 < shape[d] {
                backward[i] += backward[i + inner];
            }
        }
        let x = tensor(&data, shape, CPU);
        let what = format!("{shape:?} along {d}");
        // an f64 rounded once
        let tolerance = Tolerance {
            abs: 1e-9,
            rel: 1e-7,
        };
        let y = x.cumsum(d as isize)?.to_vec()?;
        assert_close_f64(&what, &y, &want, tolerance);
        let dx = cumsum_backward(&x, d as isize)?.to_vec()?;
        assert_close_f64(&what, &dx, &backward, tolerance);
    }
    let x = tensor(&[i64::MAX, 1, 5], &[3], CPU).cumsum(-1)?;
    assert_eq!(x.to_vec()?, [i64::MAX, i64::MIN, i64::MIN + 5]);
    let truth = tensor(&[true, false, true], &[3], CPU).cumsum(0)?;
    assert_eq!(truth.to_vec()?, [1, 1, 2]);
    Ok(())
}

#[test]
fn the_best_are_those_of_a_stable_sort() -> Result<()> {
    for (n, k) in [(1, 1), (10, 4), (10, 10), (70_001, 100), (70_001, 40_000)] {
        // many equal ones
        let data: Vec<f32> = (0..2 * n).map(|i| ((i * i) % 977) as f32 - 400.0).collect();
        let x = tensor(&data, &[2, n], CPU);
        for largest in [true, false] {
            let (values, index) = x.topk(k, 1, largest, true)?;
            let (_, unsorted) = x.topk(k, 1, largest, false)?;
            let mut want = Vec::new();
            for row in data.chunks(n) {
                let mut places: Vec<usize> = (0..n).collect();
                places.sort_by(|a, b| match largest {
                    true => row[*b].total_cmp(&row[*a]),
                    false => row[*a].total_cmp(&row[*b]),
                });
                want.push(places[..k].to_vec());
            }
            let bits = |of: &Tensor<i64>| -> Result<Vec<usize>> {
                Ok(of.to_vec()?.into_iter().map(|i| i as usize).collect())
            };
            assert_eq!(bits(&index)?, want.concat(), "{k} of {n}");
            let of: Vec<f32> = want
                .iter()
                .enumerate()
                .flat_map(|(r, places)| places.iter().map(|p| data[r * n + p]).collect::<Vec<_>>())
                .collect();
            assert_eq!(values.to_vec()?, of);
            want.iter_mut().for_each(|places| places.sort());
            assert_eq!(bits(&unsorted)?, want.concat(), "{k} of {n}");
        }
    }
    Ok(())
}

/// NaN is the largest, zeros are equal, and of equal ones the first comes first.
#[test]
fn what_is_no_number_is_the_largest() -> Result<()> {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let x = tensor(&[0.0, nan, -0.0, inf, -inf, nan, 0.0], &[7], CPU);
    let (_, most) = x.topk(7, 0, true, true)?;
    assert_eq!(most.to_vec()?, [1, 5, 3, 0, 2, 6, 4]);
    let (_, least) = x.topk(7, 0, false, true)?;
    assert_eq!(least.to_vec()?, [4, 0, 2, 6, 3, 1, 5]);
    let x = tensor(&[i64::MIN, 5, i64::MAX, -1], &[4], CPU);
    assert_eq!(x.topk(4, 0, true, true)?.1.to_vec()?, [2, 1, 3, 0]);
    Ok(())
}
