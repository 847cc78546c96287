//! Hand-written CUDA kernels with safe Rust bindings, each checked against a CPU implementation.
