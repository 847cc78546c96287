//! Shapes, parts and joins against plain index arithmetic: random chains of them, and each one's bad input.

use std::ops::{Bound, RangeBounds};

use warpsmith::ops::{cat, stack};
use warpsmith::{Device, Generator, Result, Tensor};

const CPU: &Device = &Device::Cpu;

struct Draw(Generator);

impl Draw {
    fn random_range(&mut self, range: impl RangeBounds<usize>) -> usize {
        let (Bound::Included(from), end) = (range.start_bound(), range.end_bound()) else {
            panic!("a range that begins");
        };
        let to = match end {
            Bound::Included(end) => end + 1,
            Bound::Excluded(end) => *end,
            Bound::Unbounded => panic!("a range that ends"),
        };
        from + (self.0.seed() % (to - from) as u64) as usize
    }
}

/// A tensor as a list of indices and elements: slow, and plain.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    shape: Vec<usize>,
    data: Vec<i32>,
}

impl Plain {
    fn of(x: &Tensor<i32>) -> Self {
        let (shape, data) = (x.shape().to_vec(), x.to_vec().unwrap());
        Self { shape, data }
    }

    /// Elements of a new shape, each from the index that `from` says.
    fn gather(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Option<Vec<usize>>) -> Self {
        let n: usize = shape.iter().product();
        let data = (0..n).map(|i| {
            let mut index = vec![0; shape.len()];
            let mut rest = i;
            for d in (0..shape.len()).rev() {
                index[d] = rest % shape[d];
                rest /= shape[d];
            }
            let from = from(&index);
            from.map_or(-1, |from| {
                let at = from.iter().zip(&self.shape);
                self.data[at.fold(0, |at, (index, size)| at * size + index)]
            })
        });
        let data = data.collect();
        Self { shape, data }
    }
}

/// One op drawn at random, on both.
fn step(rng: &mut Draw, x: &Tensor<i32>, plain: &Plain) -> Result<(String, Tensor<i32>, Plain)> {
    let rank = plain.shape.len();
    let shape = plain.shape.clone();
    let d = if rank > 0 {
        rng.random_range(0..rank)
    } else {
        0
    };
    Ok(match rng.random_range(0..9) {
        0 if rank > 0 => {
            let mut order: Vec<usize> = (0..rank).collect();
            for i in (1..rank).rev() {
                order.swap(i, rng.random_range(0..=i));
            }
            let dims: Vec<isize> = order.iter().map(|d| *d as isize - rank as isize).collect();
            let to = order.iter().map(|d| shape[*d]).collect();
            let made = plain.gather(to, |index| {
                let mut from = vec![0; rank];
                order.iter().zip(index).for_each(|(d, i)| from[*d] = *i);
                Some(from)
            });
            (format!("permute {dims:?}"), x.permute(&dims)?, made)
        }
        1 if rank > 0 => {
            let made = plain.gather(shape.clone(), |index| {
                let mut from = index.to_vec();
                from[d] = shape[d] - 1 - index[d];
                Some(from)
            });
            (format!("flip {d}"), x.flip(&[d as isize])?, made)
        }
        2 if rank > 0 => {
            let start = rng.random_range(0..=shape[d]);
            let len = rng.random_range(0..=shape[d] - start);
            let mut to = shape.clone();
            to[d] = len;
            let made = plain.gather(to, |index| {
                let mut from = index.to_vec();
                from[d] += start;
                Some(from)
            });
            (
                format!("narrow {d} {start} {len}"),
                x.narrow(d as isize, start, len)?,
                made,
            )
        }
        3 if rank > 0 && shape[d] > 0 => {
            let at = rng.random_range(0..shape[d]);
            let mut to = shape.clone();
            to.remove(d);
            let made = plain.gather(to, |index| {
                let mut from = index.to_vec();
                from.insert(d, at);
                Some(from)
            });
            let back = at as isize - shape[d] as isize;
            (
                format!("select {d} {back}"),
                x.select(d as isize, back)?,
                made,
            )
        }
        4 => {
            let at = rng.random_range(0..=rank);
            let mut to = shape;
            to.insert(at, 1);
            let made = Plain {
                shape: to,
                data: plain.data.clone(),
            };
            (format!("unsqueeze {at}"), x.unsqueeze(at as isize)?, made)
        }
        5 => {
            let mut to = vec![rng.random_range(1..3)];
            let ones: Vec<usize> = shape
                .iter()
                .map(|s| if *s == 1 { rng.random_range(1..4) } else { *s })
                .collect();
            to.extend(ones);
            let made = plain.gather(to.clone(), |index| {
                let own = index[1..].iter().zip(&shape);
                Some(own.map(|(i, s)| if *s == 1 { 0 } else { *i }).collect())
            });
            (format!("broadcast_to {to:?}"), x.broadcast_to(&to)?, made)
        }
        6 if rank > 0 => {
            let pad = [rng.random_range(0..3), rng.random_range(0..3)];
            let mut to = shape.clone();
            to[rank - 1] += pad[0] + pad[1];
            let made = plain.gather(to, |index| {
                let mut from = index.to_vec();
                let last = from[rank - 1].checked_sub(pad[0]);
                from[rank - 1] = last.filter(|last| *last < shape[rank - 1])?;
                Some(from)
            });
            (format!("pad {pad:?}"), x.pad(&[pad], -1)?, made)
        }
        7 if rank > 0 => {
            let mut to = shape.clone();
            to[d] *= 2;
            let made = plain.gather(to, |index| {
                let mut from = index.to_vec();
                from[d] %= shape[d];
                Some(from)
            });
            (format!("cat {d}"), cat(&[x, x], d as isize)?, made)
        }
        _ => {
            let counts: Vec<usize> = (0..rank).map(|_| rng.random_range(1..3)).collect();
            let to = shape.iter().zip(&counts).map(|(s, c)| s * c).collect();
            let made = plain.gather(to, |index| {
                Some(index.iter().zip(&shape).map(|(i, s)| i % s).collect())
            });
            (format!("repeat {counts:?}"), x.repeat(&counts)?, made)
        }
    })
}

