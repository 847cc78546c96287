//! Tensors from nothing: constants and sequences, and the nested arrays that a program writes down.

use super::Tensor;
use crate::device::Device;
use crate::element::{Element, Number};
use crate::error::{Error, Result};

/// An element, or arrays of one length of these: what [`Tensor::new`] takes.
pub trait Nested {
    /// The elements' type.
    type Element: Element;
    /// The number of dimensions.
    const RANK: usize;
    /// Appends the sizes, outermost first.
    fn sizes(&self, shape: &mut Vec<usize>);
    /// Appends the elements in row-major order.
    fn elements(&self, data: &mut Vec<Self::Element>);
}

macro_rules! scalar {
    ($($type:ty)*) => {
        $(impl Nested for $type {
            type Element = $type;
            const RANK: usize = 0;
            fn sizes(&self, _: &mut Vec<usize>) {}
            fn elements(&self, data: &mut Vec<$type>) {
                data.push(*self);
            }
        })*
    };
}
scalar!(f32 half::f16 half::bf16 i64 i32 u8 bool);

impl<A: Nested, const N: usize> Nested for [A; N] {
    type Element = A::Element;
    const RANK: usize = A::RANK + 1;
    fn sizes(&self, shape: &mut Vec<usize>) {
        shape.push(N);
        match self.first() {
            Some(first) => first.sizes(shape),
            // of no arrays nothing more is known
            None => shape.extend(std::iter::repeat_n(0, A::RANK)),
        }
    }
    fn elements(&self, data: &mut Vec<A::Element>) {
        self.iter().for_each(|inner| inner.elements(data));
    }
}

impl<A: Nested + ?Sized> Nested for &A {
    type Element = A::Element;
    const RANK: usize = A::RANK;
    fn sizes(&self, shape: &mut Vec<usize>) {
        (**self).sizes(shape);
    }
    fn elements(&self, data: &mut Vec<A::Element>) {
        (**self).elements(data);
    }
}

impl<T: Element> Tensor<T> {
    /// A tensor of what is written down (`torch.tensor`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let m = Tensor::new(&[[1.0_f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
    /// assert_eq!(m.shape(), [2, 2]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn new(nested: impl Nested<Element = T>, device: &Device) -> Result<Self> {
        let (mut shape, mut data) = (Vec::new(), Vec::new());
        nested.sizes(&mut shape);
        nested.elements(&mut data);
        Self::from_vec(data, &shape, device)
    }

    /// [`Tensor::zeros`] of another's shape, on its device.
    ///
    /// # Errors
    /// Where the device's memory is full.
    pub fn zeros_like(&self) -> Result<Self> {
        Self::zeros(self.shape(), self.device())
    }
}

/// `value` in the type.
fn of<T: Number>(value: f64) -> T {
    let mut made = [T::default()];
    match T::IS_INTEGER {
        true => T::block_from_i64(&[value as i64], &mut made),
        false => T::block_from_f32(&[value as f32], &mut made),
    }
    made[0]
}

fn value<T: Number>(x: T) -> f64 {
    let (mut float, mut integer) = ([0.0], [0]);
    match T::IS_INTEGER {
        true => T::block_to_i64(&[x], &mut integer),
        false => T::block_to_f32(&[x], &mut float),
    }
    if T::IS_INTEGER {
        integer[0] as f64
    } else {
        f64::from(float[0])
    }
}

impl<T: Number> Tensor<T> {
    /// `start`, `start + step`, ... before `end` (`torch.arange`).
    ///
    /// # Errors
    /// A step that is 0 or leads away from `end`, or more elements than memory holds.
    pub fn arange(start: T, end: T, step: T, device: &Device) -> Result<Self> {
        let (from, to, by) = (value(start), value(end), value(step));
        let count = ((to - from) / by).ceil();
        if by == 0.0 || !count.is_finite() || count < 0.0 {
            let got = format!("from {from} to {to} by {by}");
            return Err(Error::argument(
                "arange",
                "a step that leads to the end",
                got,
            ));
        }
        let count = count as usize;
        Self::counted(&[count], device, |i| of(from + i as f64 * by))
    }

    /// The elements as a function of their place.
    fn counted(shape: &[usize], device: &Device, f: impl Fn(usize) -> T) -> Result<Self> {
        let mut place = 0..;
        Self::from_fn(shape, device, || f(place.next().unwrap_or_default()))
    }

    /// `steps` values from `start` to `end`, both among them, in equal steps (`torch.linspace`).
    ///
    /// # Errors
    /// More elements than memory holds.
    pub fn linspace(start: T, end: T, steps: usize, device: &Device) -> Result<Self> {
        let (from, to) = (value(start), value(end));
        let last = steps.saturating_sub(1).max(1) as f64;
        let at = |i: usize| from + (to - from) * (i as f64 / last);
        Self::counted(&[steps], device, |i| of(at(i)))
    }

    /// Ones on the diagonal of an `n` by `n` matrix of zeros (`torch.eye`).
    ///
    /// # Errors
    /// More elements than memory holds.
    pub fn eye(n: usize, device: &Device) -> Result<Self> {
        Self::counted(&[n, n], device, |i| {
            of(f64::from(u8::from(i % (n + 1) == 0)))
        })
    }
}
