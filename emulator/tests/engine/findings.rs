//! Faults and findings: each is reported, and its legal neighbour is not.

use super::*;
use cuda_emulator::check::FaultKind;

const SHARED: &str = ".shared .align 16 .b8 s[256];\nmov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 2; mov.u32 %r3, s; add.u32 %r4, %r3, %r2;\n\
                      xor.b32 %r5, %r2, 4; add.u32 %r5, %r3, %r5; xor.b32 %r6, %r2, 128; add.u32 %r6, %r3, %r6;\n";

fn shared(text: &str, threads: u32) -> Result<(), Fault> {
    Device::body(&format!("{SHARED}{text}")).run(threads, [0; 3], 0)
}

fn finds(text: &str, threads: u32, what: &str) {
    let fault = shared(text, threads).expect_err(what);
    assert!(fault.report.contains(what), "{what}: {}", fault.report);
}

fn legal(text: &str, threads: u32) {
    shared(text, threads).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn shared_races() {
    finds(
        "st.shared.u32 [%r4], %r1; bar.sync 0; st.shared.u32 [%r4], %r2; ld.shared.u32 %r7, [%r6];",
        64,
        "Race: __shared__",
    );
    legal(
        "st.shared.u32 [%r4], %r1; bar.sync 0; ld.shared.u32 %r7, [%r6];",
        64,
    );
    finds(
        "st.shared.u32 [%r4], %r1; bar.sync 0; ld.shared.u32 %r7, [%r6]; st.shared.u32 [%r4], %r7;",
        64,
        "Race: __shared__",
    );
    // within a warp
    finds(
        "st.shared.u32 [%r4], %r1; ld.shared.u32 %r7, [%r5];",
        32,
        "Race: __shared__ read",
    );
    legal(
        "st.shared.u32 [%r4], %r1; bar.warp.sync -1; ld.shared.u32 %r7, [%r5];",
        32,
    );
    // one value from everyone is no race, several are
    legal("st.shared.u32 [s], 7;", 64);
    finds("st.shared.u32 [s], %r1;", 64, "Race: __shared__ write");
    // bytes of one word
    legal(
        "add.u32 %r7, %r3, %r1; st.shared.u8 [%r7], %r1; bar.sync 0; ld.shared.u32 %r7, [s];",
        64,
    );
}

#[test]
fn uninitialised_reads() {
    // more of it in `undefined.rs`
    legal("ld.shared.u32 %r7, [%r4];", 32);
    finds(
        "ld.shared.u32 %r7, [%r4]; setp.eq.u32 %p1, %r7, 0; @%p1 bra L; L: ret;",
        32,
        "Uninitialized __shared__",
    );
    let d = Device::body(
        "ld.param.u64 %rd1, [a]; ld.global.u32 %r1, [%rd1]; setp.eq.u32 %p1, %r1, 0; @%p1 bra L; L: ret;",
    );
    let a = d.memory.alloc(4).unwrap();
    let fault = d.run(1, [a, 0, 0], 0).unwrap_err();
    assert!(
        fault.report.contains("Uninitialized __global__"),
        "{}",
        fault.report
    );
    let d =
        Device::body("ld.param.u64 %rd1, [a]; st.global.u32 [%rd1], 5; ld.global.u32 %r1, [%rd1];");
    let a = d.memory.alloc(4).unwrap();
    d.run(1, [a, 0, 0], 0).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn whole_warps_at_the_end_of_shared_memory() {
    let written = "st.shared.u32 [%r4], %r1; bar.sync 0;";
    for (text, outside) in [
        ("ld.shared.u32 %r7, [%r4];", None),
        ("ld.shared.u32 %r7, [%r4+4];", Some("size 4")),
        ("ld.shared.u32 %r7, [s+252];", None),
        ("ld.shared.u32 %r7, [s+256];", Some("size 4")),
        ("ld.shared.v2.u32 {%r7, %r8}, [s+248];", None),
        ("ld.shared.v2.u32 {%r7, %r8}, [s+256];", Some("size 8")),
        ("ld.shared.u32 %r7, [s+250];", Some("misaligned")),
    ] {
        let text = format!("{written} {text}");
        match outside {
            None => legal(&text, 64),
            Some(what) => finds(&text, 64, what),
        }
    }
}

#[test]
fn addresses() {
    for (text, bytes, kind, what) in [
        (
            "ld.global.u32 %r1, [%rd1+4];",
            4,
            FaultKind::IllegalAddress,
            "Invalid __global__ read of size 4",
        ),
        (
            "ld.global.u32 %r1, [%rd1+2];",
            8,
            FaultKind::MisalignedAddress,
            "is misaligned",
        ),
        (
            "st.global.v2.u32 [%rd1+4], {%r1, %r1};",
            8,
            FaultKind::MisalignedAddress,
            "write of size 8",
        ),
        (
            "ld.shared.u32 %r1, [%rd1];",
            8,
            FaultKind::IllegalAddress,
            "Invalid __shared__ read",
        ),
        (
            "ld.local.u32 %r1, [16];",
            8,
            FaultKind::IllegalAddress,
            "Invalid __local__ read",
        ),
        (
            "ld.u32 %r1, [8];",
            8,
            FaultKind::IllegalAddress,
            "Invalid __global__ read",
        ),
    ] {
        let d = Device::body(&format!("ld.param.u64 %rd1, [a]; mov.u32 %r1, 0; {text}"));
        let a = d.upload(&vec![0u8; bytes]);
        let fault = d.run(1, [a, 0, 0], 0).expect_err(text);
        assert_eq!(fault.kind, kind, "{text}: {}", fault.report);
        assert!(fault.report.contains(what), "{text}: {}", fault.report);
    }
    let d = Device::body("ld.param.u64 %rd1, [a]; ld.global.u32 %r1, [%rd1];");
    let a = d.upload(&[0u32]);
    d.memory.free(a).unwrap();
    let fault = d.run(1, [a, 0, 0], 0).unwrap_err();
    assert!(fault.report.contains("was freed"), "{}", fault.report);
}

#[test]
fn barriers() {
    let part = "setp.lt.u32 %p1, %r1, 40; @%p1 bra L; bar.sync 0; L: ret;";
    finds(part, 64, "part of the block");
    finds(
        "setp.lt.u32 %p1, %r1, 40; @%p1 bra L; bar.sync 0; bra M; L: bar.sync 0; M: ret;",
        64,
        "Divergent barrier",
    );
    finds(
        "setp.lt.u32 %p1, %r1, 32; @%p1 bra L; bar.sync 1; bra M; L: bar.sync 2; M: ret;",
        64,
        "Deadlock",
    );
    // a producer that arrives and consumers that wait
    legal(
        "setp.lt.u32 %p1, %r1, 32; @%p1 bra L; bar.sync 1, 64; ld.shared.u32 %r7, [%r6]; bra M;\n\
         L: st.shared.u32 [%r4], %r1; bar.arrive 1, 64; M: ret;",
        64,
    );
    finds(
        "setp.lt.u32 %p1, %r1, 32; @%p1 bra L; bar.sync 1, 64; ld.shared.u32 %r7, [%r6]; bra M;\n\
         L: bar.arrive 1, 64; st.shared.u32 [%r4], %r1; M: ret;",
        64,
        "shared__ ",
    );
    let flag = "L: ld.volatile.shared.u32 %r7, [s]; setp.eq.u32 %p1, %r7, 0; @!%p1 bra L;";
    let spin = shared(flag, 32).unwrap_err();
    assert!(spin.report.contains("Uninitialized"), "{}", spin.report);
    let spin = shared("L: add.u32 %r7, %r1, 1; bra L;", 32).unwrap_err();
    assert_eq!(spin.kind, FaultKind::LaunchTimeout, "{}", spin.report);
}

#[test]
fn asynchronous_copies() {
    let with = |text: &str| {
        let d = Device::body(&format!(
            "{SHARED}ld.param.u64 %rd1, [a]; mul.wide.u32 %rd2, %r1, 4; add.u64 %rd3, %rd1, %rd2;\n\
             cp.async.ca.shared.global [%r4], [%rd3], 4; cp.async.commit_group;\n{text}"
        ));
        let a = d.upload(&(0..64).collect::<Vec<u32>>());
        let out = d.upload(&[0u32; 64]);
        d.run(64, [a, out, 0], 0)
            .map(|()| d.download::<u32>(out, 64))
    };
    let store = "ld.param.u64 %rd4, [b]; add.u64 %rd4, %rd4, %rd2; st.global.u32 [%rd4], %r7;";
    let early = with(&format!(
        "bar.sync 0; ld.shared.u32 %r7, [%r4]; {store} cp.async.wait_all;"
    ))
    .unwrap_err();
    assert!(
        early.report.contains("Asynchronous copy not waited for"),
        "{}",
        early.report
    );
    let other = with(&format!(
        "cp.async.wait_group 0; ld.shared.u32 %r7, [%r5]; {store}"
    ))
    .unwrap_err();
    assert!(other.report.contains("Race"), "{}", other.report);
    let out = with(&format!(
        "cp.async.wait_group 0; bar.sync 0; ld.shared.u32 %r7, [%r6]; {store}"
    ))
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out, (0..64).map(|i| i ^ 32).collect::<Vec<u32>>());
}

#[test]
fn what_cannot_run_is_refused_at_load() {
    let memory = Arc::new(Memory::new(1 << 20));
    let load = |text: &str| {
        let ptx = format!(
            ".version 8.7\n.target sm_80\n.address_size 64\n.entry k()\n{{ .reg .b32 %r<4>; .reg .pred p;\n{text}\n}}"
        );
        Module::load(ptx.as_bytes(), NEWEST, CC, &memory)
            .map(|_| ())
            .map_err(|e| (e.line, e.kind, e.message))
    };
    assert!(load("add.u32 %r1, %r2, 1;").is_ok());
    for (text, kind, part) in [
        (
            "frobnicate.u32 %r1, %r2;",
            LoadErrorKind::Unsupported,
            "frobnicate.u32",
        ),
        (
            "add.rumpelstiltskin.u32 %r1, %r2, 1;",
            LoadErrorKind::Unsupported,
            "rumpelstiltskin",
        ),
        ("add.u32 %r1, %r9, 1;", LoadErrorKind::Unresolved, "%r9"),
        ("add.u64 %r1, %r2, 1;", LoadErrorKind::Syntax, "64 bits"),
        ("bra NOWHERE;", LoadErrorKind::Unresolved, "NOWHERE"),
        ("call f, ();", LoadErrorKind::Unresolved, "'f'"),
        ("add.u32 %r1;", LoadErrorKind::Syntax, "operands"),
        ("setp.lt.u32 p, %r1;", LoadErrorKind::Syntax, "operands"),
    ] {
        let (line, got, message) = load(text).expect_err(text);
        assert_eq!((line, got), (6, kind), "{text}: {message}");
        assert!(message.contains(part), "{text}: {message}");
    }
}
