//! Max and average pooling over one list of windows.

use half::{bf16, f16};
use warpsmith::ops::{
    Window, avg_pool2d_backward_out, max_pool2d_backward_out, max_pool2d_with_indices_out,
};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{tensor, uniform, unwritten, with_specials};

/// A shape, a window, and why it is tried.
struct Case {
    name: &'static str,
    shape: [usize; 4],
    window: Window,
}

fn cases() -> Vec<Case> {
    let case = |name, shape, window| Case {
        name,
        shape,
        window,
    };
    let window = |kernel, stride| Window::new(kernel).stride(stride);
    vec![
        case("empty", [0, 3, 4, 4], Window::new([2, 2])),
        case("one", [1, 1, 1, 1], Window::new([1, 1])),
        case("lenet", [2, 6, 28, 28], Window::new([2, 2])),
        case("alexnet", [2, 3, 13, 13], window([3, 3], [2, 2])),
        case(
            "padded",
            [1, 5, 8, 11],
            window([3, 3], [2, 2]).padding([1, 1]),
        ),
        case(
            "every_step",
            [2, 2, 7, 9],
            window([2, 5], [1, 1]).padding([0, 2]),
        ),
        case("gaps_between", [1, 3, 17, 10], window([2, 1], [4, 3])),
        case(
            "ceil",
            [1, 2, 8, 12],
            window([3, 3], [2, 4]).padding([1, 0]).ceil_mode(true),
        ),
        case(
            "dilated",
            [1, 2, 9, 12],
            window([3, 2], [1, 2]).dilation([2, 3]).padding([2, 1]),
        ),
        // windows of which some see no input at all
        case(
            "holes",
            [1, 2, 1, 3],
            window([2, 2], [1, 1]).dilation([2, 2]).padding([1, 1]),
        ),
        Case {
            name: "unequal_padding",
            shape: [3, 1, 6, 7],
            window: Window {
                padding_end: [2, 1],
                ..window([3, 4], [2, 3]).padding([1, 0])
            },
        },
        case(
            "larger_than_the_plane",
            [2, 2, 3, 2],
            window([5, 4], [1, 1]).padding([2, 2]),
        ),
    ]
}

fn output(case: &Case) -> [usize; 4] {
    let [n, c, h, w] = case.shape;
    let [oh, ow] = case.window.output("test", [h, w]).unwrap();
    [n, c, oh, ow]
}

fn max<T: Float>(device: &Device) {
    for case in cases() {
        // NaN, infinities and many equal values among them
        let mut x = with_specials::<T>(case.shape.iter().product(), 1);
        x.iter_mut()
            .skip(3)
            .step_by(3)
            .for_each(|x| *x = T::from_f32(0.5));
        let shape = output(&case);
        let sides = [&Device::Cpu, device].map(|d| {
            let x = tensor(&x, &case.shape, d);
            let [mut y, mut alone] = [(); 2].map(|()| unwritten::<T>(&shape, d));
            let unwritten = vec![i32::MIN; shape.iter().product()];
            let mut indices = Tensor::from_vec(unwritten, &shape, d).unwrap();
            max_pool2d_with_indices_out(&x, &case.window, &mut y, &mut indices).unwrap();
            x.max_pool2d_out(&case.window, &mut alone).unwrap();
            (
                y.to_vec().unwrap(),
                alone.to_vec().unwrap(),
                indices.to_vec().unwrap(),
            )
        });
        let what = format!("max_pool2d {} {}", T::NAME, case.name);
        let [want, got] = &sides;
        assert_close(&what, &got.0, &want.0, Tolerance::EXACT);
        assert_close(&what, &got.1, &want.0, Tolerance::EXACT);
        assert_close(&what, &want.1, &want.0, Tolerance::EXACT);
        assert_eq!(got.2, want.2, "{what}");
    }
}

fn max_backward<T: Float>(device: &Device) {
    for case in cases() {
        let shape = output(&case);
        let x = uniform::<T>(case.shape.iter().product(), 1);
        let dy = uniform::<T>(shape.iter().product(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let x = tensor(&x, &case.shape, d);
            let mut y = unwritten::<T>(&shape, d);
            let mut indices = Tensor::zeros(&shape, d).unwrap();
            max_pool2d_with_indices_out(&x, &case.window, &mut y, &mut indices).unwrap();
            let mut dx = unwritten::<T>(&case.shape, d);
            let dy = tensor(&dy, &shape, d);
            max_pool2d_backward_out(&dy, &indices, &case.window, &mut dx).unwrap();
            dx.to_vec().unwrap()
        });
        let what = format!("max_pool2d_backward {} {}", T::NAME, case.name);
        assert_close(&what, &got, &want, Tolerance::of::<T>(20, 4.0));
    }
}

fn avg<T: Float>(device: &Device) {
    for case in cases() {
        let shape = output(&case);
        let x = uniform::<T>(case.shape.iter().product(), 1);
        let dy = uniform::<T>(shape.iter().product(), 2);
        for include in [true, false] {
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let x = tensor(&x, &case.shape, d);
                let mut y = unwritten::<T>(&shape, d);
                x.avg_pool2d_out(&case.window, include, &mut y).unwrap();
                let mut dx = unwritten::<T>(&case.shape, d);
                let dy = tensor(&dy, &shape, d);
                avg_pool2d_backward_out(&dy, &case.window, include, &mut dx).unwrap();
                [y, dx].map(|t| t.to_vec().unwrap())
            });
            let what = format!("avg_pool2d {} {} {include}", T::NAME, case.name);
            for (got, want) in got.iter().zip(&want) {
                assert_close(&what, got, want, Tolerance::of::<T>(20, 4.0));
            }
        }
    }
}

pub fn max_forward(device: &Device) {
    max::<f32>(device);
    max::<f16>(device);
    max::<bf16>(device);
}

pub fn max_gradient(device: &Device) {
    max_backward::<f32>(device);
    max_backward::<f16>(device);
    max_backward::<bf16>(device);
}

pub fn average(device: &Device) {
    avg::<f32>(device);
    avg::<f16>(device);
    avg::<bf16>(device);
}
