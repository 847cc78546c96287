//! Every op but convolution and matmul.

use crate::{Report, case};
use half::{bf16, f16};
use warpsmith::nn::optim::{Optimizer, Scaling, Sgd, Target};
use warpsmith::ops::{
    self, AdadeltaOptions, AdagradOptions, AdamOptions, BatchNormStats, CrossEntropyOptions,
    DropoutOptions, Growth, LrnOptions, RmsPropOptions, SgdOptions, Window,
};
use warpsmith::{Device, Element, Float, Generator, Result, Tensor};

/// 1 Mi elements, and a length that no vector divides.
const LINES: [usize; 2] = [1 << 20, 1_000_003];
/// A block a row; attention's rows, a warp each; a small classifier's classes; rows that no vector divides.
const ROWS: [[usize; 2]; 4] = [[128, 4096], [2048, 256], [20_000, 10], [1000, 333]];
/// AlexNet's two normalisations.
const PLANES: [[usize; 4]; 2] = [[4, 96, 55, 55], [4, 256, 26, 26]];
/// ResNet's: planes of whole vectors, and odd ones.
const NORMS: [[usize; 4]; 2] = [[4, 64, 56, 56], [32, 512, 7, 7]];
/// A square whose rows are a power of two apart, and an odd rectangle.
const MATRICES: [[usize; 2]; 2] = [[1024, 1024], [1023, 1025]];

pub fn all(report: &mut Report, device: &Device) {
    scaled(report, device);
    floats::<f32>(report, device);
    floats::<f16>(report, device);
    floats::<bf16>(report, device);
    casts(report, device);
}

fn floats<T: Float>(report: &mut Report, device: &Device) {
    for n in LINES {
        lines::<T>(report, device, n);
    }
    for shape in ROWS {
        rows::<T>(report, device, shape);
    }
    for shape in PLANES {
        planes::<T>(report, device, &shape);
    }
    for shape in NORMS {
        norms::<T>(report, device, &shape);
    }
    pools::<T>(report, device);
    adaptive_pools::<T>(report, device);
    for shape in MATRICES {
        let (x, mut y) = (
            randn::<T>(&shape, device),
            zeros::<T>(&[shape[1], shape[0]], device),
        );
        run::<T>(report, "transpose", &shape, || {
            x.transpose_out(0, 1, &mut y)
        });
    }
}

/// A case of an op on `T`, named by its shape.
fn run<T: Element>(
    report: &mut Report,
    op: &str,
    shape: &[usize],
    work: impl FnOnce() -> Result<()>,
) {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    case(
        report,
        format!("{op} {} {}", T::NAME, shape.join("x")),
        work,
    );
}

fn randn<T: Float>(shape: &[usize], device: &Device) -> Tensor<T> {
    Tensor::randn(shape, &mut Generator::manual_seed(1), device)
        .expect("a tensor of random numbers")
}

fn zeros<T: Element>(shape: &[usize], device: &Device) -> Tensor<T> {
    Tensor::zeros(shape, device).expect("a tensor of zeros")
}

