//! `cargo bench`: every op on the CPU and on CUDA side by side, outputs preallocated.
//!
//! Throughput counts each input byte read once and each output byte written once, or the FLOP of a matmul. CUDA is
//! left out where there is no GPU: a time from the emulated driver is not a measurement.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use warpsmith::{Device, Element, Float, Generator, Tensor};

mod batch_norm2d;
mod conv2d;
mod dropout;
mod elementwise;
mod lrn;
mod matmul;
mod optimizers;
mod pool2d;
mod reductions;
mod relu;
mod sigmoid;
mod softmax;
mod tanh;
mod transpose;

/// The CPU and, if one works, the first GPU.
fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu];
    match Device::best() {
        Device::Cpu => {}
        best if best.is_emulated() => eprintln!("no CUDA benches: {best} is not hardware"),
        best => devices.push(best),
    }
    devices
}

/// A kind of device as it stands in a benchmark's name.
fn label(device: &Device) -> &'static str {
    device.as_cuda().map_or("cpu", |_| "cuda")
}

/// Bytes of tensors that are read or written once each.
fn bytes<T: Element>(elements: usize) -> Throughput {
    Throughput::Bytes((elements * size_of::<T>()) as u64)
}

/// Normal values on a device.
fn randn<T: Float>(shape: &[usize], device: &Device) -> Tensor<T> {
    Tensor::randn(shape, &mut Generator::manual_seed(1), device).unwrap()
}

/// Times `work` and the wait for it. On CUDA a sample queues many launches before it waits once.
fn time(
    group: &mut BenchmarkGroup<WallTime>,
    device: &Device,
    shape: &str,
    mut work: impl FnMut(),
) {
    group.bench_function(BenchmarkId::new(label(device), shape), |bencher| {
        bencher.iter_custom(|iterations| {
            device.synchronize().unwrap();
            let start = std::time::Instant::now();
            (0..iterations).for_each(|_| work());
            device.synchronize().unwrap();
            start.elapsed()
        });
    });
}

fn group<'a>(criterion: &'a mut Criterion, op: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(op);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group
}

criterion_group! {
    name = ops;
    // pictures need fonts, which not every machine has
    config = Criterion::default().without_plots();
    targets =
        batch_norm2d::bench,
        conv2d::bench,
        dropout::bench,
        elementwise::bench,
        lrn::bench,
        matmul::bench,
        optimizers::bench,
        pool2d::bench,
        reductions::bench,
        relu::bench,
        sigmoid::bench,
        softmax::bench,
        tanh::bench,
        transpose::bench
}
criterion_main!(ops);
