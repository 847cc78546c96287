//! Barriers in memory, clusters, bulk copies: what is legal runs, and each fault is reported.

use super::*;

/// A kernel of this body for one block, with `bar` and `buf` in shared memory.
fn device(attributes: &str, text: &str) -> Device {
    Device::new(&format!(
        ".version 8.7\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 a, .param .u64 b, \
         .param .u64 c, .param .u32 n) {attributes}\n{{\n.reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<40>; \
         .reg .f32 %f<40>; .reg .b64 %rd<40>;\n.shared .align 8 .b64 bar[4]; .shared .align 1024 .b8 buf[4096];\n\
         mov.u32 %r1, %tid.x; mov.u32 %r2, bar; mov.u32 %r3, buf; shl.b32 %r4, %r1, 2; add.u32 %r5, %r3, %r4;\n\
         ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; cvt.u64.u32 %rd3, %r4; add.u64 %rd4, %rd2, %rd3;\n\
         setp.eq.u32 %p1, %r1, 0;\n{text}\n}}\n"
    ))
}

const INIT: &str =
    "@%p1 mbarrier.init.shared.b64 [%r2], 1; fence.mbarrier_init.release.cluster; bar.sync 0;\n";
const LOAD: &str = "@!%p1 bra W; mbarrier.arrive.expect_tx.shared.b64 _, [%r2], 256;\n\
     cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%rd1], 256, [%r2];\n";
const WAIT: &str = "W: mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0; @!%p2 bra W;\n";
const STORE: &str = "ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd4], %r6;\n";

fn run(grid: u32, threads: u32, attributes: &str, text: &str) -> Result<Vec<u32>, Fault> {
    let d = device(attributes, text);
    let a = d.upload(&(100..356).collect::<Vec<u32>>());
    let out = d.upload(&[7u32; 256]);
    d.launch("k", [grid, 1, 1], [threads, 1, 1], &params(&[a, out, a], 0))
        .map(|()| d.download(out, 256))
}

fn finds(text: &str, what: &str) {
    let fault = run(1, 64, "", text).expect_err(what);
    assert!(fault.report.contains(what), "{what}: {}", fault.report);
    assert!(fault.report.contains("PTX line"), "{}", fault.report);
}

#[test]
fn a_bulk_copy_arrives_with_its_barrier() {
    let out =
        run(1, 64, "", &format!("{INIT}{LOAD}{WAIT}{STORE}")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out[..64], (100..164).collect::<Vec<u32>>());
    // a parked wait is woken by a later arrival
    let late = "setp.ge.u32 %p3, %r1, 32; @%p3 bra W; nanosleep.u32 100; @!%p1 bra W;\n";
    let load = LOAD.replace("@!%p1 bra W;", late);
    run(1, 64, "", &format!("{INIT}{load}{WAIT}{STORE}")).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn faults_of_bulk_copies() {
    finds(&format!("{INIT}{LOAD}W: {STORE}"), "not waited for");
    finds(
        &format!(
            "{INIT}{}{WAIT}{STORE}",
            LOAD.replace("_, [%r2], 256", "_, [%r2], 512")
        ),
        "Deadlock",
    );
    finds(
        &format!(
            "{INIT}{}{WAIT}{STORE}",
            LOAD.replace("_, [%r2], 256", "_, [%r2], 128")
        ),
        "Wrong transaction count",
    );
    finds(
        &format!(
            "{INIT}{}{WAIT}{STORE}",
            LOAD.replace("[%rd1], 256,", "[%rd1], 250,")
        ),
        "no multiple of 16",
    );
    finds(
        &format!("{INIT}{}{WAIT}{STORE}", LOAD.replace("[%r3],", "[%r3+8],")),
        "misaligned",
    );
    finds(
        &format!(
            "{INIT}{}{WAIT}{STORE}",
            LOAD.replace("[%r3],", "[%r3+4000],")
        ),
        "out of bounds",
    );
    finds(&format!("{LOAD}{WAIT}{STORE}"), "before it was initialised");
    finds(
        &format!(
            "{INIT}{LOAD}{WAIT}bar.sync 0; @%p1 mbarrier.inval.shared.b64 [%r2]; bar.sync 0;\n\
         mbarrier.test_wait.parity.shared.b64 %p2, [%r2], 0;"
        ),
        "after it was invalidated",
    );
    // the second copy overwrites what others may still read
    let again = "@!%p1 bra V; mbarrier.arrive.expect_tx.shared.b64 _, [%r2], 256;\n\
         cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%rd1], 256, [%r2];\n\
         V: mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 1; @!%p2 bra V;\n";
    finds(&format!("{INIT}{LOAD}{WAIT}{STORE}{again}"), "Race");
    run(
        1,
        64,
        "",
        &format!("{INIT}{LOAD}{WAIT}{STORE} bar.sync 0; {again}"),
    )
    .unwrap_or_else(|e| panic!("{e}"));
}

const FILL: &str = "add.u32 %r7, %r1, 5; st.shared.u32 [%r5], %r7; ";
const SEND: &str = "@!%p1 bra E; cp.async.bulk.global.shared::cta.bulk_group [%rd2], [%r3], 256; cp.async.bulk.commit_group;\n";

#[test]
fn bulk_copies_out_of_shared_memory() {
    let legal = format!(
        "{FILL} fence.proxy.async.shared::cta; bar.sync 0; {SEND} cp.async.bulk.wait_group.read 0; E: ret;"
    );
    let out = run(1, 64, "", &legal).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out[..64], (5..69).collect::<Vec<u32>>());
    // the fence may come behind the barrier too
    let other = format!(
        "{FILL} bar.sync 0; @!%p1 bra E; fence.proxy.async; {SEND} cp.async.bulk.wait_group 0; E: ret;"
    );
    run(1, 64, "", &other).unwrap_or_else(|e| panic!("{e}"));
    finds(
        &legal.replace("fence.proxy.async.shared::cta;", ""),
        "Missing proxy fence",
    );
    finds(
        &legal.replace("cp.async.bulk.wait_group.read 0;", ""),
        "has not waited",
    );
    finds(&legal.replace("bar.sync 0;", ""), "Race");
    finds(
        &legal.replace(
            "cp.async.bulk.wait_group.read 0;",
            "st.shared.u32 [%r5], 1; cp.async.bulk.wait_group.read 0;",
        ),
        "still reads",
    );
    let add = legal.replace(
        "cp.async.bulk.global.shared::cta.bulk_group",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32",
    );
    assert_eq!(
        run(1, 64, "", &add).unwrap()[..64],
        (12..76).collect::<Vec<u32>>()
    );
}

