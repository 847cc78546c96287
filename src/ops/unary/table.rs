//! The ops of one operand: a line each, here and in `cuda/unary.cu`.

use std::f32::consts::FRAC_2_SQRT_PI;

use crate::cpu::math::{self, normal_cdf, sigmoid};
use crate::cpu::vectorized;
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

/// An op: its name, and over blocks its formula and that times its derivative; with the numbers that it has.
pub struct Op {
    pub(crate) name: &'static str,
    pub(crate) forward: Forward,
    pub(crate) backward: Backward,
}

/// `y = f(x)` over blocks of one length.
type Forward = fn(&[f32], &mut [f32], [f32; 2]);
/// `dx = dy f'(x)` over blocks of one length.
type Backward = fn(&[f32], &[f32], &mut [f32], [f32; 2]);

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident $name_out:ident $name_in_place:ident $backward:ident
        ($x:ident $(, $p:ident $(, $q:ident)?)?) $formula:expr, $derivative:expr;)*) => {
        $(
            mod $name {
                use super::*;
                #[allow(unused_variables, reason = "most formulas have no numbers")]
                fn forward(x: &[f32], y: &mut [f32], numbers: [f32; 2]) {
                    unary!(@numbers numbers $($p $($q)?)?);
                    vectorized!(for (y, &$x) in y.iter_mut().zip(x) {
                        *y = $formula;
                    });
                }
                #[allow(unused_variables, reason = "some derivatives are constant")]
                fn backward(dy: &[f32], x: &[f32], dx: &mut [f32], numbers: [f32; 2]) {
                    unary!(@numbers numbers $($p $($q)?)?);
                    vectorized!(for ((dx, &dy), &$x) in dx.iter_mut().zip(dy).zip(x) {
                        *dx = dy * $derivative;
                    });
                }
                pub(super) const OP: Op = Op { name: stringify!($name), forward, backward };
            }

            impl<T: Float> Tensor<T> {
                $(#[$doc])*
                ///
                /// # Errors
                /// Whatever the device answers.
                pub fn $name(&self $(, $p: f32 $(, $q: f32)?)?) -> Result<Self> {
                    let mut out = Self::empty(self.shape(), self.device())?;
                    super::unary_out(&$name::OP, self, &mut out, unary!(@array $($p $($q)?)?))?;
                    Ok(out)
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] into `out`, of the same shape and device.")]
                ///
                /// # Errors
                /// Another shape or device.
                pub fn $name_out(&self $(, $p: f32 $(, $q: f32)?)?, out: &mut Self) -> Result<()> {
                    super::unary_out(&$name::OP, self, out, unary!(@array $($p $($q)?)?))
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] in place.")]
                ///
                /// # Errors
                /// Whatever the device answers.
                pub fn $name_in_place(&mut self $(, $p: f32 $(, $q: f32)?)?) -> Result<()> {
                    super::unary_in_place(&$name::OP, self, unary!(@array $($p $($q)?)?))
                }
            }

            #[doc = concat!("The gradient of [`Tensor::", stringify!($name), "`]'s input: `dy` times the derivative at `x`.")]
            ///
            /// # Errors
            /// Different shapes or devices.
            pub fn $backward<T: Float>(
                dy: &Tensor<T>,
                x: &Tensor<T>
                $(, $p: f32 $(, $q: f32)?)?
            ) -> Result<Tensor<T>> {
                super::unary_backward(&$name::OP, dy, x, unary!(@array $($p $($q)?)?))
            }
        )*

        /// All of them.
        pub(super) const OPS: &[Op] = &[$($name::OP),*];
        /// The kernels: for each op forward and backward of each float.
        pub const KERNELS: &[&str] = &[$(
            concat!("unary_", stringify!($name), "_f32"),
            concat!("unary_", stringify!($name), "_f16"),
            concat!("unary_", stringify!($name), "_bf16"),
            concat!("unary_", stringify!($name), "_backward_f32"),
            concat!("unary_", stringify!($name), "_backward_f16"),
            concat!("unary_", stringify!($name), "_backward_bf16"),
        )*];
    };
    (@numbers $numbers:ident $($name:ident)*) => {
        let [$($name,)* ..] = $numbers;
    };
    (@array) => { [0.0; 2] };
    (@array $p:ident) => { [$p, 0.0] };
    (@array $p:ident $q:ident) => { [$p, $q] };
}

