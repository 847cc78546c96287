//! A product with everything that Hopper has for one, legal and with faults planted.

use super::*;
use cuda_emulator::exec::launch_counted;
use cuda_emulator::exec::swizzle::Swizzle;
use cuda_emulator::exec::tensor_map::TensorMap;
use cuda_emulator_counts::Class;

pub(super) const PTX: &str = include_str!("../fixtures/gemm_wgmma.ptx");
pub(super) const SIZE: usize = 128;
pub(super) const DEPTH: usize = 384;

fn value(n: usize) -> f32 {
    ((n * 2654435761) >> 7 & 7) as f32 - 3.0
}

/// The factors.
fn factors() -> [Vec<f32>; 2] {
    [0, 77].map(|from| (0..SIZE * DEPTH).map(|n| value(n + from)).collect())
}

/// The kernel's parameters, and where its output is.
pub(super) fn parameters(d: &Device, swizzle: Swizzle) -> (Vec<u8>, u64) {
    let [a, b] = factors();
    let narrow = |v: &[f32]| -> Vec<u16> { v.iter().map(|f| (f.to_bits() >> 16) as u16).collect() };
    let map = |address: u64| {
        TensorMap {
            kind: 9,
            swizzle,
            nan: false,
            address,
            sizes: vec![DEPTH as u64, SIZE as u64],
            strides: vec![2, 2 * DEPTH as u64],
            box_sizes: vec![64, 64],
            steps: vec![1, 1],
        }
        .encode()
    };
    let out = d.memory.alloc(4 * SIZE * SIZE).unwrap();
    let mut params = map(d.upload(&narrow(&a))).to_vec();
    params.extend(map(d.upload(&narrow(&b))));
    params.extend(out.to_le_bytes());
    params.extend((SIZE as u32).to_le_bytes());
    params.extend((DEPTH as u32).to_le_bytes());
    (params, out)
}

const TILES: u32 = SIZE as u32 / 64;

/// What its output must be.
pub(super) fn right() -> Vec<f32> {
    let [a, b] = factors();
    let product = (0..SIZE * SIZE).map(|n| {
        let (row, column) = (n / SIZE * DEPTH, n % SIZE * DEPTH);
        (0..DEPTH).map(|k| a[row + k] * b[column + k]).sum()
    });
    product.collect()
}

/// What the kernel left, and the right product.
fn product(ptx: &str, swizzle: Swizzle) -> Result<(Vec<f32>, Vec<f32>), Fault> {
    let d = Device::new(ptx);
    let (params, out) = parameters(&d, swizzle);
    d.launch("gemm", [TILES, TILES, 1], [160, 1, 1], &params)?;
    Ok((d.download(out, SIZE * SIZE), right()))
}

#[test]
fn the_product_is_right_and_nothing_is_found() {
    let (got, right) = product(PTX, Swizzle::Bytes128).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(got, right);
    let (got, right) = product(PTX, Swizzle::None).unwrap_or_else(|e| panic!("{e}"));
    assert_ne!(got, right, "the swizzles of copy and product must agree");
}

