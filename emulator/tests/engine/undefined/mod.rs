//! Values that nobody has written, through each kind of instruction: what becomes of them is undefined too, and nothing else
//! is; where something other than a value depends on them it is told.

mod warp;

use super::*;

const THREADS: u32 = 32;

/// `a` has a word for each lane, of which those of `LANES` are unwritten: `%r10`. `%r11` is defined everywhere.
const LANES: std::ops::Range<u32> = 5..8;
const BEGIN: &str = ".shared .align 128 .b8 s[4096];\n\
    ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd3, %r1, 4;\n\
    add.u64 %rd1, %rd1, %rd3; mul.wide.u32 %rd4, %r1, 16; add.u64 %rd4, %rd2, %rd4; mov.u32 %r2, s; shl.b32 %r3, %r1, 2;\n\
    add.u32 %r3, %r2, %r3; mov.u32 %r12, 0; mov.u32 %r13, 0; mov.u32 %r14, 0;\n\
    ld.global.u32 %r10, [%rd1]; add.u32 %r11, %r1, 1;\n";
/// What is in `%r20` goes to the host.
const END: &str = "\nst.global.u32 [%rd4], %r20;";

struct Run {
    device: Device,
    b: u64,
    outcome: Result<(), Fault>,
}

fn run(text: &str) -> Run {
    // `stmatrix` is Hopper's
    let device = Device::body_for("sm_90", &format!("{BEGIN}{text}{END}"));
    let a = device.memory.alloc(4 * 32).unwrap();
    for lane in (0..32).filter(|lane| !LANES.contains(lane)) {
        let at = a + u64::from(4 * lane);
        device.memory.write(at, &lane.to_le_bytes()).unwrap();
    }
    let b = device.upload(&[0u8; 16 * 32]);
    let outcome = device.run(THREADS, [a, b, 0], 0);
    Run { device, b, outcome }
}

/// The lanes whose word of `b` is undefined.
fn lanes(text: &str) -> Vec<u32> {
    let run = run(text);
    run.outcome
        .unwrap_or_else(|fault| panic!("{text}\n{fault}"));
    let word = |lane: &u32| run.device.memory.undefined(run.b + u64::from(16 * lane), 4);
    (0..32).filter(|lane| word(lane).is_some()).collect()
}

fn own() -> Vec<u32> {
    LANES.collect()
}

#[test]
fn what_is_computed_lane_by_lane() {
    for text in [
        "mov.b32 %r20, %r10;",
        "add.u32 %r20, %r11, %r10;",
        "mad.lo.u32 %r20, %r11, %r11, %r10;",
        "cvt.rn.f32.u32 %f1, %r10; add.f32 %f2, %f1, %f1; cvt.rzi.u32.f32 %r20, %f2;",
        "cvt.u64.u32 %rd9, %r10; shl.b64 %rd9, %rd9, 3; cvt.u32.u64 %r20, %rd9;",
        "cvt.u16.u32 %rs1, %r10; mov.b32 %r20, {%rs1, %rs1};",
        "lop3.b32 %r20, %r11, %r11, %r10, 150;",
        "setp.lt.u32 %p1, %r10, 3; selp.u32 %r20, 1, 2, %p1;",
        "setp.lt.u32 %p1, %r10, 3; setp.lt.u32 %p2, %r11, 90; and.pred %p3, %p1, %p2; selp.u32 %r20, 1, 2, %p3;",
        "setp.lt.u32 %p1, %r10, 3; not.pred %p3, %p1; selp.u32 %r20, 1, 2, %p3;",
        // under a predicate that is undefined, whether it holds or not
        "setp.eq.u32 %p1, %r10, 99; mov.u32 %r20, 1; @%p1 mov.u32 %r20, 2;",
        "setp.ne.u32 %p1, %r10, 99; mov.u32 %r20, 1; @%p1 add.u32 %r20, %r1, 2;",
        "setp.lt.u32 %p1, %r10, 3; setp.gt.u32 %p2, %r11, 90; or.pred %p3, %p2, %p1; selp.u32 %r20, 1, 2, %p3;",
        "add.cc.u32 %r20, %r10, 1; addc.u32 %r20, 0, 0;",
    ] {
        assert_eq!(lanes(text), own(), "{text}");
    }
    for text in [
        "mov.b32 %r20, %r11;",
        "mov.b32 %r20, %r10; mov.b32 %r20, %r11;",
        "setp.lt.u32 %p1, %r11, 99; selp.u32 %r20, %r11, %r10, %p1;",
        "setp.lt.u32 %p1, %r10, 3; setp.gt.u32 %p2, %r11, 90; and.pred %p3, %p1, %p2; selp.u32 %r20, 1, 2, %p3;",
        "setp.lt.u32 %p1, %r10, 3; setp.lt.u32 %p2, %r11, 90; or.pred %p3, %p2, %p1; selp.u32 %r20, 1, 2, %p3;",
        // only where it is defined
        "setp.lt.u32 %p1, %r11, 6; mov.u32 %r20, 1; @%p1 mov.u32 %r20, %r10;",
    ] {
        assert_eq!(lanes(text), [0u32; 0], "{text}");
    }
}

