use half::{bf16, f16};
use warpsmith::ops::dropout::cuda;
use warpsmith::ops::{DropoutOptions, dropout_backward_out};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, tensor, uniform, unwritten, with_specials};

/// Every mask bit counts, and the multiplication is one rounding: the two sides agree bit for bit.
fn check<T: Float>(device: &Device) {
    for (i, shape) in SHAPES.iter().enumerate() {
        let dims = shape.dims();
        let options = DropoutOptions {
            p: [0.5, 0.1, 0.0, 1.0][i % 4],
            seed: 0x1234_5678_9abc_def0 + i as u64,
            call: [0, 3, u64::MAX][i % 3],
        };
        let what = format!("dropout {} {} {options:?}", T::NAME, shape.name);
        let x = with_specials::<T>(shape.numel(), 1);
        let dy = uniform::<T>(shape.numel(), 2);
        let [want, got] = [&Device::Cpu, device].map(|d| {
            let [mut y, mut dx] = [(); 2].map(|()| unwritten::<T>(&dims, d));
            tensor(&x, &dims, d).dropout_out(&options, &mut y).unwrap();
            dropout_backward_out(&tensor(&dy, &dims, d), &options, &mut dx).unwrap();
            [y, dx].map(|t| t.to_vec().unwrap())
        });
        for (got, want) in got.iter().zip(&want) {
            assert_close(&what, got, want, Tolerance::EXACT);
        }
    }
}

pub fn masks(device: &Device) {
    check::<f32>(device);
    check::<f16>(device);
    check::<bf16>(device);
}

/// Groups of four need their alignment, which a view need not have.
pub fn misaligned_view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let options = DropoutOptions {
        p: 0.25,
        seed: 7,
        call: 1,
    };
    let x = uniform::<f16>(50, 4);
    let want = tensor(&x[1..], &[49], &Device::Cpu);
    let want = want.dropout(&options).unwrap().to_vec().unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let mut y = stream.clone_htod(&[f16::NAN; 49]).unwrap();
    cuda::dropout(stream, &x.slice(1..), &mut y, &options).unwrap();
    let got = stream.clone_dtoh(&y).unwrap();
    assert_close("dropout view", &got, &want, Tolerance::EXACT);
}
