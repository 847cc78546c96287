//! What the tests of the activations share.

use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{SHAPES, tensor, unwritten, with_specials};

type Backward<T> = fn(&Tensor<T>, &Tensor<T>, &mut Tensor<T>) -> Result<()>;

/// An activation in all its forms, with the data and tolerances that suit it.
pub struct Activation<T: Float> {
    pub name: &'static str,
    pub plain: fn(&Tensor<T>) -> Result<Tensor<T>>,
    pub out: fn(&Tensor<T>, &mut Tensor<T>) -> Result<()>,
    pub in_place: fn(&mut Tensor<T>) -> Result<()>,
    pub tolerance: Tolerance,
    pub backward_out: Backward<T>,
    /// So many values from a seed: the gradient and the output that backward takes.
    pub backward_inputs: [fn(usize, u64) -> Vec<T>; 2],
    pub backward_tolerance: Tolerance,
}

impl<T: Float> Activation<T> {
    pub fn forward(&self, device: &Device) {
        for shape in &SHAPES {
            let dims = shape.dims();
            let x = with_specials(shape.numel(), 1);
            let want = (self.plain)(&tensor(&x, &dims, &Device::Cpu)).unwrap();
            let mut y = unwritten(&dims, device);
            (self.out)(&tensor(&x, &dims, device), &mut y).unwrap();
            let what = format!("{} {} {}", self.name, T::NAME, shape.name);
            compare(&what, &y, &want, self.tolerance);
        }
    }

    pub fn in_place(&self, device: &Device) {
        for shape in &SHAPES {
            let dims = shape.dims();
            let x = with_specials(shape.numel(), 2);
            let want = (self.plain)(&tensor(&x, &dims, &Device::Cpu)).unwrap();
            let mut y = tensor(&x, &dims, device);
            (self.in_place)(&mut y).unwrap();
            let what = format!("{}_ {} {}", self.name, T::NAME, shape.name);
            compare(&what, &y, &want, self.tolerance);
        }
    }

    pub fn backward(&self, device: &Device) {
        for shape in &SHAPES {
            let dims = shape.dims();
            let [of_dy, of_y] = self.backward_inputs;
            let (dy, y) = (of_dy(shape.numel(), 3), of_y(shape.numel(), 4));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut dx = unwritten(&dims, d);
                (self.backward_out)(&tensor(&dy, &dims, d), &tensor(&y, &dims, d), &mut dx)
                    .unwrap();
                dx
            });
            let what = format!("{}_backward {} {}", self.name, T::NAME, shape.name);
            compare(&what, &got, &want, self.backward_tolerance);
        }
    }
}

fn compare<T: Float>(what: &str, got: &Tensor<T>, want: &Tensor<T>, tolerance: Tolerance) {
    let [got, want] = [got, want].map(|t| t.to_vec().unwrap());
    assert_close(what, &got, &want, tolerance);
}
