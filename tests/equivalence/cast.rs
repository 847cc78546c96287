use half::{bf16, f16};
use warpsmith::ops::cast::cuda;
use warpsmith::{Device, Element, Float, Tensor};

use crate::binary::typed;
use crate::common::data::{SHAPES, tensor, with_specials};

/// Compares the bits, but for those of a NaN.
fn agree<U: Element + PartialOrd>(got: &[U], want: &[U], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        // only a NaN has no order even to itself
        let both_nan = g.partial_cmp(g).is_none() && w.partial_cmp(w).is_none();
        assert!(g == w || both_nan, "{what} at {i}: got {g:?}, want {w:?}");
    }
}

fn one<T: Element, U: Element + PartialOrd>(
    device: &Device,
    data: &[T],
    shape: &[usize],
    name: &str,
) {
    let [want, got] = [&Device::Cpu, device].map(|d| {
        // a number that no case yields
        let stale = tensor(&vec![12_345; data.len()], shape, &Device::Cpu);
        let stale = stale.cast::<U>().unwrap().to_vec().unwrap();
        let mut y = Tensor::from_vec(stale, shape, d).unwrap();
        tensor(data, shape, d).cast_out(&mut y).unwrap();
        y.to_vec().unwrap()
    });
    agree(&got, &want, &format!("cast {} {} {name}", T::NAME, U::NAME));
}

fn from_float<T: Float, U: Float + PartialOrd, V: Float + PartialOrd>(device: &Device) {
    for shape in &SHAPES {
        let mut x = with_specials::<T>(shape.numel(), 1);
        // past the largest f16, past the largest i32, and halfway between two integers
        for (x, v) in x.iter_mut().zip([7e4, -3e9, 2.5, -0.99, 65_519.9, 1e-7]) {
            *x = T::from_f32(v);
        }
        one::<T, U>(device, &x, &shape.dims(), shape.name);
        one::<T, V>(device, &x, &shape.dims(), shape.name);
        one::<T, i64>(device, &x, &shape.dims(), shape.name);
        one::<T, i32>(device, &x, &shape.dims(), shape.name);
        one::<T, u8>(device, &x, &shape.dims(), shape.name);
        one::<T, bool>(device, &x, &shape.dims(), shape.name);
    }
}

pub fn from_f32(device: &Device) {
    from_float::<f32, f16, bf16>(device);
}

pub fn from_f16(device: &Device) {
    from_float::<f16, f32, bf16>(device);
}

pub fn from_bf16(device: &Device) {
    from_float::<bf16, f32, f16>(device);
}

macro_rules! to {
    ($device:ident, $from:ty => $($to:ty),*) => {
        for shape in &SHAPES {
            // from one end of the range to the other
            let x = typed::<$from>(shape.numel(), 1);
            $(one::<$from, $to>($device, &x, &shape.dims(), shape.name);)*
        }
    };
}

pub fn from_integers(device: &Device) {
    to!(device, i64 => f32, f16, bf16, i32, u8, bool);
    to!(device, i32 => f32, f16, bf16, i64, u8, bool);
    to!(device, u8 => f32, f16, bf16, i64, i32, bool);
}

pub fn from_bool(device: &Device) {
    for shape in &SHAPES {
        let x: Vec<bool> = (0..shape.numel()).map(|i| i * i % 5 == 1).collect();
        macro_rules! to {
            ($($to:ty),*) => {
                $(one::<bool, $to>(device, &x, &shape.dims(), shape.name);)*
            };
        }
        to!(f32, f16, bf16, i64, i32, u8);
    }
}

pub fn misaligned_view(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let x = with_specials::<f16>(41, 2);
    let want = tensor(&x[1..], &[40], &Device::Cpu).cast::<f32>().unwrap();
    let x = stream.clone_htod(&x).unwrap();
    let mut y = stream.clone_htod(&[0.5_f32; 40]).unwrap();
    cuda::cast(stream, &x.slice(1..), &mut y).unwrap();
    let (got, want) = (stream.clone_dtoh(&y).unwrap(), want.to_vec().unwrap());
    agree(&got, &want, "cast view");
}
