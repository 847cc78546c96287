//! Optimizers over many parameters at once: more than one launch has room for, of odd lengths and none, views among them.

use half::{bf16, f16};
use warpsmith::ops::optimizer::{CudaHalfCopy, CudaSlot};
use warpsmith::ops::{
    self, AdadeltaOptions, AdagradOptions, AdamOptions, HalfCopy, RmsPropOptions, SgdOptions, Slot,
};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{outliers, tensor, uniform, unwritten};

/// 150 of them: three launches. Most are small, as biases are.
fn lengths() -> Vec<usize> {
    const SOME: [usize; 10] = [0, 1, 3, 4, 5, 31, 64, 130, 255, 257];
    let mut lengths: Vec<usize> = (0..150).map(|i| SOME[i % SOME.len()]).collect();
    // several blocks: in the middle, and as the last and first of a launch
    for (at, long) in [(5, 5003), (63, 2048), (70, 3001), (149, 4099)] {
        lengths[at] = long;
    }
    lengths
}

/// A parameter, its gradient, its states, and where its new values go once more.
type Parameter<T, const STATES: usize> = (Tensor<T>, Tensor<T>, [Tensor<f32>; STATES], Copy);

/// Copies of either type or none, in one launch.
enum Copy {
    None,
    Bf16(Tensor<bf16>),
    F16(Tensor<f16>),
}

struct Model<T: Float, const STATES: usize>(Vec<Parameter<T, STATES>>);

impl<T: Float, const STATES: usize> Model<T, STATES> {
    fn new(device: &Device) -> Self {
        let parameter = |(i, n): (usize, usize)| {
            let i = i as u64;
            let [p, g] =
                [2 * i, 2 * i + 1].map(|seed| tensor(&outliers::<T>(n, seed), &[n], device));
            // squares are among the states, so none is negative
            let state = |s: usize| {
                let state: Vec<f32> = uniform(n, 1000 + 2 * i + s as u64);
                let state: Vec<f32> = state.into_iter().map(f32::abs).collect();
                tensor(&state, &[n], device)
            };
            let copy = match i % 3 {
                0 => Copy::None,
                1 => Copy::Bf16(unwritten(&[n], device)),
                _ => Copy::F16(unwritten(&[n], device)),
            };
            (p, g, std::array::from_fn(state), copy)
        };
        Self(lengths().into_iter().enumerate().map(parameter).collect())
    }

    fn slots(&mut self) -> Vec<Slot<'_, T, STATES>> {
        let slots = self.0.iter_mut().map(|(param, grad, states, copy)| Slot {
            param,
            grad,
            states: states.each_mut(),
            copy: match copy {
                Copy::None => None,
                Copy::Bf16(copy) => Some(HalfCopy::Bf16(copy)),
                Copy::F16(copy) => Some(HalfCopy::F16(copy)),
            },
        });
        slots.collect()
    }

    /// Every copy is what a cast of the parameter makes.
    fn copies_are_casts(&self) {
        for (p, _, _, copy) in &self.0 {
            match copy {
                Copy::None => {}
                Copy::Bf16(copy) => assert_casts(copy, p),
                Copy::F16(copy) => assert_casts(copy, p),
            }
        }
    }

    /// Every value that a step may change, one parameter after the other.
    fn values(&self) -> (Vec<T>, Vec<f32>) {
        let (mut params, mut states) = (Vec::new(), Vec::new());
        for (p, _, kept, _) in &self.0 {
            params.extend(p.to_vec().unwrap());
            for state in kept {
                states.extend(state.to_vec().unwrap());
            }
        }
        (params, states)
    }
}

fn assert_casts<H: Float, T: Float>(copy: &Tensor<H>, p: &Tensor<T>) {
    assert!(copy.to_vec().unwrap() == p.cast::<H>().unwrap().to_vec().unwrap());
}