#[test]
fn what_goes_through_memory() {
    let next: Vec<u32> = LANES.map(|lane| lane - 1).collect();
    for (text, expected) in [
        (
            "st.shared.u32 [%r3], %r10; bar.warp.sync -1; ld.shared.u32 %r20, [%r3+4]; setp.eq.u32 %p1, %r1, 31; selp.u32 %r20, 0, %r20, %p1;",
            next,
        ),
        (
            "st.shared.u32 [%r3], %r10; st.shared.u32 [%r3], %r11; ld.shared.u32 %r20, [%r3];",
            vec![],
        ),
        // a byte of the word
        (
            "st.shared.u32 [%r3], %r11; st.shared.u8 [%r3+1], %r10; ld.shared.u32 %r20, [%r3];",
            own(),
        ),
        (
            "st.shared.u32 [%r3], %r10; ld.shared.u32 %r20, [%r3+128]; mov.u32 %r20, 1;",
            vec![],
        ),
        (
            "st.shared.u32 [%r3], %r11; atom.shared.add.u32 %r20, [%r3], %r10; ld.shared.u32 %r20, [%r3];",
            own(),
        ),
        (
            "st.shared.u32 [%r3], %r10; atom.shared.exch.b32 %r20, [%r3], %r11; ld.shared.u32 %r20, [%r3];",
            vec![],
        ),
        (
            "st.shared.u32 [%r3], %r10; atom.shared.exch.b32 %r20, [%r3], %r11;",
            own(),
        ),
        (
            ".local .align 4 .b8 l[16]; st.local.u32 [l+4], %r10; ld.local.u32 %r20, [l+4];",
            own(),
        ),
        (
            ".local .align 4 .b8 l[16]; st.local.u32 [l+4], %r10; st.local.u32 [l], %r11; ld.local.u32 %r20, [l];",
            vec![],
        ),
        (
            "shl.b32 %r4, %r1, 3; add.u32 %r4, %r4, %r2; st.shared.v2.u32 [%r4], {%r10, %r11}; ld.shared.u32 %r20, [%r4+4];",
            vec![],
        ),
        // generic, and through the memory that the host reads
        (
            "cvt.u64.u32 %rd9, %r3; cvta.shared.u64 %rd9, %rd9; st.u32 [%rd9], %r10; ld.u32 %r20, [%rd9];",
            own(),
        ),
        (
            "st.global.u32 [%rd4+8], %r10; ld.global.u32 %r20, [%rd4+8];",
            own(),
        ),
        (
            "st.global.u32 [%rd4+8], %r10; st.global.u32 [%rd4+8], %r11; ld.global.u32 %r20, [%rd4+8];",
            vec![],
        ),
        (
            "red.global.add.u32 [%rd4+8], %r10; ld.global.u32 %r20, [%rd4+8];",
            own(),
        ),
        // by one instruction, first undefined and then not
        (
            "mov.b32 %r15, %r10; mov.u32 %r16, 0; L: st.global.u32 [%rd4+4], %r15; mov.b32 %r15, %r11; add.u32 %r16, %r16, 1; \
             setp.lt.u32 %p1, %r16, 2; @%p1 bra L; ld.global.u32 %r20, [%rd4+4];",
            vec![],
        ),
        // asynchronously, words of which some are unwritten
        (
            "cp.async.ca.shared.global [%r3], [%rd1], 4; cp.async.wait_all; ld.shared.u32 %r20, [%r3];",
            own(),
        ),
        (
            "cp.async.ca.shared.global [%r3], [%rd1], 4, 0; cp.async.wait_all; ld.shared.u32 %r20, [%r3];",
            vec![],
        ),
    ] {
        assert_eq!(lanes(text), expected, "{text}");
    }
}

#[test]
fn what_must_not_depend_on_it() {
    for (text, how) in [
        (
            "setp.lt.u32 %p1, %r10, 3; @%p1 bra L; mov.u32 %r20, 1; L:",
            "decides where a thread goes",
        ),
        (
            "cvt.u64.u32 %rd9, %r10; add.u64 %rd9, %rd9, %rd2; ld.global.u8 %r20, [%rd9];",
            "decides the address of a load",
        ),
        (
            "add.u32 %r20, %r10, %r2; st.shared.u8 [%r20], 1;",
            "decides the address of a store",
        ),
        (
            "and.b32 %r20, %r10, 0; add.u32 %r20, %r20, %r2; red.shared.add.u32 [%r20], 1;",
            "decides the address of an atomic",
        ),
        (
            "setp.lt.u32 %p1, %r10, 3; @%p1 st.shared.u32 [%r3], 1;",
            "decides whether an instruction runs",
        ),
        (
            "setp.lt.u32 %p1, %r10, 3; bar.red.popc.u32 %r20, 0, %p1;",
            "decides what a barrier does",
        ),
        (
            "ts: .branchtargets L, M; and.b32 %r20, %r10, 0; brx.idx %r20, ts; L: M:",
            "decides where a thread goes",
        ),
    ] {
        let fault = run(text).outcome.expect_err(text);
        for said in [
            "Uninitialized __global__ memory read of size 4",
            "thread (5,0,0)",
            how,
        ] {
            assert!(
                fault.report.contains(said),
                "{text}: {said:?} is not in\n{fault}"
            );
        }
    }
}