fn lines<T: Float>(report: &mut Report, device: &Device, n: usize) {
    let [mut x, dy] = [(); 2].map(|()| randn::<T>(&[n], device));
    let mut y = zeros::<T>(&[n], device);
    let [mut m, mut v, mut u] = [(); 3].map(|()| zeros::<f32>(&[n], device));
    let n = &[n];
    run::<T>(report, "relu", n, || x.relu_out(&mut y));
    run::<T>(report, "relu_backward", n, || {
        ops::relu_backward_out(&dy, &x, &mut y)
    });
    run::<T>(report, "sigmoid", n, || x.sigmoid_out(&mut y));
    run::<T>(report, "sigmoid_backward", n, || {
        ops::sigmoid_backward_out(&dy, &x, &mut y)
    });
    run::<T>(report, "tanh", n, || x.tanh_out(&mut y));
    run::<T>(report, "tanh_backward", n, || {
        ops::tanh_backward_out(&dy, &x, &mut y)
    });
    let half = DropoutOptions {
        p: 0.5,
        seed: 1,
        call: 0,
    };
    run::<T>(report, "dropout", n, || x.dropout_out(&half, &mut y));
    run::<T>(report, "add", n, || x.add_alpha_out(&dy, 0.5, &mut y));
    run::<T>(report, "mul", n, || x.mul_out(0.5, &mut y));
    run::<T>(report, "fill", n, || y.fill_(T::from_f32(0.5)));
    let mut sum = zeros::<T>(&[], device);
    run::<T>(report, "sum", n, || x.sum_out(&mut sum));
    let plain = SgdOptions::default();
    let momentum = SgdOptions {
        momentum: 0.9,
        ..plain
    };
    run::<T>(report, "sgd", n, || {
        ops::sgd_step(&mut x, &dy, None, &plain, 2)
    });
    run::<T>(report, "sgd_momentum", n, || {
        ops::sgd_step(&mut x, &dy, Some(&mut m), &momentum, 2)
    });
    run::<T>(report, "adam", n, || {
        ops::adam_step(&mut x, &dy, &mut m, &mut v, &AdamOptions::default(), 2)
    });
    let amsgrad = AdamOptions {
        amsgrad: true,
        ..AdamOptions::default()
    };
    run::<T>(report, "adam_amsgrad", n, || {
        ops::adam_amsgrad_step(&mut x, &dy, &mut m, &mut v, &mut u, &amsgrad, 2)
    });
    run::<T>(report, "adagrad", n, || {
        ops::adagrad_step(&mut x, &dy, &mut m, &AdagradOptions::default(), 2)
    });
    run::<T>(report, "adadelta", n, || {
        ops::adadelta_step(&mut x, &dy, &mut m, &mut v, &AdadeltaOptions::default())
    });
    let plain = RmsPropOptions::default();
    let momentum = RmsPropOptions {
        momentum: 0.9,
        ..plain
    };
    run::<T>(report, "rmsprop", n, || {
        ops::rmsprop_step(&mut x, &dy, &mut v, None, &plain)
    });
    run::<T>(report, "rmsprop_momentum", n, || {
        ops::rmsprop_step(&mut x, &dy, &mut v, Some(&mut m), &momentum)
    });
    let centered = true;
    let plain = RmsPropOptions { centered, ..plain };
    run::<T>(report, "rmsprop_centered", n, || {
        ops::rmsprop_centered_step(&mut x, &dy, &mut v, &mut u, None, &plain)
    });
    let momentum = RmsPropOptions {
        centered,
        ..momentum
    };
    run::<T>(report, "rmsprop_centered_momentum", n, || {
        ops::rmsprop_centered_step(&mut x, &dy, &mut v, &mut u, Some(&mut m), &momentum)
    });
}

/// What a scaler does beside a step: the gradients looked at and divided, and what one thread does, once, with a step's count.
fn scaled(report: &mut Report, device: &Device) {
    let [mut scale, mut found] =
        [1.0, 0.0].map(|x| Tensor::full(&[], x, device).expect("a number"));
    for n in LINES {
        let mut grad = randn::<f32>(&[n], device);
        run::<f32>(report, "amp_non_finite_check", &[n], || {
            ops::amp_non_finite_check(&[&grad], &scale, &mut found)
        });
        run::<f32>(report, "amp_unscale", &[n], || {
            ops::amp_unscale_(&mut [&mut grad], &scale, &mut found)
        });
    }
    let mut counts = zeros::<i64>(&[2], device);
    let growth = Growth {
        growth_factor: 2.0,
        backoff_factor: 0.5,
        growth_interval: 2000,
    };
    run::<f32>(report, "amp_update", &[1], || {
        ops::amp_update_scale_(&mut scale, &mut found, &mut counts, &growth)
    });
    // with a step behind it, the second, as the first makes the device's count
    let n = &LINES[..1];
    let (mut p, grad) = (randn::<f32>(n, device), randn::<f32>(n, device));
    let mut sgd = Sgd::new(0.1);
    let mut step = || {
        let scaling = Scaling {
            scale: Some(&scale),
            found_inf: &found,
        };
        let target = Target {
            param: &mut p,
            grad: &grad,
            copy: None,
        };
        sgd.step_targets(&mut [target], Some(scaling))
    };
    step().expect("a step");
    run::<f32>(report, "amp_advance and sgd", n, step);
}