#[test]
fn mbarriers_among_warps() {
    // warp 1 produces, warp 0 consumes; two phases
    let text = "@%p1 mbarrier.init.shared.b64 [%r2], 32; bar.sync 0; setp.ge.u32 %p3, %r1, 32; @%p3 bra P;\n\
        A: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r2], 0; @!%p2 bra A; ld.shared.u32 %r6, [%r5]; st.global.u32 [%rd4], %r6; ret;\n\
        P: sub.u32 %r7, %r5, 128; st.shared.u32 [%r7], %r1; mbarrier.arrive.shared.b64 %rd7, [%r2]; mbarrier.pending_count.b64 %r8, %rd7; ret;";
    let out = run(1, 64, "", text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out[..32], (32..64).collect::<Vec<u32>>());
    let relaxed = text.replace(
        "mbarrier.arrive.shared",
        "mbarrier.arrive.relaxed.cta.shared",
    );
    finds(&relaxed, "Race");
    let fewer = text.replace("[%r2], 32;", "[%r2], 33;");
    finds(&fewer, "Deadlock");
    finds(
        &text.replace("b64 %rd7, [%r2];", "b64 %rd7, [%r2], 33;"),
        "whose phase lacks",
    );
}

const CLUSTER: &str = ".reqnctapercluster 2, 1, 1";

#[test]
fn clusters_share_memory_and_barriers() {
    let text = "mov.u32 %r10, %cluster_ctarank; xor.b32 %r11, %r10, 1; mul.lo.u32 %r12, %r10, 1000; add.u32 %r12, %r12, %r1;\n\
        st.shared.u32 [%r5], %r12; barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;\n\
        mapa.shared::cluster.u32 %r13, %r5, %r11; ld.shared::cluster.u32 %r14, [%r13];\n\
        mul.wide.u32 %rd5, %r10, 256; add.u64 %rd5, %rd5, %rd4; st.global.u32 [%rd5], %r14;\n\
        barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;";
    let out = run(2, 64, CLUSTER, text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out[..64], (1000..1064).collect::<Vec<u32>>());
    assert_eq!(out[64..128], (0..64).collect::<Vec<u32>>());
    let fault = |text: &str| run(2, 64, CLUSTER, text).expect_err(text).report;
    let early = text
        .replace("%r14;\n", "%r14; ret;\n")
        .replace("mapa", "setp.eq.u32 %p4, %r10, 0; @%p4 ret; mapa");
    assert!(
        fault(&early).contains("which has ended"),
        "{}",
        fault(&early)
    );
    let lonely = text.replace(
        "st.shared",
        "setp.eq.u32 %p4, %r10, 0; @%p4 bra S; barrier.cluster.wait.aligned; S: st.shared",
    );
    assert!(
        fault(&lonely).contains("no barrier.cluster.arrive"),
        "{}",
        fault(&lonely)
    );
    let never = text.replace(
        "st.shared",
        "setp.eq.u32 %p4, %r10, 0; S: @%p4 bra S; st.shared",
    );
    assert!(fault(&never).contains("No progress"), "{}", fault(&never));
}

