//! How many threads there are changes no bit of any op.

use std::collections::BTreeSet;

use half::f16;
use include_dir::{Dir, include_dir};
use warpsmith::ops::*;
use warpsmith::{Device, Element, Float, Tensor};

use crate::common::data::{outliers, tensor, uniform};

static OPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/ops");

const CPU: Device = Device::Cpu;

/// An op's name and what it answers, as bits.
type Case = (&'static str, Box<dyn Fn() -> Vec<u64> + Sync>);

fn bits<T: Element>(x: &warpsmith::Result<Tensor<T>>) -> Vec<u64> {
    let x = x.as_ref().unwrap().to_vec().unwrap();
    // every bit: a NaN's too
    x.iter().map(|x| x.bits()).collect()
}

fn of<T: Float>(shape: &[usize], seed: u64) -> Tensor<T> {
    tensor(&uniform::<T>(shape.iter().product(), seed), shape, &CPU)
}

/// Long enough to be shared out among 16 threads, and odd.
const LONG: [usize; 2] = [701, 1003];

fn case<Y: Element>(
    name: &'static str,
    f: impl Fn() -> warpsmith::Result<Tensor<Y>> + Sync + 'static,
) -> Case {
    (name, Box::new(move || bits(&f())))
}

/// Indices below 701.
fn places(n: usize) -> Tensor<i64> {
    let places: Vec<i64> = (0..n as i64).map(|i| i * i % 701).collect();
    tensor(&places, &[n], &CPU)
}

fn elementwise<T: Float>() -> Vec<Case> {
    let n = LONG[0] * LONG[1];
    let x = tensor(&outliers::<T>(n, 1), &LONG, &CPU);
    let (b, row) = (of::<T>(&LONG, 2), of::<T>(&LONG[1..], 3));
    let dropout = DropoutOptions {
        p: 0.3,
        seed: 7,
        call: 1,
    };
    macro_rules! with {
        ($name:literal, |$($tensor:ident),*| $op:expr) => {{
            $(let $tensor = $tensor.clone();)*
            case($name, move || $op)
        }};
    }
    vec![
        with!("relu", |x| x.relu()),
        with!("relu", |x, b| relu_backward(&b, &x)),
        with!("sigmoid", |x| x.sigmoid()),
        with!("sigmoid", |x, b| sigmoid_backward(&x, &b)),
        with!("tanh", |x| x.tanh()),
        with!("tanh", |x, b| tanh_backward(&x, &b)),
        with!("add", |x, b| x.add_alpha(&b, 0.3)),
        with!("binary", |x| x.mul(0.7)),
        with!("binary", |x, row| x.remainder(&row)),
        with!("compare", |x, row| x.lt(&row)),
        with!("copy", |x| x.flip(&[0, 1])),
        with!("reduce", |x| x.sum_dim(&[0], false)),
        with!("reduce", |x| x.var(&[], 1, false)),
        with!("reduce", |x| x.argmax_dim(1, false)),
        with!("shape", |x, b| cat(&[&x, &b], 1)),
        with!("unary", |x| x.gelu()),
        with!("unary", |x, b| silu_backward(&b, &x)),
        with!("where_", |x, b| where_(&x.gt(0.1)?, &b, &x)),
        with!("index", |x| x.index_select(1, &places(1003))),
        with!("index", |x| x.flatten(0, -1)?.scatter_add(
            0,
            &places(70_000),
            &x.flatten(0, -1)?
        )),
        with!("index", |b| index_select_backward(
            &b,
            &[1003, 1003],
            0,
            &places(701)
        )),
        with!("cumsum", |x| x.cumsum(0)),
        with!("cumsum", |x| cumsum_backward(&x.flatten(0, -1)?, 0)),
        with!("cumsum", |x| x.cast::<i32>()?.cumsum(1)),
        with!("reduce", |x| x.cast::<u8>()?.sum_dim(&[0], false)),
        with!("reduce", |x, row| prod_backward(&row, &x, &[0])),
        with!("topk", |x| Ok(x.topk(50, 0, true, true)?.0)),
        with!("topk", |x| Ok(x
            .flatten(0, -1)?
            .topk(999, 0, false, true)?
            .1)),
        with!("fill", |x| Tensor::full(x.shape(), T::from_f32(0.1), &CPU)),
        with!("cast", |x| x.cast::<f32>()),
        with!("cast", |x| x.cast::<i32>()),
        with!("bias_add", |x, row| x.bias_add(&row)),
        with!("dropout", |x| x.dropout(&dropout)),
        with!("dropout", |x| dropout_backward(&x, &dropout)),
        with!("transpose", |x| x.t()),
        with!("sum", |x| x.sum()),
        with!("sum", |x| x.mean()),
        with!("column_sum", |x| column_sum(&x)),
        with!("argmax", |x| x.argmax()),
        with!("softmax", |x| x.softmax()),
        with!("softmax", |x| x.log_softmax()),
        with!("softmax", |x, b| softmax_backward(&x, &b)),
        with!("softmax", |x, b| log_softmax_backward(&x, &b)),
    ]
}

fn cross_entropies() -> Vec<Case> {
    let x = of::<f32>(&LONG, 1);
    let labels: Vec<i32> = (0..LONG[0]).map(|i| (i * 7 % LONG[1]) as i32).collect();
    let labels = Tensor::from_slice(&labels, &LONG[..1], &CPU).unwrap();
    let (x2, labels2) = (x.clone(), labels.clone());
    vec![
        case("cross_entropy", move || cross_entropy(&x, &labels)),
        case("cross_entropy", move || {
            cross_entropy_backward(&x2, &labels2)
        }),
    ]
}

fn images<T: Float>() -> Vec<Case> {
    let shape = [3, 37, 29, 31];
    let x = of::<T>(&shape, 1);
    let window = Window::new([3, 2]).stride([2, 1]).padding([1, 1]);
    let options = LrnOptions {
        beta: 0.6,
        ..LrnOptions::new(5)
    };
    let (_, indices) = max_pool2d_with_indices(&x, &window).unwrap();
    let dy = of::<T>(indices.shape(), 2);
    let moments = batch_norm2d_stats(&x).unwrap();
    let (f, g, h) = (x.clone(), moments.clone(), moments);
    let (i, j) = (x.clone(), of::<T>(&shape, 3));
    let (k, l) = (x.clone(), x.clone());
    let (a, b, c, d, e, dy2) = (
        x.clone(),
        x.clone(),
        x.clone(),
        x.clone(),
        x.clone(),
        dy.clone(),
    );
    vec![
        case("batch_norm2d", move || {
            batch_norm2d_stats(&f).map(|(_, var)| var)
        }),
        case("batch_norm2d", move || {
            let (mean, var, eps) = (&g.0, &g.1, 1e-5);
            x.batch_norm2d(&BatchNormStats { mean, var, eps }, None)
        }),
        case("batch_norm2d", move || {
            let (mean, var, eps) = (&h.0, &h.1, 1e-5);
            let stats = BatchNormStats { mean, var, eps };
            let [dweight, dbias] = batch_norm2d_backward_parameters(&j, &i, &stats)?;
            let gradients = Some([&dweight, &dbias]);
            batch_norm2d_backward_input(&j, &i, &stats, None, gradients)
        }),
        case("max_pool2d", move || a.max_pool2d(&window)),
        case("max_pool2d", move || {
            max_pool2d_backward(&dy, &indices, &shape, &window)
        }),
        case("adaptive_avg_pool2d", move || k.adaptive_avg_pool2d([5, 1])),
        case("adaptive_avg_pool2d", move || {
            adaptive_avg_pool2d_backward(&l.adaptive_avg_pool2d([7, 40])?, &shape)
        }),
        case("avg_pool2d", move || b.avg_pool2d(&window, true)),
        case("avg_pool2d", move || {
            avg_pool2d_backward(&dy2, &shape, &window, false)
        }),
        case("lrn", move || c.local_response_norm(5, 1e-2, 0.6, 1.0)),
        case("lrn", move || {
            local_response_norm_backward(&d, &e, &options)
        }),
    ]
}

fn matmuls<T: Float>() -> Vec<Case> {
    let mut all = Vec::new();
    // few rows, small, and past what the product's own threads begin at; with a batch
    for (batch, m, k, n) in [
        (1, 1, 1500, 700),
        (1, 17, 900, 333),
        (1, 31, 40, 50),
        (1, 500, 65, 33),
        (1, 64, 784, 10),
        (1, 300, 1100, 170),
        (9, 33, 70, 41),
        (2, 150, 520, 140),
    ] {
        for transposed in [[false, false], [false, true], [true, false], [true, true]] {
            let stored = |rows, cols, transposed| match transposed {
                true => [batch, cols, rows],
                false => [batch, rows, cols],
            };
            let a = of::<T>(&stored(m, k, transposed[0]), 1);
            let b = of::<T>(&stored(k, n, transposed[1]), 2);
            let bias = of::<T>(&[n], 3);
            all.push(case("matmul", move || {
                let options = MatmulOptions {
                    transpose_a: transposed[0],
                    transpose_b: transposed[1],
                    bias: Some(&bias),
                    activation: Activation::Sigmoid,
                    allow_tf32: false,
                };
                match batch {
                    1 => matmul_with(
                        &a.reshape(&a.shape()[1..])?,
                        &b.reshape(&b.shape()[1..])?,
                        &options,
                    ),
                    _ => matmul_with(&a, &b, &options),
                }
            }));
        }
    }
    all
}

fn convolutions<T: Float>() -> Vec<Case> {
    let plain = Conv2dOptions::default();
    let mut all = Vec::new();
    for (input, weight, options) in [
        ([1, 3, 31, 27], [4, 3, 11, 7], plain.stride([4, 3])),
        (
            [2, 8, 30, 29],
            [12, 4, 3, 3],
            plain.groups(2).padding([1, 1]),
        ),
        ([1, 400, 15, 16], [3, 400, 3, 3], plain.padding([1, 1])),
        ([1, 96, 13, 13], [64, 96, 3, 3], plain.padding([1, 1])),
        ([5, 24, 17, 19], [40, 24, 1, 1], plain),
        // tiles that are transformed, few and many
        (
            [2, 64, 23, 22],
            [32, 32, 3, 3],
            plain.groups(2).padding([1, 1]),
        ),
        ([4, 32, 40, 40], [48, 32, 3, 3], plain.padding([1, 1])),
        ([4, 32, 19, 19], [32, 32, 5, 5], plain.padding([2, 2])),
    ] {
        // a few numbers stand out, so that both ways of one convolution are taken
        let mut x = uniform::<T>(input.iter().product(), 1);
        x.iter_mut()
            .skip(9)
            .step_by(5003)
            .for_each(|x| *x = T::from_f32(3e4));
        let x = tensor(&x, &input, &CPU);
        let (w, b) = (of::<T>(&weight, 2), of::<T>(&weight[..1], 3));
        let y = x.conv2d(&w, Some(&b), &options).unwrap();
        let dy = of::<T>(y.shape(), 4);
        let (x2, w2, dy2, dy3) = (x.clone(), w.clone(), dy.clone(), dy.clone());
        all.push(case("conv2d", move || x.conv2d(&w, Some(&b), &options)));
        all.push(case("conv2d", move || {
            conv2d_backward_input(&dy, &w2, &input, &options)
        }));
        all.push(case("conv2d", move || {
            conv2d_backward_weight(&dy2, &x2, &weight, &options)
        }));
        all.push(case("conv2d", move || conv2d_backward_bias(&dy3)));
    }
    all
}

/// A step of each optimizer: the parameter and a state behind it.
fn optimizers() -> Vec<Case> {
    type Step = fn(&mut Tensor<f32>, &Tensor<f32>, &mut Tensor<f32>, &mut Tensor<f32>);
    fn step(name: &'static str, f: Step) -> Case {
        let run = move || {
            let [mut p, g, mut m, mut v] = [1, 2, 3, 4].map(|seed| of::<f32>(&LONG, seed));
            for state in [&mut m, &mut v] {
                *state = of::<f32>(&LONG, 5).sigmoid().unwrap();
            }
            f(&mut p, &g, &mut m, &mut v);
            let all = [p, m, v].map(|x| bits(&Ok(x)));
            all.concat()
        };
        (name, Box::new(run))
    }
    vec![
        step("sgd", |p, g, m, _| {
            let options = SgdOptions {
                momentum: 0.9,
                ..Default::default()
            };
            sgd_step(p, g, Some(m), &options, 2).unwrap();
        }),
        step("adam", |p, g, m, v| {
            adam_step(p, g, m, v, &AdamOptions::default(), 3).unwrap();
        }),
        step("adagrad", |p, g, m, _| {
            adagrad_step(p, g, m, &AdagradOptions::default(), 3).unwrap();
        }),
        step("adadelta", |p, g, m, v| {
            adadelta_step(p, g, m, v, &AdadeltaOptions::default()).unwrap();
        }),
        step("amp", |p, g, m, v| {
            // one place of many, which whoever comes to it finds
            let mut bad = g.to_vec().unwrap();
            bad[LONG[0] - 2] = f32::INFINITY;
            let bad = Tensor::from_vec(bad, &LONG, &CPU).unwrap();
            let scale = Tensor::full(&[], 1024.0, &CPU).unwrap();
            for (grads, found) in [(g, m), (&bad, v)] {
                *found = Tensor::zeros(&[], &CPU).unwrap();
                amp_non_finite_check(&[grads], &scale, found).unwrap();
            }
            let mut found = Tensor::zeros(&[], &CPU).unwrap();
            amp_unscale_(&mut [p], &scale, &mut found).unwrap();
        }),
        step("rmsprop", |p, g, m, _| {
            rmsprop_step(p, g, m, None, &RmsPropOptions::default()).unwrap();
        }),
    ]
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut cases = elementwise::<f32>();
    cases.extend(elementwise::<f16>());
    cases.extend(cross_entropies());
    cases.extend(images::<f32>());
    cases.extend(images::<f16>());
    cases.extend(matmuls::<f32>());
    cases.extend(matmuls::<f16>());
    cases.extend(convolutions::<f32>());
    cases.extend(convolutions::<f16>());
    cases.extend(optimizers());

    let ops = OPS.dirs().map(|dir| dir.path().to_str().unwrap());
    let ops: BTreeSet<&str> = ops.collect();
    let tried: BTreeSet<&str> = cases.iter().map(|(name, _)| *name).collect();
    assert_eq!(ops, tried, "every folder of src/ops has a case");

    let results = [1, 2, 3, 16].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let results = pool.install(|| cases.iter().map(|(_, run)| run()).collect::<Vec<_>>());
        (threads, results)
    });
    let (_, of_one) = &results[0];
    for (threads, results) in &results[1..] {
        for (i, ((name, _), (one, many))) in
            cases.iter().zip(of_one.iter().zip(results)).enumerate()
        {
            let differ = one.iter().zip(many).filter(|(a, b)| a != b).count();
            assert_eq!(differ, 0, "{name}, case {i}, of 1 thread and {threads}");
        }
    }
}
