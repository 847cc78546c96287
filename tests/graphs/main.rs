//! Captured steps: replayed they are the steps themselves, bit for bit, and what cannot be captured is an error after which
//! the device works as before.

#[path = "../common/mod.rs"]
mod common;

mod deferred;
mod errors;
mod memory;
mod precision;
mod replays;
mod run;

use warpsmith::Device;

/// A device with a stream of this test's own: other tests' work is not to be captured.
fn devices() -> Vec<Device> {
    let own = |device: Device| {
        let stream = device.as_cuda().unwrap().stream().context().new_stream();
        Device::from_stream(stream.unwrap()).unwrap()
    };
    common::devices::cuda_devices()
        .into_iter()
        .map(own)
        .collect()
}

/// Makes a test of each function, run on every device.
macro_rules! on_devices {
    ($($name:ident: $test:path,)*) => {
        $(#[test]
        #[cfg_attr(not(warpsmith_kernels), ignore = "this build holds no kernels: NVRTC was not found")]
        fn $name() {
            for device in devices() {
                $test(&device).unwrap();
            }
        })*
    };
}

on_devices! {
    round_trips: deferred::round_trips,
    every_optimizer: replays::every_optimizer,
    a_rate_that_changes: replays::a_rate_that_changes,
    a_loss_with_options: replays::a_loss_with_options,
    dropout_takes_the_next_mask: replays::dropout_takes_the_next_mask,
    a_layer_that_runs_twice: replays::a_layer_that_runs_twice,
    lenet: replays::lenet,
    every_precision: precision::every_precision,
    copies_are_made_anew: precision::copies_are_made_anew,
    a_scaled_step: precision::a_scaled_step,
    a_scaled_checkpoint: precision::a_scaled_checkpoint,
    a_scalers_first_step: precision::a_scalers_first_step,
    steps_between_replays: replays::steps_between_replays,
    a_checkpoint_loaded_between: replays::a_checkpoint_loaded_between,
    two_graphs_of_one_model: replays::two_graphs_of_one_model,
    tensors_dropped_after_the_capture: memory::tensors_dropped_after_the_capture,
    tensors_dropped_in_the_capture: memory::tensors_dropped_in_the_capture,
    results_outlive_the_graph: memory::results_outlive_the_graph,
    memory_is_used_again: memory::memory_is_used_again,
    writes_go_where_the_graph_reads: memory::writes_go_where_the_graph_reads,
    workspaces: memory::workspaces,
    the_host_waits_for_nothing: errors::the_host_waits_for_nothing,
    a_step_that_fails: errors::a_step_that_fails,
    a_step_that_panics: errors::a_step_that_panics,
    a_capture_in_a_capture: errors::a_capture_in_a_capture,
    an_optimizers_first_step: errors::an_optimizers_first_step,
    a_clone_that_shares: errors::a_clone_that_shares,
    another_thread: errors::another_thread,
    an_index_out_of_range: errors::an_index_out_of_range,
    a_stream_with_events: errors::a_stream_with_events,
    the_programs_own_capture: errors::the_programs_own_capture,
}

#[test]
fn there_is_nothing_to_capture_on_the_cpu() {
    let answer = warpsmith::CudaGraph::capture(&Device::Cpu, || Ok(()));
    let text = answer.unwrap_err().to_string();
    assert!(
        text.contains("a CUDA device") && text.contains("cpu"),
        "{text}"
    );
}
