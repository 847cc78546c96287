//! The ops. Each is one folder: `mod.rs` (formula, shapes, checks, dispatch), `cpu.rs` (its meaning, in rayon) and
//! `cuda.rs` (the binding over cudarc buffers of the kernels in `cuda/<op>.cu`).
//!
//! Forward ops are methods of [`Tensor`](crate::Tensor) with PyTorch's names. `op_` works in place, `op_out` writes
//! into a tensor made beforehand, and `op_backward` is a function here. Programs that hold cudarc buffers already
//! call `ops::<op>::cuda` directly.

pub(crate) mod activation;
pub mod adadelta;
pub mod adagrad;
pub mod adam;
pub mod adaptive_avg_pool2d;
pub mod add;
pub mod amp;
pub mod argmax;
pub mod avg_pool2d;
pub mod batch_norm2d;
pub mod bias_add;
pub mod binary;
pub mod cast;
pub mod column_sum;
pub mod compare;
pub mod conv2d;
pub mod copy;
pub mod cross_entropy;
pub mod cumsum;
pub(crate) mod dispatch;
pub mod dropout;
pub(crate) mod elementwise;
pub mod fill;
mod flatten;
pub mod index;
pub mod lrn;
pub mod matmul;
pub mod max_pool2d;
pub mod optimizer;
pub mod reduce;
pub mod relu;
pub mod rmsprop;
pub mod sgd;
mod shape;
pub mod sigmoid;
pub mod softmax;
pub(crate) mod strides;
pub mod sum;
pub mod tanh;
pub mod topk;
pub mod transpose;
pub mod unary;
pub mod where_;
mod window;

pub use activation::{Activation, activation_backward};
pub use adadelta::{AdadeltaOptions, adadelta_step, adadelta_steps};
pub use adagrad::{AdagradOptions, adagrad_step, adagrad_steps};
pub use adam::{AdamOptions, adam_amsgrad_step, adam_amsgrad_steps, adam_step, adam_steps};
pub use adaptive_avg_pool2d::{adaptive_avg_pool2d_backward, adaptive_avg_pool2d_backward_out};
pub use amp::{Growth, amp_non_finite_check, amp_unscale_, amp_update_scale_};
pub use avg_pool2d::{avg_pool2d_backward, avg_pool2d_backward_out};
pub use batch_norm2d::{
    BatchNormStats, RunningStats, batch_norm2d_backward_input, batch_norm2d_backward_input_out,
    batch_norm2d_backward_parameters, batch_norm2d_backward_parameters_out, batch_norm2d_stats,
    batch_norm2d_stats_out,
};
pub use binary::Operand;
pub use column_sum::{column_sum, column_sum_activated_out, column_sum_out};
pub use conv2d::{
    Conv2dOptions, conv2d_backward_bias, conv2d_backward_bias_activated_out,
    conv2d_backward_bias_out, conv2d_backward_input, conv2d_backward_input_out,
    conv2d_backward_weight, conv2d_backward_weight_out,
};
pub use cross_entropy::{
    CrossEntropyOptions, Reduction, cross_entropy, cross_entropy_backward,
    cross_entropy_backward_out, cross_entropy_backward_with, cross_entropy_backward_with_out,
    cross_entropy_out, cross_entropy_with, cross_entropy_with_out,
};
pub use cumsum::cumsum_backward;
pub use dropout::{DropoutOptions, dropout_backward, dropout_backward_out};
pub use index::{gather_backward, index_select_backward};
pub use lrn::{LrnOptions, local_response_norm_backward, local_response_norm_backward_out};
pub use matmul::{MatmulOptions, linear, linear_out, matmul_with, matmul_with_out};
pub use max_pool2d::{
    max_pool2d_backward, max_pool2d_backward_out, max_pool2d_with_indices,
    max_pool2d_with_indices_out,
};
pub use optimizer::{HalfCopy, Scaling, Slot};
pub use reduce::{
    amax_backward, amin_backward, logsumexp_backward, mean_dim_backward, norm_backward,
    prod_backward, std_backward, sum_dim_backward, sum_to_shape, var_backward,
};
pub use relu::{relu_backward, relu_backward_out};
pub use rmsprop::{
    RmsPropOptions, rmsprop_centered_momentum_steps, rmsprop_centered_step, rmsprop_centered_steps,
    rmsprop_momentum_steps, rmsprop_step, rmsprop_steps,
};
pub use sgd::{SgdOptions, sgd_momentum_steps, sgd_step, sgd_steps};
pub use shape::{Index, IntoIndices, cat, stack};
pub use sigmoid::{sigmoid_backward, sigmoid_backward_out};
pub use softmax::{
    log_softmax_backward, log_softmax_backward_out, softmax_backward, softmax_backward_out,
};
pub use tanh::{tanh_backward, tanh_backward_out};
pub use unary::{
    abs_backward, acos_backward, asin_backward, atan_backward, ceil_backward, clamp_backward,
    cos_backward, cosh_backward, elu_backward, erf_backward, exp_backward, expm1_backward,
    floor_backward, frac_backward, gelu_backward, leaky_relu_backward, log_backward,
    log1p_backward, neg_backward, reciprocal_backward, round_backward, rsqrt_backward,
    sign_backward, silu_backward, sin_backward, sinh_backward, softplus_backward, sqrt_backward,
    square_backward, tan_backward, trunc_backward,
};
pub use where_::where_;
pub use window::Window;
