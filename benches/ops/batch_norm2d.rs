use criterion::Criterion;
use warpsmith::ops::{
    BatchNormStats, batch_norm2d_backward_input_out, batch_norm2d_backward_parameters_out,
    batch_norm2d_stats_out,
};
use warpsmith::{Float, Tensor};

use crate::{bytes, devices, group, randn, time};

/// ResNet-18's first normalisation at batch 32 and its last, whose planes are odd.
const SHAPES: [(&str, [usize; 4]); 2] = [
    ("32x64x112x112", [32, 64, 112, 112]),
    ("32x512x7x7", [32, 512, 7, 7]),
];

pub fn bench(criterion: &mut Criterion) {
    fn one<T: Float>(criterion: &mut Criterion) {
        for (shape, dims) in &SHAPES {
            let n = dims.iter().product::<usize>();
            for device in devices() {
                let [x, dy] = [(); 2].map(|()| randn::<T>(dims, &device));
                let mut y = Tensor::zeros(dims, &device).unwrap();
                let [mut mean, mut var, mut dweight, mut dbias] =
                    [(); 4].map(|()| Tensor::full(&dims[1..2], 1.0, &device).unwrap());
                let weight = mean.clone();
                let mut run = |name: &str, tensors: usize, work: &mut dyn FnMut()| {
                    let mut group = group(criterion, &format!("{name}_{}", T::NAME));
                    group.throughput(bytes::<T>(tensors * n));
                    time(&mut group, &device, shape, work);
                };
                run("batch_norm2d_stats", 1, &mut || {
                    batch_norm2d_stats_out(&x, None, &mut mean, &mut var).unwrap();
                });
                let stats = BatchNormStats {
                    mean: &mean,
                    var: &var,
                    eps: 1e-5,
                };
                run("batch_norm2d", 2, &mut || {
                    x.batch_norm2d_out(&stats, Some([&weight, &mean]), &mut y)
                        .unwrap();
                });
                run("batch_norm2d_backward_parameters", 2, &mut || {
                    let (dweight, dbias) = (&mut dweight, &mut dbias);
                    batch_norm2d_backward_parameters_out(&dy, &x, &stats, dweight, dbias).unwrap();
                });
                run("batch_norm2d_backward_input", 3, &mut || {
                    let gradients = Some([&dweight, &dbias]);
                    let weight = Some(&weight);
                    batch_norm2d_backward_input_out(&dy, &x, &stats, weight, gradients, &mut y)
                        .unwrap();
                });
            }
        }
    }
    one::<f32>(criterion);
    one::<half::f16>(criterion);
}
