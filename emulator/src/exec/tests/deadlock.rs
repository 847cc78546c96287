//! The check `deadlock`, on and off: the same kernels, and what becomes of them.

use super::*;
use crate::check::FaultKind;

/// Runs 64 threads of this body with no patience at all.
fn run(text: &str, deadlock: bool, time_limit: Option<u32>) -> Result<(), Fault> {
    let device = Device::body(&format!("mov.u32 %r1, %tid.x;\n{text}"));
    let kernel = device.module.kernel("k").expect("kernel");
    let config = LaunchConfig {
        grid: [2, 1, 1],
        block: [64, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let options = Options {
        checks: Checks {
            deadlock,
            ..Checks::ALL
        },
        patience: 0,
        time_limit,
    };
    let params = params(&[0; 3], 0);
    launch(&kernel, &config, &params, &device.memory, &options)
}

#[test]
fn nobody_can_move() {
    let apart = "setp.lt.u32 %p1, %r1, 32; @%p1 bra L; bar.sync 1; bra M; L: bar.sync 2; M: ret;";
    let found = run(apart, true, None).unwrap_err();
    assert_eq!(found.kind, FaultKind::LaunchFailed);
    assert!(found.report.contains("Deadlock"), "{}", found.report);
    let ended = run(apart, false, None).unwrap_err();
    assert_eq!(ended.kind.code(), 702);
    assert_eq!(ended.report, "");
}

#[test]
fn a_long_loop_is_given_up_only_if_checked() {
    // long enough for every warp to use up its turns, and yet it ends
    let long =
        "mov.u32 %r2, 0; L: add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 200000; @%p1 bra L; ret;";
    let found = run(long, true, None).unwrap_err();
    assert_eq!(found.kind, FaultKind::LaunchTimeout);
    assert!(found.report.contains("No progress"), "{}", found.report);
    run(long, false, None).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_time_limit_ends_an_unchecked_loop() {
    let ended = run("L: add.u32 %r2, %r1, 1; bra L;", false, Some(1)).unwrap_err();
    assert_eq!(ended.kind, FaultKind::LaunchTimeout);
    assert!(ended.report.contains("still running"), "{}", ended.report);
}
