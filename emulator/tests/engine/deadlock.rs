//! The check `deadlock`, on and off: the same kernels, and what becomes of them.

use super::*;
use cuda_emulator::check::FaultKind;

/// Runs two blocks of 64 threads of this body with no patience at all; `a` is a word of zero.
fn run(text: &str, deadlock: bool, time_limit: Option<u32>) -> Result<(), Fault> {
    let device = Device::body(&format!(
        "mov.u32 %r1, %tid.x; ld.param.u64 %rd1, [a];\n{text}"
    ));
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
        ..Options::default()
    };
    let params = params(&[device.upload(&[0u32; 2]), 0, 0], 0);
    launch(&kernel, &config, &params, &device.memory, &options)
}

fn no_progress(text: &str) {
    let found = run(text, true, Some(20)).unwrap_err();
    assert_eq!(found.kind, FaultKind::LaunchTimeout);
    assert!(found.report.contains("No progress"), "{}", found.report);
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
fn a_flag_that_nobody_raises() {
    no_progress("L: ld.volatile.global.u32 %r2, [%rd1]; setp.eq.u32 %p1, %r2, 0; @%p1 bra L; ret;");
}

#[test]
fn a_lock_that_nobody_gives_back() {
    // one thread has it and ends; the others write what is there already
    no_progress(
        "L: atom.global.exch.b32 %r2, [%rd1], 1; setp.ne.u32 %p1, %r2, 0; @%p1 nanosleep.u32 20; @%p1 bra L; ret;",
    );
}

#[test]
fn a_loop_inside_a_loop_goes_round_in_a_circle() {
    no_progress(
        "L: mov.u32 %r3, 0; M: add.u32 %r3, %r3, 1; setp.lt.u32 %p2, %r3, 3; @%p2 bra M; \
         ld.volatile.global.u32 %r2, [%rd1]; setp.eq.u32 %p1, %r2, 0; @%p1 bra L; ret;",
    );
}

#[test]
fn a_loop_that_counts_is_merely_slow() {
    // long enough for every warp to use up its turns many times, and yet it ends
    let long =
        "mov.u32 %r2, 0; L: add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 400000; @%p1 bra L; ret;";
    run(long, true, None).unwrap_or_else(|e| panic!("{e}"));
    run(long, false, None).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn counting_in_memory_is_progress_too() {
    // no register differs from one turn to the next: the count is gone by the time the loop jumps back
    let count = "L: setp.ne.u32 %p1, %r1, 0; @%p1 bra M; ld.volatile.global.u32 %r2, [%rd1]; add.u32 %r2, %r2, 1; \
         st.volatile.global.u32 [%rd1], %r2; M: ld.volatile.global.u32 %r2, [%rd1]; shr.u32 %r2, %r2, 20; \
         setp.eq.u32 %p1, %r2, 0; @%p1 bra L; ret;";
    run(count, true, None).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_loop_with_a_join_inside_gives_way() {
    // lanes part and meet again in each turn, and wait for another warp, or for lanes that come behind the loop
    for last in [63, 31] {
        let wait = format!(
            "setp.eq.u32 %p2, %r1, {last}; and.b32 %r2, %r1, 1; setp.eq.u32 %p3, %r2, 0; @%p2 bra F; mov.u32 %r3, 0;\n\
             L: @%p3 bra M; add.u32 %r3, %r3, 1; M: ld.volatile.global.u32 %r2, [%rd1]; setp.eq.u32 %p1, %r2, 0; @%p1 bra L; ret;\n\
             F: st.volatile.global.u32 [%rd1], 1; ret;"
        );
        run(&wait, true, Some(20)).unwrap_or_else(|e| panic!("{last}: {e}"));
    }
    let never = "and.b32 %r2, %r1, 1; setp.eq.u32 %p3, %r2, 0;\n\
         L: @%p3 bra M; mov.u32 %r3, 1; M: ld.volatile.global.u32 %r2, [%rd1]; setp.eq.u32 %p1, %r2, 0; @%p1 bra L; ret;";
    no_progress(never);
}

#[test]
fn a_count_that_only_memory_has_is_progress() {
    // a turn of the loop leaves every register as it was
    let count = "L: red.global.add.u32 [%rd1], 1; ld.volatile.global.u32 %r2, [%rd1]; setp.lt.u32 %p1, %r2, 40000000; \
         mov.u32 %r2, 0; @%p1 bra L; ret;";
    run(count, true, None).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn another_block_may_take_its_time() {
    let wait = "mov.u32 %r3, %ctaid.x; setp.eq.u32 %p2, %r3, 1; @%p2 bra W; \
         mov.u32 %r2, 0; C: add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 2000000; @%p1 bra C; \
         st.volatile.global.u32 [%rd1], 1; ret; \
         W: ld.volatile.global.u32 %r2, [%rd1]; setp.eq.u32 %p1, %r2, 0; @%p1 bra W; ret;";
    run(wait, true, None).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_time_limit_ends_an_unchecked_loop() {
    let ended = run("L: add.u32 %r2, %r1, 1; bra L;", false, Some(1)).unwrap_err();
    assert_eq!(ended.kind, FaultKind::LaunchTimeout);
    assert!(ended.report.contains("still running"), "{}", ended.report);
}