#[test]
fn random_chains_are_what_index_arithmetic_says() {
    let mut rng = Draw(Generator::manual_seed(7));
    let mut steps = 0;
    while steps < 100_000 {
        let rank = rng.random_range(0..4);
        let shape: Vec<usize> = (0..rank).map(|_| rng.random_range(1..6)).collect();
        let n = shape.iter().product::<usize>() as i32;
        let data: Vec<i32> = (0..n)
            .map(|_| rng.random_range(0..1 << 30) as i32)
            .collect();
        let mut x = Tensor::from_vec(data, &shape, CPU).unwrap();
        let (mut plain, mut chain) = (Plain::of(&x), format!("{shape:?}"));
        for _ in 0..6 {
            let (name, y, made) =
                step(&mut rng, &x, &plain).unwrap_or_else(|e| panic!("{chain}: {e}"));
            chain += &format!(", {name}");
            assert_eq!(Plain::of(&y), made, "{chain}");
            (x, plain) = (y, made);
            steps += 1;
            if x.numel() > 2000 || x.dim() > 7 {
                break;
            }
        }
    }
}

#[test]
fn parts_and_joins_of_a_program() -> Result<()> {
    let x = Tensor::arange(0, 24, 1, CPU)?.view(&[2, -1, 4])?;
    assert_eq!(x.shape(), [2, 3, 4]);
    assert_eq!(x.i((1, .., -1))?.to_vec()?, [15, 19, 23]);
    assert_eq!(x.i((.., 0..=1, 2..))?.shape(), [2, 2, 2]);
    assert_eq!(x.i((0, 5..9))?.shape(), [0, 4]);
    let sizes: Vec<usize> = x.chunk(2, 2)?.iter().map(|part| part.shape()[2]).collect();
    assert_eq!(sizes, [2, 2]);
    let parts = x.split(2, 1)?;
    assert_eq!(parts[1].shape(), [2, 1, 4]);
    assert_eq!(cat(&[&parts[0], &parts[1]], 1)?.to_vec()?, x.to_vec()?);
    assert_eq!(stack(&[&parts[1], &parts[1]], 0)?.shape(), [2, 2, 1, 4]);
    assert_eq!(x.transpose(0, 2)?.i((3, 2, 1))?.item()?, 23);
    assert_eq!(parts[1].squeeze(1)?.shape(), [2, 4]);
    assert_eq!(x.unsqueeze(-1)?.squeeze(None)?.shape(), [2, 3, 4]);
    assert_eq!((x.dim(), x.size(-1)?), (3, 4));
    Ok(())
}