fn rows<T: Float>(report: &mut Report, device: &Device, shape: [usize; 2]) {
    let [x, dy] = [(); 2].map(|()| randn::<T>(&shape, device));
    let mut y = zeros::<T>(&shape, device);
    let bias = randn::<T>(&[shape[1]], device);
    let labels = zeros::<i32>(&[shape[0]], device);
    let (mut loss, mut column) = (zeros::<T>(&[], device), zeros::<T>(&[shape[1]], device));
    let mut best = zeros::<i32>(&[shape[0]], device);
    run::<T>(report, "softmax", &shape, || x.softmax_out(&mut y));
    run::<T>(report, "softmax_backward", &shape, || {
        ops::softmax_backward_out(&dy, &x, &mut y)
    });
    run::<T>(report, "cross_entropy", &shape, || {
        ops::cross_entropy_out(&x, &labels, &mut loss)
    });
    run::<T>(report, "cross_entropy_backward", &shape, || {
        ops::cross_entropy_backward_out(&x, &labels, &mut y)
    });
    let weight = zeros::<f32>(&[shape[1]], device);
    let weighted = CrossEntropyOptions {
        weight: Some(&weight),
        label_smoothing: 0.1,
        ..CrossEntropyOptions::default()
    };
    run::<T>(report, "cross_entropy_weighted", &shape, || {
        ops::cross_entropy_with_out(&x, &labels, &weighted, &mut loss)
    });
    run::<T>(report, "cross_entropy_weighted_backward", &shape, || {
        ops::cross_entropy_backward_with_out(None, &x, &labels, &weighted, &mut y)
    });
    run::<T>(report, "argmax", &shape, || x.argmax_out(&mut best));
    run::<T>(report, "column_sum", &shape, || {
        ops::column_sum_out(&x, &mut column)
    });
    run::<T>(report, "column_sum_activated", &shape, || {
        let relu = ops::Activation::Relu;
        ops::column_sum_activated_out(&dy, &x, relu, &mut y, &mut column)
    });
    run::<T>(report, "bias_add", &shape, || x.bias_add_out(&bias, &mut y));
}

fn planes<T: Float>(report: &mut Report, device: &Device, shape: &[usize; 4]) {
    let [x, dy] = [(); 2].map(|()| randn::<T>(shape, device));
    let mut y = zeros::<T>(shape, device);
    // AlexNet's window, which registers hold, and one that is too wide for them
    for (name, size) in [("lrn", 5), ("lrn_wide", 31)] {
        let options = LrnOptions {
            k: 2.0,
            ..LrnOptions::new(size)
        };
        run::<T>(report, name, shape, || {
            x.local_response_norm_out(size, 1e-4, 0.75, 2.0, &mut y)
        });
        run::<T>(report, &format!("{name}_backward"), shape, || {
            ops::local_response_norm_backward_out(&dy, &x, &options, &mut y)
        });
    }
}

fn norms<T: Float>(report: &mut Report, device: &Device, shape: &[usize; 4]) {
    let [x, dy] = [(); 2].map(|()| randn::<T>(shape, device));
    let mut y = zeros::<T>(shape, device);
    let [mut mean, mut var] = [(); 2].map(|()| zeros::<f32>(&shape[1..2], device));
    let [mut dweight, mut dbias] = [(); 2].map(|()| zeros::<f32>(&shape[1..2], device));
    run::<T>(report, "batch_norm2d_stats", shape, || {
        ops::batch_norm2d_stats_out(&x, None, &mut mean, &mut var)
    });
    let stats = BatchNormStats {
        mean: &mean,
        var: &var,
        eps: 1e-5,
    };
    run::<T>(report, "batch_norm2d", shape, || {
        x.batch_norm2d_out(&stats, Some([&var, &mean]), &mut y)
    });
    run::<T>(report, "batch_norm2d_backward_parameters", shape, || {
        let (dweight, dbias) = (&mut dweight, &mut dbias);
        ops::batch_norm2d_backward_parameters_out(&dy, &x, &stats, dweight, dbias)
    });
    run::<T>(report, "batch_norm2d_backward_input", shape, || {
        let gradients = Some([&dweight, &dbias]);
        ops::batch_norm2d_backward_input_out(&dy, &x, &stats, Some(&var), gradients, &mut y)
    });
}

