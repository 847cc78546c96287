//! The CPU sides, which judge the kernels, judged themselves: against naive loops in f64 and, for gradients,
//! against central differences. (Published vectors: `tests/conformance`.)

#[path = "../common/mod.rs"]
mod common;

mod adaptive_avg_pool2d;
mod alexnet;
mod argmax;
mod batch_norm2d;
mod binary;
mod conv2d;
mod cross_entropy;
mod display;
mod dropout;
mod elementwise;
mod gradients;
mod index;
mod large;
mod layers;
mod lr_scheduler;
mod lrn;
mod matmul;
mod nn;
mod optimizers;
mod pool2d;
mod precision;
mod random;
mod reduce;
mod relu;
mod resnet18;
mod shape;
mod sigmoid;
mod softmax;
mod sum;
mod tanh;
mod threads;
mod transpose;
mod unary;
mod winograd;
