use warpsmith::nn::{BatchNorm2d, Module};
use warpsmith::ops::{
    BatchNormStats, RunningStats, batch_norm2d_backward_input, batch_norm2d_backward_parameters,
    batch_norm2d_stats, batch_norm2d_stats_out,
};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn shapes() {
    assert_says(
        batch_norm2d_stats(&zeros(&[2, 3, 4])),
        &["batch_norm2d", "(N, C, H, W)", "[2, 3, 4]"],
    );
    let (x, three, two) = (zeros(&[2, 3, 4, 5]), zeros(&[3]), zeros(&[2]));
    let stats = |mean, var| BatchNormStats {
        mean,
        var,
        eps: 1e-5,
    };
    let says = &["batch_norm2d", "[3]", "[2]"];
    assert_says(x.batch_norm2d(&stats(&two, &three), None), says);
    assert_says(x.batch_norm2d(&stats(&three, &two), None), says);
    let good = stats(&three, &three);
    assert_says(x.batch_norm2d(&good, Some([&two, &three])), says);
    assert_says(x.batch_norm2d(&good, Some([&three, &two])), says);
    assert_says(
        x.batch_norm2d_out(&good, None, &mut zeros(&[2, 3, 5, 4])),
        &["batch_norm2d", "[2, 3, 4, 5]", "[2, 3, 5, 4]"],
    );
    let other = zeros(&[2, 3, 5, 4]);
    let says_other = &["batch_norm2d_backward", "[2, 3, 4, 5]", "[2, 3, 5, 4]"];
    assert_says(
        batch_norm2d_backward_parameters(&x, &other, &good),
        says_other,
    );
    assert_says(
        batch_norm2d_backward_input(&x, &other, &good, None, None),
        says_other,
    );
    let says = &["batch_norm2d_backward", "[3]", "[2]"];
    assert_says(
        batch_norm2d_backward_parameters(&x, &x, &stats(&two, &three)),
        says,
    );
    assert_says(
        batch_norm2d_backward_input(&x, &x, &good, Some(&two), None),
        says,
    );
    assert_says(
        batch_norm2d_backward_input(&x, &x, &good, None, Some([&three, &two])),
        says,
    );
}

#[test]
fn options_and_statistics() {
    let (x, mut three) = (zeros(&[2, 3, 4, 5]), zeros(&[3]));
    for eps in [-1e-5, f64::NAN] {
        let stats = BatchNormStats {
            mean: &three,
            var: &three,
            eps,
        };
        let says = &["batch_norm2d", "eps of at least 0"];
        assert_says(x.batch_norm2d(&stats, None), says);
    }
    let mut run = |mean: usize, count: &[usize], momentum| {
        let [mut mean, mut var, mut count] = [zeros(&[mean]), zeros(&[3]), zeros(count)];
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
            num_batches_tracked: &mut count,
            momentum,
        };
        batch_norm2d_stats_out(&x, Some(running), &mut three, &mut zeros(&[3]))
    };
    run(3, &[], 0.1).unwrap();
    assert_says(run(2, &[], 0.1), &["batch_norm2d", "[3]", "[2]"]);
    assert_says(run(3, &[1], 0.1), &["batch_norm2d", "[]", "[1]"]);
    assert_says(run(3, &[], 1.5), &["momentum from 0 to 1", "1.5"]);
    assert_says(run(3, &[], f64::NAN), &["momentum from 0 to 1", "NaN"]);
}

/// One value has no variance.
#[test]
fn too_few_values() {
    for shape in [[1, 3, 1, 1], [0, 3, 4, 4], [5, 3, 0, 2]] {
        assert_says(
            batch_norm2d_stats(&zeros(&shape)),
            &["batch_norm2d", "more than 1 value per channel"],
        );
    }
    // but there is nothing wrong with none in evaluation
    let mut layer = BatchNorm2d::new(3, &Device::Cpu).unwrap();
    layer.eval();
    let nothing = zeros(&[0, 3, 4, 4]);
    let y = layer.forward(&nothing).unwrap();
    assert_eq!(layer.backward(&y).unwrap().shape(), [0, 3, 4, 4]);
    for parameter in layer.parameters() {
        assert_eq!(parameter.grad.to_vec().unwrap(), [0.0; 3]);
    }
}

#[test]
fn layers() {
    assert_says(
        BatchNorm2d::new(0, &Device::Cpu),
        &["BatchNorm2d", "at least one channel"],
    );
    let mut layer = BatchNorm2d::new(3, &Device::Cpu).unwrap();
    assert_says(
        layer.forward(&zeros(&[2, 4, 5, 5])),
        &["batch_norm2d", "[4]", "[3]"],
    );
    // nothing has moved
    for (key, buffer) in layer.named_buffers() {
        let value = if key == "running_var" { 1.0 } else { 0.0 };
        assert!(
            buffer.to_vec().unwrap().iter().all(|&v| v == value),
            "{key}"
        );
    }
}