#[test]
fn a_remote_arrival_wakes_and_multicast_reaches_all() {
    let text = "@%p1 mbarrier.init.shared.b64 [%r2], 1; fence.mbarrier_init.release.cluster; barrier.cluster.arrive; barrier.cluster.wait;\n\
        mov.u32 %r10, %cluster_ctarank; setp.ne.u32 %p4, %r10, 0; @!%p1 bra W; mbarrier.arrive.expect_tx.shared.b64 _, [%r2], 256;\n\
        @%p4 bra W; mov.u16 %rs1, 3; cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%r3], [%rd1], 256, [%r2], %rs1;\n\
        W: mbarrier.try_wait.parity.shared.b64 %p2, [%r2], 0; @!%p2 bra W; ld.shared.u32 %r6, [%r5];\n\
        mul.wide.u32 %rd5, %r10, 256; add.u64 %rd5, %rd5, %rd4; st.global.u32 [%rd5], %r6; barrier.cluster.arrive; barrier.cluster.wait;";
    let out = run(2, 64, CLUSTER, text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out[..64], out[64..128]);
    assert_eq!(out[..64], (100..164).collect::<Vec<u32>>());
    let deadlock = text.replace("mov.u16 %rs1, 3", "mov.u16 %rs1, 1");
    let fault = run(2, 64, CLUSTER, &deadlock).unwrap_err();
    assert!(
        fault
            .report
            .contains("Deadlock: every thread of the cluster"),
        "{}",
        fault.report
    );
    assert!(
        fault.report.contains("lacks 0 arrivals and 256 bytes"),
        "{}",
        fault.report
    );
    let wake = "@%p1 mbarrier.init.shared.b64 [%r2], 1; barrier.cluster.arrive; barrier.cluster.wait; mov.u32 %r10, %cluster_ctarank;\n\
        setp.ne.u32 %p4, %r10, 0; @%p4 bra R; W: mbarrier.try_wait.parity.acquire.cluster.shared.b64 %p2, [%r2], 0; @!%p2 bra W; ld.shared.u32 %r6, [%r3];\n\
        st.global.u32 [%rd4], %r6; bra E; R: @!%p1 bra E; mapa.shared::cluster.u32 %r13, %r2, 0; mapa.shared::cluster.u32 %r15, %r3, 0;\n\
        st.shared::cluster.u32 [%r15], 77; mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r13];\n\
        E: barrier.cluster.arrive; barrier.cluster.wait;";
    assert_eq!(
        run(2, 64, CLUSTER, wake).unwrap_or_else(|e| panic!("{e}"))[..64],
        [77; 64]
    );
}

#[test]
fn other_targets_do_not_have_them() {
    let memory = Arc::new(Memory::new(1 << 20));
    let load = |target: &str, text: &str| {
        let ptx = format!(
            ".version 8.7\n.target {target}\n.address_size 64\n.entry k()\n{{ .reg .b32 %r<4>; .reg .b64 %rd<4>;\n{text}\n}}"
        );
        Module::load(ptx.as_bytes(), NEWEST, CC, &memory)
            .map(|_| ())
            .map_err(|e| e.message)
    };
    for (text, needs) in [
        ("wgmma.fence.sync.aligned;", "sm_90a"),
        ("setmaxnreg.inc.sync.aligned.u32 240;", "sm_90a"),
        ("barrier.cluster.arrive;", "sm_90"),
        ("cp.async.bulk.commit_group;", "sm_90"),
        ("fence.proxy.async;", "sm_90"),
        ("griddepcontrol.wait;", "sm_90"),
        ("mapa.u64 %rd1, %rd2, 0;", "sm_90"),
    ] {
        assert_eq!(load("sm_90a", text), Ok(()), "{text}");
        let refused =
            load(if needs == "sm_90a" { "sm_90" } else { "sm_80" }, text).expect_err(text);
        assert!(refused.contains(needs), "{refused}");
    }
    assert!(load("sm_90a", "setmaxnreg.inc.sync.aligned.u32 241;").is_err());
}

#[test]
fn each_check_has_its_switch() {
    let twice = format!("@%p1 mbarrier.init.shared.b64 [%r2], 1; bar.sync 0; {INIT}");
    finds(&twice, "was not invalidated");
    let unwaited = format!("{FILL} fence.proxy.async; bar.sync 0; {SEND} E: ret;");
    finds(&unwaited, "has not waited");
    let unfenced = format!("{FILL} bar.sync 0; {SEND} cp.async.bulk.wait_group 0; E: ret;");
    finds(&unfenced, "Missing proxy fence");
    let ended = "mov.u32 %r10, %cluster_ctarank; st.shared.u32 [%r5], %r10; barrier.cluster.arrive; barrier.cluster.wait; \
        setp.eq.u32 %p4, %r10, 0; @%p4 ret; mapa.shared::cluster.u32 %r13, %r5, 0; ld.shared::cluster.u32 %r14, [%r13];";
    assert!(
        run(2, 64, CLUSTER, ended)
            .unwrap_err()
            .report
            .contains("which has ended")
    );
    for (text, off) in [
        (twice.as_str(), "-mbarriers"),
        (&unwaited, "-async_copies"),
        (&unfenced, "-proxy_fences"),
        (ended, "-clusters"),
    ] {
        let mut d = device(CLUSTER, text);
        d.checks = Checks::parse(off).unwrap();
        let (a, out) = (d.upload(&[1u32; 256]), d.upload(&[7u32; 256]));
        d.launch("k", [2, 1, 1], [64, 1, 1], &params(&[a, out, a], 0))
            .unwrap_or_else(|e| panic!("{off}: {e}"));
    }
}