#[test]
fn triangles_and_products() -> Result<()> {
    let x = Tensor::arange(1, 13, 1, CPU)?.reshape(&[2, 2, 3])?;
    assert_eq!(x.tril(0)?.to_vec()?, [1, 0, 0, 4, 5, 0, 7, 0, 0, 10, 11, 0]);
    assert_eq!(x.triu(1)?.to_vec()?, [0, 2, 3, 0, 0, 6, 0, 8, 9, 0, 0, 12]);
    assert_eq!(x.tril(-1)?.i(0)?.to_vec()?, [0, 0, 0, 4, 0, 0]);
    let (m, v) = (
        x.i(0)?.cast::<f32>()?,
        Tensor::new([1.0_f32, 0.0, -1.0], CPU)?,
    );
    assert_eq!(m.mv(&v)?.to_vec()?, [-2.0, -2.0]);
    assert_eq!(v.dot(&v)?.item()?, 2.0);
    assert_eq!(
        m.i((.., 0))?.outer(&v)?.to_vec()?,
        [1.0, 0.0, -1.0, 4.0, 0.0, -4.0]
    );
    let batch = x.cast::<f32>()?;
    assert_eq!(
        batch.bmm(&batch.transpose(1, 2)?)?.i(0)?.to_vec()?,
        [14.0, 32.0, 32.0, 77.0]
    );
    assert_eq!(batch.tensordot(&m, 2)?.to_vec()?, [91.0, 217.0]);
    assert_eq!(batch.tensordot(&v, 1)?.shape(), [2, 2]);
    for error in [
        m.mv(&m),
        v.dot(&m),
        v.bmm(&v),
        batch.tensordot(&v, 2),
        v.tensordot(&v, 2),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("[2, 3]") || error.contains("[3]"), "{error}");
    }
    assert!(v.tril(0).is_err());
    let by_column = batch.softmax_dim(0)?.sum_dim(&[0], false)?.to_vec()?;
    assert!(by_column.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
    let logs = batch
        .log_softmax_dim(1)?
        .exp()?
        .sub(&batch.softmax_dim(1)?)?
        .abs()?
        .max()?;
    assert!(logs.item()? < 1e-6);
    Ok(())
}

/// Of no elements, sizes may be so large that their product is not.
#[test]
fn no_elements_of_any_size() -> Result<()> {
    let huge = usize::MAX / 4;
    let x = Tensor::<f32>::zeros(&[0, huge, 9], CPU)?;
    assert_eq!(x.permute(&[2, 0, 1])?.shape(), [9, 0, huge]);
    assert_eq!(x.flip(&[1])?.i((.., 3..7))?.shape(), [0, 4, 9]);
    assert_eq!(cat(&[&x, &x], 0)?.numel(), 0);
    assert_eq!(x.add(&x)?.gt(1.0)?.shape(), x.shape());
    assert!(x.sum_dim(&[0, 2], false).is_err());
    assert_eq!(x.sum_dim(&[1], true)?.shape(), [0, 1, 9]);
    Ok(())
}

#[test]
fn what_is_not_there_is_named() -> Result<()> {
    let x = Tensor::<f32>::zeros(&[2, 3], CPU)?;
    let y = Tensor::<f32>::zeros(&[3, 3], CPU)?;
    for (result, says) in [
        (x.i((0, 3)), "dimension 1 of size 3, got 3"),
        (x.i((0, 0, 0)), "at most 2 indices"),
        (x.select(0, -3), "dimension 0 of size 2, got -3"),
        (x.narrow(1, 2, 2), "dimension 1 of size 3"),
        (x.narrow(1, usize::MAX, 2), "dimension 1 of size 3"),
        (x.permute(&[0, 0]), "each of 2 dimensions once"),
        (x.transpose(0, 2), "a dimension of 2"),
        (x.flip(&[0, -2]), "each dimension once"),
        (x.view(&[-1, -1]), "one size -1 at most"),
        (x.view(&[4, -1]), "6 elements"),
        (x.view(&[isize::MAX, 3]), "6 elements"),
        (x.expand(&[-1, 2, 3]), "broadcasts to"),
        (x.broadcast_to(&[2]), "[2, 3]"),
        (x.repeat(&[2]), "each of 2 dimensions"),
        (x.repeat(&[usize::MAX, 2]), "at most"),
        (x.pad(&[[0, 0]; 3], 0.0), "at most 2 pairs"),
        (x.pad(&[[usize::MAX, 1]], 0.0), "at most"),
        (cat(&[&x, &y], 1), "[2, 3] and [3, 3]"),
        (cat::<f32>(&[], 0), "at least one tensor"),
        (stack(&[&x, &y], 0), "[2, 3] and [3, 3]"),
    ] {
        let error = result.expect_err(says).to_string();
        assert!(error.contains(says), "{error}, not {says}");
    }
    assert!(x.split(0, 0).is_err() && x.chunk(0, 0).is_err());
    Ok(())
}