unary! {
    /// `-x`.
    neg neg_out neg_ neg_backward(x) -x, DOWN;
    /// The magnitude of `x`.
    abs abs_out abs_ abs_backward(x) x.abs(), sign(x);
    /// -1, 0 or 1 as `x` is below, at or above 0; 0 for NaN, as in PyTorch.
    sign sign_out sign_ sign_backward(x) sign(x), 0.0;
    /// `√x`; NaN below 0.
    sqrt sqrt_out sqrt_ sqrt_backward(x) x.sqrt(), 0.5 / x.sqrt();
    /// `1 / √x`.
    rsqrt rsqrt_out rsqrt_ rsqrt_backward(x) 1.0 / x.sqrt(), -0.5 / (x * x.sqrt());
    /// `x²`.
    square square_out square_ square_backward(x) x * x, 2.0 * x;
    /// `1 / x`.
    reciprocal reciprocal_out reciprocal_ reciprocal_backward(x) 1.0 / x, -1.0 / (x * x);
    /// `eˣ`.
    exp exp_out exp_ exp_backward(x) math::exp(x), math::exp(x);
    /// `eˣ - 1`, exact near 0.
    expm1 expm1_out expm1_ expm1_backward(x) x.exp_m1(), math::exp(x);
    /// The natural logarithm; NaN below 0.
    log log_out log_ log_backward(x) math::ln(x), 1.0 / x;
    /// `log(1 + x)`, exact near 0.
    log1p log1p_out log1p_ log1p_backward(x) x.ln_1p(), 1.0 / (1.0 + x);
    /// The sine of `x` radians.
    sin sin_out sin_ sin_backward(x) x.sin(), x.cos();
    /// The cosine of `x` radians.
    cos cos_out cos_ cos_backward(x) x.cos(), -x.sin();
    /// The tangent of `x` radians.
    tan tan_out tan_ tan_backward(x) x.tan(), 1.0 + x.tan() * x.tan();
    /// The angle in [-π/2, π/2] whose sine is `x`.
    asin asin_out asin_ asin_backward(x) x.asin(), 1.0 / ((1.0 - x) * (1.0 + x)).sqrt();
    /// The angle in [0, π] whose cosine is `x`.
    acos acos_out acos_ acos_backward(x) x.acos(), -1.0 / ((1.0 - x) * (1.0 + x)).sqrt();
    /// The angle in (-π/2, π/2) whose tangent is `x`.
    atan atan_out atan_ atan_backward(x) x.atan(), 1.0 / (1.0 + x * x);
    /// The hyperbolic sine.
    sinh sinh_out sinh_ sinh_backward(x) x.sinh(), x.cosh();
    /// The hyperbolic cosine.
    cosh cosh_out cosh_ cosh_backward(x) x.cosh(), x.sinh();
    /// The error function, `2 / √π ∫ e^(-t²) dt` from 0 to `x`.
    erf erf_out erf_ erf_backward(x) math::erf(x), FRAC_2_SQRT_PI * math::exp(-x * x);
    /// The next integer below or at `x`.
    floor floor_out floor_ floor_backward(x) x.floor(), 0.0;
    /// The next integer above or at `x`.
    ceil ceil_out ceil_ ceil_backward(x) x.ceil(), 0.0;
    /// The nearest integer, ties to even.
    round round_out round_ round_backward(x) x.round_ties_even(), 0.0;
    /// The integer next to `x` on the side of 0.
    trunc trunc_out trunc_ trunc_backward(x) x.trunc(), 0.0;
    /// `x - trunc(x)`.
    frac frac_out frac_ frac_backward(x) x - x.trunc(), 1.0;
    /// `x Φ(x)`, Φ the normal distribution's (`torch.nn.functional.gelu`, not its approximation by tanh).
    gelu gelu_out gelu_ gelu_backward(x) x * normal_cdf(x), normal_cdf(x) + x * normal_pdf(x);
    /// `x sigmoid(x)` (`torch.nn.functional.silu`).
    silu silu_out silu_ silu_backward(x) x * sigmoid(x), sigmoid(x) * (1.0 + x * sigmoid(-x));
    /// `log(1 + eˣ)` (`torch.nn.functional.softplus`).
    softplus softplus_out softplus_ softplus_backward(x) softplus_of(x), sigmoid(x);
    /// `x`, below 0 times `negative_slope` (`torch.nn.functional.leaky_relu`, 0.01 there).
    leaky_relu leaky_relu_out leaky_relu_ leaky_relu_backward(x, negative_slope)
        if x < 0.0 { negative_slope * x } else { x }, if x > 0.0 { 1.0 } else { negative_slope };
    /// `x`, below 0 `alpha (eˣ - 1)` (`torch.nn.functional.elu`, 1 there).
    elu elu_out elu_ elu_backward(x, alpha)
        if x < 0.0 { alpha * x.exp_m1() } else { x }, if x > 0.0 { 1.0 } else { alpha * math::exp(x) };
    /// `x`, but `min` below that and `max` above that (`torch.clamp`); `max` where `min` is larger.
    clamp clamp_out clamp_ clamp_backward(x, min, max)
        clamp_of(x, min, max), if x < min || x > max { 0.0 } else { 1.0 };
}

/// The slope of `-x`.
const DOWN: f32 = -1.0;

#[inline(always)]
fn sign(x: f32) -> f32 {
    f32::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}

#[inline(always)]
fn normal_pdf(x: f32) -> f32 {
    0.398_942_3 * math::exp(-0.5 * x * x)
}

#[inline(always)]
fn softplus_of(x: f32) -> f32 {
    let above = if x > 0.0 || x.is_nan() { x } else { 0.0 };
    above + math::exp(-x.abs()).ln_1p()
}

#[inline(always)]
fn clamp_of(x: f32, min: f32, max: f32) -> f32 {
    let above = if x < min { min } else { x };
    if above > max { max } else { above }
}