/// Two steps of all parameters at once on a device are those of the CPU within `tolerance`, and on either side those of one
/// parameter after the other, bit for bit.
fn check<T: Float, const STATES: usize>(
    what: &str,
    device: &Device,
    scale: f64,
    step: impl Fn(&mut [Slot<'_, T, STATES>], u64) -> Result<()>,
) {
    let [want, got] = [&Device::Cpu, device].map(|device| {
        let [mut together, mut alone] = [(); 2].map(|()| Model::<T, STATES>::new(device));
        for t in 1..=2 {
            step(&mut together.slots(), t).unwrap();
            for slot in alone.slots() {
                step(&mut [slot], t).unwrap();
            }
        }
        together.copies_are_casts();
        let (together, alone) = (together.values(), alone.values());
        assert!(together == alone, "{what} on {device}");
        together
    });
    let tolerance = Tolerance::of::<T>(16, scale);
    assert_close(what, &got.0, &want.0, tolerance);
    assert_close(what, &got.1, &want.1, tolerance);
}

fn types<T: Float>(device: &Device) {
    let what = |name: &str| format!("{name} {} of many", T::NAME);
    let plain = SgdOptions {
        lr: 0.05,
        weight_decay: 0.01,
        ..SgdOptions::default()
    };
    // gradients reach 1000
    check::<T, 0>(&what("sgd"), device, 1000.0, |slots, _| {
        ops::sgd_steps(slots, &plain)
    });
    let momentum = SgdOptions {
        momentum: 0.9,
        nesterov: true,
        ..plain
    };
    check::<T, 1>(&what("sgd_momentum"), device, 1000.0, |slots, t| {
        ops::sgd_momentum_steps(slots, &momentum, t)
    });
    let adam = AdamOptions {
        lr: 0.5,
        weight_decay: 0.1,
        eps: 1e-3,
        ..AdamOptions::default()
    };
    check::<T, 2>(&what("adam"), device, 1.0, |slots, t| {
        ops::adam_steps(slots, &adam, t)
    });
    let amsgrad = AdamOptions {
        amsgrad: true,
        ..adam
    };
    check::<T, 3>(&what("adam_amsgrad"), device, 1.0, |slots, t| {
        ops::adam_amsgrad_steps(slots, &amsgrad, t)
    });
    let adagrad = AdagradOptions {
        lr: 0.1,
        lr_decay: 0.1,
        eps: 1e-3,
        weight_decay: 0.1,
    };
    check::<T, 1>(&what("adagrad"), device, 1.0, |slots, t| {
        ops::adagrad_steps(slots, &adagrad, t)
    });
    let adadelta = AdadeltaOptions {
        eps: 1e-3,
        weight_decay: 0.1,
        ..AdadeltaOptions::default()
    };
    check::<T, 2>(&what("adadelta"), device, 1.0, |slots, _| {
        ops::adadelta_steps(slots, &adadelta)
    });
    let rmsprop = RmsPropOptions {
        lr: 0.1,
        weight_decay: 0.1,
        eps: 1e-3,
        ..RmsPropOptions::default()
    };
    check::<T, 1>(&what("rmsprop"), device, 1.0, |slots, _| {
        ops::rmsprop_steps(slots, &rmsprop)
    });
    let momentum = RmsPropOptions {
        momentum: 0.9,
        ..rmsprop
    };
    check::<T, 2>(&what("rmsprop_momentum"), device, 1.0, |slots, _| {
        ops::rmsprop_momentum_steps(slots, &momentum)
    });
    let centered = RmsPropOptions {
        centered: true,
        ..momentum
    };
    check::<T, 3>(
        &what("rmsprop_centered_momentum"),
        device,
        1.0,
        |slots, _| ops::rmsprop_centered_momentum_steps(slots, &centered),
    );
}

pub fn many_f32(device: &Device) {
    types::<f32>(device);
}

pub fn many_f16(device: &Device) {
    types::<f16>(device);
}

pub fn many_bf16(device: &Device) {
    types::<bf16>(device);
}

/// Packs of four need their alignment, which a view need not have: one parameter of the table has it, the next has not.
pub fn misaligned_views(device: &Device) {
    const N: usize = 1500;
    let stream = device.as_cuda().unwrap().stream();
    let options = SgdOptions {
        lr: 0.5,
        momentum: 0.9,
        ..SgdOptions::default()
    };
    let [p, g, v] = [1, 2, 3].map(|seed| uniform::<f32>(N, seed));
    let want = {
        let [mut p, g, mut v] = [&p, &g, &v].map(|data| tensor(data, &[N], &Device::Cpu));
        ops::sgd_step(&mut p, &g, Some(&mut v), &options, 2).unwrap();
        [p, v].map(|t| t.to_vec().unwrap())
    };
    let [mut p, g, mut v] = [&p, &g, &v].map(|data| stream.clone_htod(data).unwrap());
    // a hole between the two, where nothing may be written
    let (mut front, mut back) = p.split_at_mut(1001);
    let (mut front_v, mut back_v) = v.split_at_mut(1001);
    let mut front_copy = stream.alloc_zeros::<f16>(1001).unwrap();
    let mut back_copy = stream.alloc_zeros::<bf16>(N - 1001).unwrap();
    let mut slots = [
        CudaSlot {
            p: front.slice_mut(..1000),
            g: g.slice(..1000),
            states: [front_v.slice_mut(..)],
            copy: Some(CudaHalfCopy::F16(front_copy.slice_mut(..1000))),
        },
        CudaSlot {
            p: back.slice_mut(1..),
            g: g.slice(1002..),
            states: [back_v.slice_mut(1..)],
            copy: Some(CudaHalfCopy::Bf16(back_copy.slice_mut(1..))),
        },
    ];
    ops::sgd::cuda::sgd_momentum_all(stream, &mut slots, &options, false).unwrap();
    for (got, want, seed) in [(&p, &want[0], 1), (&v, &want[1], 3)] {
        let mut want = want.clone();
        want[1000..1002].copy_from_slice(&uniform::<f32>(N, seed)[1000..1002]);
        let got = stream.clone_dtoh(got).unwrap();
        assert_close("views", &got, &want, Tolerance::of::<f32>(4, 1.0));
    }
    let p = stream.clone_dtoh(&p).unwrap();
    let [front, back] = [&p[..1000], &p[1002..]];
    let front: Vec<f16> = front.iter().map(|p| f16::from_f32(*p)).collect();
    let back: Vec<bf16> = back.iter().map(|p| bf16::from_f32(*p)).collect();
    let copy = stream.clone_dtoh(&front_copy).unwrap();
    assert!(copy[..1000] == front && copy[1000] == f16::ZERO);
    let copy = stream.clone_dtoh(&back_copy).unwrap();
    assert!(copy[1..] == back && copy[0] == bf16::ZERO);
}
