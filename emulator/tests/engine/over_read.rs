//! Vector loads that leave an allocation with elements that nobody reads, and what happens with bounds unchecked.

use super::*;
use cuda_emulator::check::take_notes;

/// Threads load two neighbours of 16 bytes each, from `a` on, and sum what `uses` says.
fn sum(load: &str, uses: &[u32]) -> Device {
    let sum: String = uses
        .iter()
        .map(|n| format!("add.f32 %f10, %f10, %f{n};\n"))
        .collect();
    Device::body(&format!(
        "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; mov.f32 %f10, 0f00000000;\n\
         mul.wide.u32 %rd3, %r1, 16; add.u64 %rd1, %rd1, %rd3; mul.wide.u32 %rd3, %r1, 4; add.u64 %rd2, %rd2, %rd3;\n\
         {load}\n{sum}st.global.f32 [%rd2], %f10; ret;"
    ))
}

const VECTOR: &str = "ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];";

#[test]
fn elements_past_the_end_may_be_loaded_if_nobody_reads_them() {
    for load in [VECTOR, "ld.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];"] {
        let d = sum(load, &[1, 2, 3]);
        let out = d.upload(&[0f32; 2]);
        let a = d.upload(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        d.run(2, [a, out, 0], 0).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(d.download::<f32>(out, 2), [6.0, 18.0]);
        // two elements past the end, of which the first is read
        let short = d.upload(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let fault = d.run(2, [short, out, 0], 0).unwrap_err();
        assert!(fault.report.contains("out of bounds"));
        // nothing of the vector is inside
        let none = d.upload(&[1f32, 2.0, 3.0, 4.0]);
        assert!(d.run(2, [none, out, 0], 0).is_err());
    }
    let said = take_notes().join("\n");
    assert!(
        said.contains("note: k, PTX line") && said.contains("past the end"),
        "{said}"
    );
}

#[test]
fn an_element_that_is_read_must_be_inside() {
    for (load, uses) in [
        (VECTOR, [1, 2, 4]),
        // behind the loop's end, or in one branch only, is read too
        (
            "L: ld.global.v4.f32 {%f1, %f2, %f3, %f5}, [%rd1]; add.f32 %f4, %f4, %f5;",
            [1, 2, 3],
        ),
        (
            "ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1]; setp.eq.u32 %p1, %r1, 77; @%p1 st.global.f32 [%rd2], %f4;",
            [1, 2, 3],
        ),
    ] {
        let d = sum(load, &uses);
        let (out, a) = (d.upload(&[0f32; 2]), d.upload(&[1f32; 7]));
        let fault = d.run(2, [a, out, 0], 0).expect_err(load);
        assert!(fault.report.contains("Invalid __global__ read"), "{fault}");
    }
}

#[test]
fn stores_and_halves_of_their_own_stay_faults() {
    let d = sum(
        "mov.f32 %f1, 0f3F800000; st.global.v4.f32 [%rd1], {%f1, %f1, %f1, %f1};",
        &[],
    );
    let (out, a) = (d.upload(&[0f32; 2]), d.upload(&[1f32; 7]));
    assert!(d.run(2, [a, out, 0], 0).is_err());
    let d = sum("ld.global.f32 %f1, [%rd1+12];", &[]);
    assert!(d.run(2, [a, out, 0], 0).is_err());
}

#[test]
fn elements_that_nobody_reads_may_be_unwritten() {
    let run = |uses: &[u32]| {
        let d = sum(VECTOR, uses);
        let out = d.upload(&[0f32; 2]);
        let a = d.memory.alloc(32).unwrap();
        d.memory.write(a, &[0; 28]).unwrap();
        d.run(2, [a, out, 0], 0).unwrap_or_else(|e| panic!("{e}"));
        d.told(out, 8)
    };
    assert!(run(&[1, 2, 3]).is_none());
    let fault = run(&[4]).expect("a fault");
    assert!(fault.report.contains("Uninitialized __global__"), "{fault}");
}

#[test]
fn shared_elements_that_nobody_reads_may_be_unwritten_too() {
    let run = |last: &str| {
        Device::body(&format!(
            ".shared .align 16 .f32 s[8]; mov.f32 %f9, 0f3F800000; mov.u32 %r1, %tid.x; shl.b32 %r1, %r1, 4;\n\
             mov.u32 %r2, s; add.u32 %r1, %r1, %r2; st.shared.v2.f32 [%r1], {{%f9, %f9}}; st.shared.f32 [%r1+8], %f9;\n\
             ld.shared.v4.f32 {{%f1, %f2, %f3, %f4}}, [%r1];\n\
             add.f32 %f1, %f1, {last}; ld.param.u64 %rd1, [a]; st.global.f32 [%rd1], %f1; ret;"
        ))
    };
    let read = |d: Device| {
        let out = d.upload(&[0f32]);
        d.run(2, [out, 0, 0], 0).unwrap_or_else(|e| panic!("{e}"));
        d.told(out, 4)
    };
    assert!(read(run("%f3")).is_none());
    let fault = read(run("%f4")).expect("a fault");
    assert!(fault.report.contains("Uninitialized __shared__"), "{fault}");
}

#[test]
fn without_bounds_what_there_is_memory_for_is_done() {
    let mut d = sum(VECTOR, &[1, 2, 3, 4]);
    d.checks.bounds = false;
    let out = d.upload(&[0f32; 2]);
    let a = d.upload(&[1f32; 6]);
    d.run(2, [a, out, 0], 0).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(d.download::<f32>(out, 1), [4.0]);
    // freed, and misaligned
    d.memory.free(a).unwrap();
    d.run(2, [a + 4, out, 0], 0)
        .unwrap_or_else(|e| panic!("{e}"));
    // where there is none, there is a fault and no crash
    assert!(d.run(2, [0x1000, out, 0], 0).is_err());
}
