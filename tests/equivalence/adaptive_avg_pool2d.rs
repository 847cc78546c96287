use half::{bf16, f16};
use warpsmith::ops::adaptive_avg_pool2d::cuda;
use warpsmith::ops::adaptive_avg_pool2d_backward_out;
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, uniform, unwritten};

/// A shape, the sides of its output, and why it is tried.
struct Case {
    name: &'static str,
    shape: [usize; 4],
    output: [usize; 2],
}

const fn case(name: &'static str, shape: [usize; 4], output: [usize; 2]) -> Case {
    Case {
        name,
        shape,
        output,
    }
}

const CASES: [Case; 13] = [
    case("empty", [0, 3, 4, 4], [1, 1]),
    case("one", [1, 1, 1, 1], [1, 1]),
    case("resnet", [2, 37, 7, 7], [1, 1]),
    case("whole_vectors", [3, 5, 8, 8], [1, 1]),
    case("many_rounds", [1, 3, 40, 72], [1, 1]),
    case("few_elements", [5, 60, 2, 3], [1, 1]),
    case("four_lanes", [2, 5, 3, 5], [1, 1]),
    case("alexnet", [2, 9, 6, 6], [6, 6]),
    case("side_by_side", [2, 3, 12, 16], [3, 4]),
    case("overlapping", [2, 3, 13, 17], [5, 7]),
    case("long_windows", [1, 2, 61, 50], [2, 3]),
    case("more_than_there_are", [2, 2, 3, 5], [7, 8]),
    case("a_row", [3, 4, 1, 50], [1, 3]),
];

fn check<T: Float>(device: &Device) {
    for Case {
        name,
        shape,
        output,
    } in CASES
    {
        let to = [shape[0], shape[1], output[0], output[1]];
        let x = outliers::<T>(shape.iter().product(), 1);
        let dy = uniform::<T>(to.iter().product(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let (mut y, mut dx) = (unwritten::<T>(&to, d), unwritten::<T>(&shape, d));
            let x = tensor(&x, &shape, d);
            x.adaptive_avg_pool2d_out(output, &mut y).unwrap();
            adaptive_avg_pool2d_backward_out(&tensor(&dy, &to, d), &mut dx).unwrap();
            [y, dx].map(|t| t.to_vec().unwrap())
        });
        let what = format!("adaptive_avg_pool2d {} {name}", T::NAME);
        // values of up to about a thousand are added
        let tolerance = Tolerance::of::<T>(64, 1e3);
        assert_close(&what, &got[0], &want[0], tolerance);
        assert_close(&what, &got[1], &want[1], Tolerance::of::<T>(16, 4.0));
    }
}

pub fn average(device: &Device) {
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

/// Vectors need 16-byte alignment, which a view need not have.
pub fn views(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let shape = [2, 3, 8, 8];
    let x = uniform::<f16>(385, 4);
    let on_cpu = tensor(&x[1..], &shape, &Device::Cpu);
    let want = on_cpu.adaptive_avg_pool2d([1, 1]).unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let mut y = stream.clone_htod(&[f16::NAN; 6]).unwrap();
    cuda::adaptive_avg_pool2d(stream, &x.slice(1..), &mut y, shape, [1, 1]).unwrap();
    let (got, want) = (stream.clone_dtoh(&y).unwrap(), want.to_vec().unwrap());
    assert_close("view", &got, &want, Tolerance::of::<f16>(64, 1.0));
    let mut dx = stream.clone_htod(&[f16::NAN; 385]).unwrap();
    let mut view = dx.slice_mut(1..);
    cuda::adaptive_avg_pool2d_backward(stream, &y, &mut view, shape, [1, 1]).unwrap();
    let dx = stream.clone_dtoh(&dx).unwrap();
    let want: Vec<f32> = (0..384).map(|i| got[i / 64].to_f32() / 64.0).collect();
    assert_close("view", &dx[1..], &want, Tolerance::of::<f16>(4, 0.0));
    assert!(dx[0].is_nan());
}
