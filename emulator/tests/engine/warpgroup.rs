//! A warpgroup's products are one operation: whoever of its warps has waited may release what all of them read.

use super::gemm::{DEPTH, PTX, SIZE, parameters, right};
use super::*;
use cuda_emulator::exec::order::Order;
use cuda_emulator::exec::swizzle::Swizzle;

const ARRIVE: &str = "mbarrier.arrive.shared::cta.b64 _, [%r29];";
const WAIT: &str = "wgmma.wait_group.sync.aligned 0;";
const COMMIT: &str = "wgmma.commit_group.sync.aligned;";
const THREAD: &str = ".reg .b32 t, u; mov.u32 t, %tid.x;";

/// The kernel whose `empty` barriers expect `count` arrivals, which threads make where `condition` sets `p`.
fn released(count: u32, condition: &str) -> String {
    let arrive = format!("{{ .reg .pred p; {THREAD} {condition} @p {ARRIVE} }}");
    assert_eq!(PTX.matches("], 128;").count(), 2);
    let text = PTX.replace("], 128;", &format!("], {count};"));
    replaced(&text, ARRIVE, &arrive)
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

/// Runs it with warps in the order of a seed, and compares its output.
fn run(ptx: &str, seed: u64) -> Result<(), Fault> {
    let d = Device::new(ptx);
    let (params, out) = parameters(&d, Swizzle::Bytes128);
    let config = LaunchConfig {
        grid: [SIZE as u32 / 64, SIZE as u32 / 64, 1],
        block: [160, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let options = Options {
        order: (seed > 0).then_some(Order(seed)),
        patience: 2,
        ..Options::default()
    };
    let kernel = d.module.kernel("gemm").expect("kernel");
    launch(&kernel, &config, &params, &d.memory, &options)?;
    assert_eq!(d.download::<f32>(out, SIZE * SIZE), right());
    Ok(())
}

/// In the plain order of warps and in others.
fn finds(what: &str, ptx: &str, findings: &[&str]) {
    for seed in 0..6 {
        let fault = run(ptx, seed).expect_err(what);
        assert!(
            findings.iter().any(|f| fault.report.contains(f)),
            "{what}, order {seed}: {}",
            fault.report
        );
    }
}

const OF_ONE: [&str; 3] = [
    "setp.eq.u32 p, t, 0;",
    "setp.eq.u32 p, t, 77;",
    "setp.eq.u32 p, t, 127;",
];

#[test]
fn one_thread_may_release_for_all() {
    const { assert!(DEPTH > 3 * 64, "stages are filled again") };
    for seed in 0..6 {
        for one in OF_ONE {
            run(&released(1, one), seed).unwrap_or_else(|e| panic!("{one}, order {seed}: {e}"));
        }
        let of_each_warp = "and.b32 u, t, 31; setp.eq.u32 p, u, 9;";
        run(&released(4, of_each_warp), seed).unwrap_or_else(|e| panic!("order {seed}: {e}"));
    }
}

#[test]
fn a_release_before_the_wait_is_found() {
    for one in OF_ONE {
        let ptx = released(1, one);
        let early = replaced(
            &replaced(&ptx, WAIT, ""),
            ARRIVE,
            &format!("{ARRIVE} }}\n{WAIT} {{"),
        );
        finds(one, &early, &["where it still reads"]);
        // one group that is still on its way is enough
        let ptx = replaced(&ptx, WAIT, "wgmma.wait_group.sync.aligned 1;");
        finds(one, &ptx, &["where it still reads"]);
    }
}

#[test]
fn what_the_warps_read_themselves_needs_more() {
    // every thread reads a word of the stage beside the Tensor Cores, and thread 0 alone releases it
    let slot = "mov.u32 u, _ZZ4gemmE5empty; sub.u32 u, %r29, u; shl.b32 u, u, 11; mov.u32 t, _ZZ4gemmE4ring; add.u32 u, u, t; \
        ld.shared.u32 u, [u];";
    let with = |barrier: &str| {
        released(
            1,
            &format!("{slot} mov.u32 t, %tid.x; {barrier} {}", OF_ONE[0]),
        )
    };
    finds("no barrier", &with(""), &["since another thread's read"]);
    run(&with("bar.sync 1, 128;"), 0).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_four_warps_do_the_same() {
    let ptx = released(1, OF_ONE[0]);
    let warp_2 =
        "{ .reg .pred p; .reg .b32 t; mov.u32 t, %tid.x; shr.u32 t, t, 5; setp.eq.u32 p, t, 2;";
    let lacks = replaced(&ptx, COMMIT, &format!("{warp_2} @!p {COMMIT} }}"));
    finds(
        "no commit_group",
        &lacks,
        &["start different products", "Deadlock"],
    );
    let once = format!("{warp_2} @p bra L; {COMMIT} L: }}");
    let at_the_end = replaced(&ptx, COMMIT, &once).replace("ret;", "bar.sync 2; ret;");
    finds(
        "no commit_group",
        &at_the_end,
        &["start different products", "Deadlock"],
    );
    // another slice along k of B
    let product = ptx.find("wgmma.mma_async").expect("a product");
    let end = product + ptx[product..].find(';').expect("an end");
    let b = ptx[product..end].rsplit_once("}, ").expect("operands").1;
    let b = b.split(", ").nth(1).expect("a descriptor");
    let other = format!("{warp_2} @p add.u64 {b}, {b}, 2; }}\n");
    let at = ptx[..product].rfind('\n').expect("a line");
    let other = [&ptx[..at], "\n", &other, &ptx[at..]].concat();
    finds("another descriptor", &other, &["start different products"]);
}

#[test]
fn another_block_may_not_overwrite_what_is_read() {
    // block 1 sends to block 0, between two barriers of the cluster
    let kernel = |before: &str, behind: &str| {
        format!(
            ".version 8.7\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 a) .reqnctapercluster 2, 1, 1\n{{\n\
             .reg .pred %p<9>; .reg .b16 %rs<4>; .reg .b32 %r<9>; .reg .f32 %f<9>; .reg .b64 %rd<9>;\n\
             .shared .align 1024 .b8 room[4096]; .shared .align 8 .b64 bar;\n\
             mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 4; mov.u32 %r3, room; add.u32 %r2, %r2, %r3; mov.u32 %r4, bar; mov.b32 %r5, 0;\n\
             st.shared.v4.u32 [%r2], {{%r5, %r5, %r5, %r5}}; st.shared.v4.u32 [%r2+2048], {{%r5, %r5, %r5, %r5}};\n\
             mov.u32 %r6, %cluster_ctarank; setp.eq.u32 %p1, %r1, 0; setp.ne.u32 %p2, %r6, 0; setp.eq.and.u32 %p4, %r6, 0, %p1;\n\
             @%p4 mbarrier.init.shared.b64 [%r4], 1; fence.mbarrier_init.release.cluster; fence.proxy.async;\n\
             @%p4 mbarrier.arrive.expect_tx.shared.b64 _, [%r4], 256;\n\
             barrier.cluster.arrive; barrier.cluster.wait; @%p2 bra S;\n\
             mov.b32 %f1, 0f00000000; mov.b32 %f2, %f1; mov.b32 %f3, %f1; mov.b32 %f4, %f1;\n\
             shr.u32 %r2, %r3, 4; cvt.u64.u32 %rd1, %r2; or.b64 %rd1, %rd1, 68720001024; wgmma.fence.sync.aligned;\n\
             wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{%f1,%f2,%f3,%f4}}, %rd1, %rd1, 1, 1, 1, 0, 0;\n\
             {COMMIT} {before}\n\
             S: barrier.cluster.arrive; barrier.cluster.wait; @!%p2 bra M; @!%p1 bra M; mov.u16 %rs1, 1; ld.param.u64 %rd2, [a];\n\
             cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%r3], [%rd2], 256, [%r4], %rs1;\n\
             M: barrier.cluster.arrive; barrier.cluster.wait; @%p2 bra E; {behind}\n\
             W: mbarrier.try_wait.parity.shared.b64 %p3, [%r4], 0; @!%p3 bra W;\n\
             E: barrier.cluster.arrive; barrier.cluster.wait;\n}}\n"
        )
    };
    let run = |before: &str, behind: &str| {
        let d = Device::new(&kernel(before, behind));
        let a = d.upload(&[1u32; 64]);
        d.launch("k", [2, 1, 1], [128, 1, 1], &a.to_le_bytes())
    };
    run(WAIT, "").unwrap_or_else(|e| panic!("{e}"));
    let report = run("", WAIT).expect_err("too early").report;
    assert!(report.contains("where it still reads"), "{report}");
}
