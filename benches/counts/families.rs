//! The families of ops that tables make: each kernel once, at one size that stands for its use.

use crate::{Report, case};
use half::{bf16, f16};
use warpsmith::ops::{self, binary, unary, where_};
use warpsmith::{Device, Element, Float, Generator, Number, Result, Tensor};

const N: usize = 1 << 18;
const ROWS: [usize; 2] = [1024, 256];
/// Columns that are cut in chunks, whose parts a second kernel puts together.
const TALL: [usize; 2] = [40_000, 8];

pub fn all(report: &mut Report, device: &Device) {
    floats::<f32>(report, device);
    floats::<f16>(report, device);
    floats::<bf16>(report, device);
    integers::<i64>(report, device);
    integers::<i32>(report, device);
    integers::<u8>(report, device);
    indices::<f32>(report, device);
    indices::<f16>(report, device);
    indices::<bf16>(report, device);
    indices::<i64>(report, device);
    sums_of_integers(report, device);
    moves::<i64>(report, device);
    moves::<f32>(report, device);
    moves::<f16>(report, device);
    moves::<u8>(report, device);
    taken::<i64>(report, device);
    taken::<f32>(report, device);
    taken::<f16>(report, device);
    taken::<u8>(report, device);
}

fn run<Y>(report: &mut Report, name: String, work: impl FnOnce() -> Result<Y>) {
    case(report, name, || work().map(drop));
}

