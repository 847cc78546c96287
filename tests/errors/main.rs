//! Bad input: every public function answers with an Error that says what was expected and what came.

#[path = "../common/mod.rs"]
mod common;

mod adaptive_avg_pool2d;
mod batch_norm2d;
mod checkpoint;
mod conv2d;
mod devices;
mod driver;
mod dropout;
mod elementwise;
mod index;
mod layers;
mod lrn;
mod matmul;
mod nn;
mod optimizers;
mod pool2d;
mod precision;
mod relu;
mod rows;
mod sigmoid;
mod state;
mod tanh;
mod tensor;
mod threads;
mod transpose;

/// The error's text holds every one of these.
#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: warpsmith::Result<T>, words: &[&str]) {
    let text = result.expect_err("an Error").to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}
