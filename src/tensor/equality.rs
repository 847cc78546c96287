//! Whether two tensors hold the same, or nearly: `==`, and the traits of `approx`.

use std::borrow::Cow;

use approx::{AbsDiffEq, RelativeEq, UlpsEq};

use super::{Data, Tensor};
use crate::element::{Element, Float};
use crate::error::Result;

impl<T: Element> Tensor<T> {
    fn elements(&self) -> Result<Cow<'_, [T]>> {
        match self.data() {
            Data::Cpu(x) => Ok(Cow::Borrowed(x)),
            Data::Cuda(_) => self.to_vec().map(Cow::Owned),
        }
    }

    /// Whether the shapes are one, and `equal` holds at every place.
    fn is_everywhere(&self, other: &Self, equal: impl Fn(T, T) -> bool) -> bool {
        if self.shape != other.shape {
            return false;
        }
        match (self.elements(), other.elements()) {
            (Ok(a), Ok(b)) => a.iter().zip(b.iter()).all(|(&a, &b)| equal(a, b)),
            _ => false,
        }
    }
}

/// Equal shapes and elements, on whatever devices (`torch.equal`): NaN equals nothing, and a tensor that cannot be read, as
/// its device's earlier work failed, is equal to none.
impl<T: Element> PartialEq for Tensor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_everywhere(other, |a, b| a == b)
    }
}

/// `|a - b| <= epsilon` at every place of two tensors of one shape, on whatever devices.
///
/// Elements compare in f32, as `approx` compares those: NaN is near nothing. A tensor that cannot be read, as its device's
/// earlier work failed, is near none. By default `epsilon` is `T`'s own, [`Float::EPSILON`].
impl<T: Float> AbsDiffEq for Tensor<T> {
    type Epsilon = f32;

    fn default_epsilon() -> f32 {
        T::EPSILON
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: f32) -> bool {
        self.is_everywhere(other, |a, b| a.to_f32().abs_diff_eq(&b.to_f32(), epsilon))
    }
}

/// Like [`AbsDiffEq`], or else `|a - b| <= max_relative * max(|a|, |b|)`; an infinity equals itself.
///
/// ```
/// use approx::assert_relative_eq;
/// use warpsmith::{Device, Generator, Tensor};
///
/// let mut generator = Generator::manual_seed(1);
/// let x = Tensor::<f32>::randn(&[64, 100], &mut generator, &Device::Cpu)?;
/// let on_cpu = x.softmax()?;
/// let on_gpu = x.to(&Device::best())?.softmax()?;
/// assert_relative_eq!(on_gpu, on_cpu, max_relative = 1e-5);
/// # Ok::<(), warpsmith::Error>(())
/// ```
impl<T: Float> RelativeEq for Tensor<T> {
    fn default_max_relative() -> f32 {
        T::EPSILON
    }

    fn relative_eq(&self, other: &Self, epsilon: f32, max_relative: f32) -> bool {
        self.is_everywhere(other, |a, b| {
            a.to_f32().relative_eq(&b.to_f32(), epsilon, max_relative)
        })
    }
}

/// Like [`AbsDiffEq`], or else of one sign and at most `max_ulps` values of `T` apart.
impl<T: Float> UlpsEq for Tensor<T> {
    fn default_max_ulps() -> u32 {
        f32::default_max_ulps()
    }

    fn ulps_eq(&self, other: &Self, epsilon: f32, max_ulps: u32) -> bool {
        self.is_everywhere(other, |a, b| {
            let (x, y) = (a.to_f32(), b.to_f32());
            // false where one is NaN, whose sign is NaN
            let one_sign = x.signum() == y.signum();
            x.abs_diff_eq(&y, epsilon)
                || one_sign && a.bits().abs_diff(b.bits()) <= u64::from(max_ulps)
        })
    }
}
