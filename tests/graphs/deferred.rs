//! The same where streams do nothing before somebody waits for them: this program runs itself again on the emulator's mode
//! for that. Whatever takes the host's memory for read or written too early is wrong there.

use std::process::Command;

use warpsmith::{Device, Result, Tensor};

/// What the mode runs again: copies, graphs whose values change from replay to replay, memory that is used again.
const AGAIN: [&str; 7] = [
    "round_trips",
    "every_optimizer",
    "a_rate_that_changes",
    "dropout_takes_the_next_mask",
    "steps_between_replays",
    "memory_is_used_again",
    "writes_go_where_the_graph_reads",
];

/// The host's memory is nobody's when a copy returns, small or large.
pub fn round_trips(device: &Device) -> Result<()> {
    for n in [1, 100, 100_000] {
        let mut host: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let wanted = host.clone();
        let mut there = Tensor::from_slice(&host, &[n], device)?;
        host.fill(-1.0);
        assert_eq!(there.to_vec()?, wanted);
        let cpu = Tensor::from_slice(&wanted, &[n], &Device::Cpu)?;
        let moved = cpu.to(device)?;
        drop(cpu);
        assert_eq!(moved.mul(2.0)?.to_vec()?[n - 1], 2.0 * (n - 1) as f32);
        there.copy_from_slice(&host)?;
        host.fill(0.0);
        assert_eq!(there.to_vec()?, vec![-1.0; n]);
        assert_eq!(there.to(&Device::Cpu)?.to_vec()?, vec![-1.0; n]);
    }
    Ok(())
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn streams_that_wait() {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("--exact")
        .args(AGAIN)
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CUDA_EMULATOR_STREAMS", "deferred")
        .output()
        .unwrap();
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let text = text.concat();
    assert!(output.status.success(), "{text}");
    let passed = format!("test result: ok. {} passed", AGAIN.len());
    assert!(text.contains(&passed), "{text}");
}