#[test]
fn boxes_are_counted_as_traffic() {
    let d = Device::new(PTX);
    let (params, _) = parameters(&d, Swizzle::Bytes128);
    let config = LaunchConfig {
        grid: [TILES, TILES, 1],
        block: [160, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let kernel = d.module.kernel("gemm").expect("kernel");
    let counts = launch_counted(&kernel, &config, &params, &d.memory, &Options::default())
        .unwrap_or_else(|fault| panic!("{fault}"));
    // each block brings its 64 rows of both factors; a row of a box is 128 bytes, one run
    let runs = u64::from(TILES * TILES) * (DEPTH / 64 * 2 * 64) as u64;
    let read = counts.global_read;
    assert_eq!(
        (read.requests, read.bytes, read.sectors),
        (runs, runs * 128, runs * 4)
    );
    assert_eq!(read.unique, (2 * 2 * SIZE * DEPTH) as u64);
    assert_eq!(counts.global_written.unique, (4 * SIZE * SIZE) as u64);
    assert_eq!(counts.tensor_flop, (2 * SIZE * SIZE * DEPTH) as u64);
    // in each of 6 stages of a block two copies, and of each warp a fence, a commit and a wait, however often it is tried
    let stages = u64::from(TILES * TILES) * (DEPTH / 64) as u64;
    assert_eq!(counts.instructions[&Class::AsyncCopy], stages * (2 + 4 * 3));
    assert_eq!(counts.instructions[&Class::Tensor], stages * 4 * 4);
}

#[test]
fn each_planted_fault_is_found() {
    let nth = |text: &str, n: usize| PTX.match_indices(text).nth(n).map(|m| m.0).expect("found");
    let waits = "mbarrier.try_wait.parity.shared::cta.b64 p";
    let changed = |at: usize, by: &str| {
        let end = at + PTX[at..].find(';').expect("an end") + 1;
        format!("{}{by}{}", &PTX[..at], &PTX[end..])
    };
    let mut wrong = vec![];
    for (what, ptx, finding) in [
        (
            "the producer does not wait",
            changed(nth(waits, 0), "setp.eq.u32 p, 0, 0;"),
            "whose phase lacks 0",
        ),
        (
            "the consumers do not wait",
            changed(nth(waits, 1), "setp.eq.u32 p, 0, 0;"),
            "Uninitialized __shared__",
        ),
        (
            "fewer bytes announced",
            PTX.replace("_, [%r63], 16384", "_, [%r63], 8192"),
            "not waited for",
        ),
        (
            "more bytes announced",
            PTX.replace("_, [%r63], 16384", "_, [%r63], 16400"),
            "lacks 0 arrivals and 16 bytes",
        ),
        (
            "no wgmma.fence",
            changed(nth("wgmma.fence", 0), ""),
            "no wgmma.fence before",
        ),
        (
            "no wgmma.wait_group",
            changed(nth("wgmma.wait_group", 0), ""),
            "where it still reads",
        ),
        (
            "a wait for all groups but one",
            changed(
                nth("wgmma.wait_group", 0),
                "wgmma.wait_group.sync.aligned 1;",
            ),
            "where it still reads",
        ),
        (
            "no arrival at the end of a stage",
            changed(nth("mbarrier.arrive.shared::cta.b64 _", 0), ""),
            "Deadlock",
        ),
        (
            "no mbarrier.init",
            changed(nth("mbarrier.init", 2), ""),
            "before it was initialised",
        ),
    ] {
        assert_ne!(ptx, PTX, "{what}");
        let fault = product(&ptx, Swizzle::Bytes128)
            .map(|_| ())
            .expect_err(what);
        if !fault.report.contains(finding) || !fault.report.contains("at gemm, PTX line") {
            wrong.push(format!("{what}: {}", fault.report));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn operands_of_wgmma_are_fenced_before_and_left_alone_meanwhile() {
    let kernel = |fence: &str, behind: &str| {
        format!(
            ".version 8.7\n.target sm_90a\n.address_size 64\n.visible .entry k()\n{{\n.reg .b32 %r<9>; .reg .f32 %f<9>; \
             .reg .b64 %rd<4>;\n.shared .align 1024 .b8 room[4096];\nmov.u32 %r1, %tid.x; shl.b32 %r1, %r1, 4; \
             mov.u32 %r2, room; add.u32 %r1, %r1, %r2; mov.b32 %r3, 0;\nst.shared.v4.u32 [%r1], {{%r3, %r3, %r3, %r3}}; \
             st.shared.v4.u32 [%r1+2048], {{%r3, %r3, %r3, %r3}};\n{fence} bar.sync 0;\n\
             mov.b32 %f1, 0f00000000; mov.b32 %f2, %f1; mov.b32 %f3, %f1; mov.b32 %f4, %f1;\n\
             shr.u32 %r2, %r2, 4; cvt.u64.u32 %rd1, %r2; or.b64 %rd1, %rd1, 68720001024;\n\
             wgmma.fence.sync.aligned;\nwgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{%f1,%f2,%f3,%f4}}, %rd1, %rd1, 1, 1, 1, 0, 0;\n\
             wgmma.commit_group.sync.aligned;\n{behind}\n}}\n"
        )
    };
    let wait = "wgmma.wait_group.sync.aligned 0;";
    let run = |fence: &str, behind: &str, threads: u32, checks: Checks| {
        let mut d = Device::new(&kernel(fence, behind));
        d.checks = checks;
        d.launch("k", [1, 1, 1], [threads, 1, 1], &[])
    };
    let finds = |what: &str, fence: &str, behind: &str, threads: u32, off: Checks| {
        let fault = run(fence, behind, threads, Checks::ALL).expect_err(what);
        assert!(fault.report.contains(what), "{}", fault.report);
        run(fence, behind, threads, off).unwrap_or_else(|e| panic!("{what}, switched off: {e}"));
    };
    let fence = "fence.proxy.async;";
    let (mut no_wgmma, mut no_fences) = (Checks::ALL, Checks::ALL);
    no_wgmma.wgmma = false;
    no_fences.proxy_fences = false;
    let touched = format!("{wait} add.f32 %f1, %f1, %f2;");
    run(fence, &touched, 128, Checks::ALL).unwrap_or_else(|e| panic!("{e}"));
    finds("Missing proxy fence", "", wait, 128, no_fences);
    finds("less than four warps", fence, wait, 96, no_wgmma);
    for early in [
        format!("add.f32 %f5, %f1, %f2; {wait}"),
        format!("mov.b32 %f4, %f5; {wait}"),
        format!("wgmma.wait_group.sync.aligned 1; mov.b32 %f5, %f3; {wait}"),
    ] {
        finds(
            "Register of a running wgmma touched",
            fence,
            &early,
            128,
            no_wgmma,
        );
    }
    let overwritten = format!("bar.sync 0; st.shared.u32 [room+64], %r3; {wait}");
    finds("where it still reads", fence, &overwritten, 128, no_wgmma);
}