/// AlexNet's overlapping windows and LeNet's side by side.
fn pools<T: Float>(report: &mut Report, device: &Device) {
    let overlapping = Window::new([3; 2]).stride([2; 2]);
    for (shape, window, to) in [
        ([4, 96, 55, 55], overlapping, [27, 27]),
        ([64, 6, 28, 28], Window::new([2; 2]), [14, 14]),
    ] {
        let small = [shape[0], shape[1], to[0], to[1]];
        let (x, dy) = (randn::<T>(&shape, device), randn::<T>(&small, device));
        let (mut y, mut dx) = (zeros::<T>(&small, device), zeros::<T>(&shape, device));
        let mut indices = zeros::<i32>(&small, device);
        run::<T>(report, "max_pool2d", &shape, || {
            ops::max_pool2d_with_indices_out(&x, &window, &mut y, &mut indices)
        });
        run::<T>(report, "max_pool2d_backward", &shape, || {
            ops::max_pool2d_backward_out(&dy, &indices, &window, &mut dx)
        });
        run::<T>(report, "avg_pool2d", &shape, || {
            x.avg_pool2d_out(&window, true, &mut y)
        });
        run::<T>(report, "avg_pool2d_backward", &shape, || {
            ops::avg_pool2d_backward_out(&dy, &window, true, &mut dx)
        });
    }
}

/// ResNet's last pooling, VGG's, and windows that overlap.
fn adaptive_pools<T: Float>(report: &mut Report, device: &Device) {
    for (shape, to) in [
        ([32, 512, 7, 7], [1, 1]),
        ([4, 512, 16, 16], [1, 1]),
        ([4, 256, 13, 13], [6, 6]),
    ] {
        let small = [shape[0], shape[1], to[0], to[1]];
        let (x, dy) = (randn::<T>(&shape, device), randn::<T>(&small, device));
        let (mut y, mut dx) = (zeros::<T>(&small, device), zeros::<T>(&shape, device));
        run::<T>(report, "adaptive_avg_pool2d", &shape, || {
            x.adaptive_avg_pool2d_out(to, &mut y)
        });
        run::<T>(report, "adaptive_avg_pool2d_backward", &shape, || {
            ops::adaptive_avg_pool2d_backward_out(&dy, &mut dx)
        });
    }
}

fn casts(report: &mut Report, device: &Device) {
    fn from<T: Element, U: Element>(report: &mut Report, device: &Device) {
        for n in LINES {
            let (x, mut y) = (zeros::<T>(&[n], device), zeros::<U>(&[n], device));
            run::<U>(report, &format!("cast {} to", T::NAME), &[n], || {
                x.cast_out(&mut y)
            });
        }
    }
    macro_rules! each {
        ($($from:ty => $($to:ty)*;)*) => {
            $($(from::<$from, $to>(report, device);)*)*
        };
    }
    each! {
        f32 => f16 bf16 i64 i32 u8 bool;
        f16 => f32 bf16 i64 i32 u8 bool;
        bf16 => f32 f16 i64 i32 u8 bool;
        i64 => f32 f16 bf16 i32 u8 bool;
        i32 => f32 f16 bf16 i64 u8 bool;
        u8 => f32 f16 bf16 i64 i32 bool;
        bool => f32 f16 bf16 i64 i32 u8;
    }
    for n in LINES {
        let (mut wide, mut narrow) = (zeros::<i64>(&[n], device), zeros::<u8>(&[n], device));
        run::<i64>(report, "fill", &[n], || wide.fill_(3));
        run::<u8>(report, "fill", &[n], || narrow.fill_(3));
    }
}