/// The names of a table, from its kernels for f32.
fn names(kernels: &[&'static str], prefix: &str) -> Vec<&'static str> {
    let of_f32 = kernels
        .iter()
        .filter_map(|k| k.strip_prefix(prefix)?.strip_suffix("_f32"));
    of_f32.filter(|name| !name.ends_with("_backward")).collect()
}

fn floats<T: Float>(report: &mut Report, device: &Device) {
    let mut generator = Generator::manual_seed(1);
    let mut randn = |shape: &[usize]| {
        Tensor::<T>::randn(shape, &mut generator, device).expect("a tensor of random numbers")
    };
    let (x, dy, row) = (randn(&ROWS), randn(&ROWS), randn(&ROWS[1..]));
    let numbers = [0.1, 0.9];
    let t = T::NAME;
    for name in names(unary::KERNELS, "unary_") {
        run(report, format!("{name} {t} {N}"), || {
            unary::unary(name, &x, numbers)
        });
        run(report, format!("{name}_backward {t} {N}"), || {
            unary::backward(name, &dy, &x, numbers)
        });
    }
    for name in names(binary::KERNELS, "binary_") {
        run(report, format!("{name} {t} {N}"), || {
            binary::binary(name, &x, &dy)
        });
    }
    run(report, format!("add number {t} {N}"), || x.add(1.5));
    run(report, format!("add row {t} 1024x256"), || x.add(&row));
    run(report, format!("compare {t} {N}"), || x.lt(&dy));
    type Reduction<T> = fn(&Tensor<T>, isize) -> Result<()>;
    let reductions: [(&str, Reduction<T>); 10] = [
        ("sum_dim", |x, d| x.sum_dim(&[d], false).map(drop)),
        ("prod", |x, d| x.prod(&[d], false).map(drop)),
        ("amax", |x, d| x.amax(&[d], false).map(drop)),
        ("amin", |x, d| x.amin(&[d], false).map(drop)),
        ("norm", |x, d| x.norm(&[d], false).map(drop)),
        ("logsumexp", |x, d| x.logsumexp(&[d], false).map(drop)),
        ("var", |x, d| x.var(&[d], 1, false).map(drop)),
        ("std", |x, d| x.std(&[d], 1, false).map(drop)),
        ("argmax_dim", |x, d| x.argmax_dim(d, false).map(drop)),
        ("argmin_dim", |x, d| x.argmin_dim(d, false).map(drop)),
    ];
    let tall = randn(&TALL);
    run(report, format!("cumsum rows {t} 1024x256"), || x.cumsum(1));
    run(report, format!("cumsum columns {t} 40000x8"), || {
        tall.cumsum(0)
    });
    for (name, op) in reductions {
        run(report, format!("{name} rows {t} 1024x256"), || op(&x, 1));
        run(report, format!("{name} columns {t} 40000x8"), || {
            op(&tall, 0)
        });
    }
}

fn integers<T: Number>(report: &mut Report, device: &Device) {
    let x = Tensor::<T>::ones(&[N], device).expect("a tensor of ones");
    run(report, format!("add {} {N}", T::NAME), || x.add(&x));
    run(report, format!("compare {} {N}", T::NAME), || x.eq(&x));
}

/// Images to channels last, a part of them, a join, a choice.
fn moves<T: Element + Number>(report: &mut Report, device: &Device) {
    let x = Tensor::<T>::ones(&[4, 64, 32, 32], device).expect("a tensor of ones");
    let mask = x.logical_not().expect("a mask");
    let t = T::NAME;
    run(report, format!("permute 0 2 3 1 {t} 4x64x32x32"), || {
        x.permute(&[0, 2, 3, 1])
    });
    run(report, format!("permute 1 0 2 3 {t} 4x64x32x32"), || {
        x.permute(&[1, 0, 2, 3])
    });
    run(report, format!("narrow {t} 4x64x32x32"), || {
        x.narrow(3, 3, 25)
    });
    run(report, format!("cat {t} 4x64x32x32"), || {
        ops::cat(&[&x, &x], 1)
    });
    run(report, format!("where {t} 4x64x32x32"), || {
        where_(&mask, &x, T::default())
    });
}

/// Indices below `size`, in no order.
fn places(shape: &[usize], size: usize, device: &Device) -> Tensor<i64> {
    let n = shape.iter().product();
    let places: Vec<i64> = (0..n).map(|i| (i * 7919 % size) as i64).collect();
    Tensor::from_slice(&places, shape, device).expect("a tensor of indices")
}

/// Rows of a table, elements of rows, the best of rows.
fn taken<T: Number>(report: &mut Report, device: &Device) {
    let x = Tensor::<T>::ones(&ROWS, device).expect("a tensor of ones");
    let (list, index) = (places(&[1024], 1024, device), places(&ROWS, 256, device));
    let t = T::NAME;
    run(report, format!("index_select 0 {t} 1024x256"), || {
        x.index_select(0, &list)
    });
    run(report, format!("gather 1 {t} 1024x256"), || {
        x.gather(1, &index)
    });
    run(report, format!("topk 8 {t} 1024x256"), || {
        x.topk(8, 1, true, true)
    });
}

/// Rows of an embedding, and a column that is cut in chunks.
fn indices<T: Number>(report: &mut Report, device: &Device) {
    let ones = |shape: &[usize]| Tensor::<T>::ones(shape, device).expect("a tensor of ones");
    let (table, rows, column) = (ones(&ROWS), ones(&ROWS), ones(&[1000]));
    let (index, long) = (places(&ROWS, 1024, device), places(&[N], 1000, device));
    let t = T::NAME;
    run(report, format!("scatter_add 0 {t} 1024x256"), || {
        table.scatter_add(0, &index, &rows)
    });
    let many = ones(&[N]);
    run(report, format!("scatter_add 0 {t} {N} to 1000"), || {
        column.scatter_add(0, &long, &many)
    });
}

fn sums_of_integers(report: &mut Report, device: &Device) {
    macro_rules! of {
        ($($type:ty)*) => {
            $(let [rows, tall] = [ROWS, TALL].map(|shape| {
                Tensor::<$type>::ones(&shape, device).expect("a tensor of ones")
            });
            let t = stringify!($type);
            run(report, format!("sum_dim rows {t} 1024x256"), || rows.sum_dim(&[1], false));
            run(report, format!("sum_dim columns {t} 40000x8"), || tall.sum_dim(&[0], false));
            run(report, format!("prod rows {t} 1024x256"), || rows.prod(&[1], false));
            run(report, format!("prod columns {t} 40000x8"), || tall.prod(&[0], false));
            run(report, format!("cumsum rows {t} 1024x256"), || rows.cumsum(1));
            run(report, format!("cumsum columns {t} 40000x8"), || tall.cumsum(0));)*
        };
    }
    of!(i64 i32 u8);
}