#[test]
fn the_host_reads_some_memory_without_asking() {
    let device = Device::body(&format!("{BEGIN} mov.u32 %r20, %r10; {END}"));
    let a = device.memory.alloc(4 * 32).unwrap();
    let b = device.upload(&[0u8; 16 * 32]);
    device.memory.share_with_host(b).unwrap();
    let fault = device.run(THREADS, [a, b, 0], 0).unwrap_err();
    let how = "decides what is stored where the host reads without asking";
    assert!(fault.report.contains(how), "{fault}");
    device.memory.write(a, &[0; 4 * 32]).unwrap();
    device
        .run(THREADS, [a, b, 0], 0)
        .unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn a_function_is_handed_it_and_gives_it_back() {
    let calls = |functions: &[&str], argument: &str| {
        let call = |function: &&str| {
            format!(
                "{{ .param .b32 p; .param .b32 r; st.param.b32 [p], {argument}; call.uni (r), {function}, (p); \
                 ld.param.b32 %r20, [r]; }}"
            )
        };
        let calls: String = functions.iter().map(call).collect();
        let body = format!("{BEGIN}{calls}{END}");
        let device = Device::new(&format!(
            ".version 8.7\n.target sm_80\n.address_size 64\n\
             .func (.param .b32 r) twice(.param .b32 p)\n{{\n.reg .b32 %x; ld.param.b32 %x, [p]; add.u32 %x, %x, %x; st.param.b32 [r], %x; ret;\n}}\n\
             .func (.param .b32 r) sum(.param .b32 p)\n{{\n.reg .b32 %x; mov.u32 %x, 1; add.u32 %x, %x, 2; add.u32 %x, %x, 4; add.u32 %x, %x, 8; add.u32 %x, %x, 16; st.param.b32 [r], %x; ret;\n}}\n\
             .visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n{{\n\
             .reg .b32 %r<80>; .reg .b64 %rd<40>;\n{body}\n}}\n"
        ));
        let (a, b) = (
            device.memory.alloc(4 * 32).unwrap(),
            device.upload(&[0u8; 16 * 32]),
        );
        device
            .run(THREADS, [a, b, 0], 0)
            .unwrap_or_else(|fault| panic!("{fault}"));
        device.memory.undefined(b, 16 * 32).is_some()
    };
    assert!(calls(&["twice"], "%r10"));
    assert!(!calls(&["twice"], "%r11"));
    assert!(!calls(&["sum"], "%r10"));
    // whose constants are where the other had what it was handed
    assert!(!calls(&["twice", "sum"], "%r10"));
}

#[test]
fn the_report_names_the_load_and_the_store() {
    let run = run("\nadd.u32 %r20, %r10, 1;\n");
    run.outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let fault = run.device.told(run.b, 16 * 32).expect("a report");
    for said in [
        "Uninitialized __global__ memory read of size 4 bytes",
        "> ld.global.u32 %r10, [%rd1]; add.u32 %r11, %r1, 1;",
        "by thread (5,0,0) in block (0,0,0)",
        "What was computed from it is stored",
        "> st.global.u32 [%rd4], %r20;",
        &format!(
            "where the host reads it: 12 bytes from 0x{:x} on",
            run.b + 16 * 5
        ),
    ] {
        assert!(fault.report.contains(said), "{said:?} is not in\n{fault}");
    }
}

/// Warps of one block and blocks of one grid: what one leaves the others find, and what they write over is defined.
#[test]
fn what_other_warps_and_blocks_leave() {
    let across = |text: &str| {
        let device = Device::body(&format!(
            ".shared .align 16 .b8 s[256]; ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; mov.u32 %r2, s;\n\
             shl.b32 %r3, %r1, 2; add.u32 %r3, %r3, %r2; setp.lt.u32 %p1, %r1, 32; setp.eq.u32 %p2, %r1, 32;\n{text}"
        ));
        let (a, b) = (device.memory.alloc(4).unwrap(), device.upload(&[0u32; 4]));
        device
            .run(64, [a, b, 0], 0)
            .unwrap_or_else(|fault| panic!("{fault}"));
        device.memory.undefined(b, 16).is_some()
    };
    // the first warp loads it and leaves it in shared memory, the second one stores it
    let hand_over =
        "@!%p1 bra L; ld.global.u32 %r5, [%rd1]; st.shared.u32 [%r3], %r5; L: bar.sync 0;";
    let take = "@!%p2 bra M; ld.shared.u32 %r6, [s+8]; st.global.u32 [%rd2], %r6; M: ret;";
    assert!(across(&format!("{hand_over} {take}")));
    let over = "@%p1 bra N; add.u32 %r7, %r3, -128; st.shared.u32 [%r7], %r1; N: bar.sync 0;";
    assert!(!across(&format!("{hand_over} {over} {take}")));
}
