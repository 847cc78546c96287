//! Undefined values from lane to lane: shuffles, votes, matrices that are spread over a warp.

use super::{LANES, lanes, own};

#[test]
fn what_goes_from_lane_to_lane() {
    let down: Vec<u32> = LANES.map(|lane| lane - 2).collect();
    let all: Vec<u32> = (0..32).collect();
    for (text, expected) in [
        ("shfl.sync.down.b32 %r20, %r10, 2, 31, -1;", down),
        ("shfl.sync.idx.b32 %r20, %r10, 6, 31, -1;", all.clone()),
        ("shfl.sync.idx.b32 %r20, %r10, 3, 31, -1;", vec![]),
        ("shfl.sync.idx.b32 %r20, %r11, %r10, 31, -1;", own()),
        (
            "and.b32 %r20, %r10, 255; shfl.sync.bfly.b32 %r20, %r20, 1, 31, -1;",
            vec![4, 6, 7],
        ),
        (
            "setp.lt.u32 %p1, %r10, 3; vote.sync.ballot.b32 %r20, %p1, -1;",
            all.clone(),
        ),
        ("match.any.sync.b32 %r20, %r10, -1;", all.clone()),
        ("redux.sync.add.u32 %r20, %r10, -1;", all.clone()),
        ("redux.sync.add.u32 %r20, %r11, -1;", vec![]),
        // what other lanes have counts only where they are
        (
            "mov.u32 %r20, 0; setp.lt.u32 %p1, %r1, 4; @!%p1 bra L; redux.sync.add.u32 %r20, %r10, 15; L:",
            vec![],
        ),
    ] {
        assert_eq!(lanes(text), expected, "{text}");
    }
}

/// A register that each lane has of a matrix of 8 x 8 halves, of which row 1 (lanes 4 to 7) is partly unwritten.
#[test]
fn what_is_spread_over_matrices() {
    let row: Vec<u32> = (4..8).collect();
    let columns = |of: &[u32]| {
        (0..32)
            .filter(|lane| of.contains(&(lane / 4)))
            .collect::<Vec<u32>>()
    };
    let here = "st.shared.u32 [%r3], %r10; bar.warp.sync -1; shl.b32 %r4, %r1, 4; and.b32 %r4, %r4, 127; add.u32 %r4, %r4, %r2;";
    let written = "st.shared.u32 [%r3], %r11; bar.warp.sync -1; shl.b32 %r4, %r1, 4; and.b32 %r4, %r4, 127; add.u32 %r4, %r4, %r2;";
    let words = "shl.b32 %r4, %r1, 4; and.b32 %r4, %r4, 127; add.u32 %r4, %r4, %r2;";
    let fragment = "st.shared.u32 [%r3], %r11; st.shared.u32 [%r3+128], %r11; st.shared.u32 [%r3+256], %r11; st.shared.u32 [%r3+384], %r11;\n\
        bar.warp.sync -1; add.u32 %r4, %r3, 16; setp.lt.u32 %p1, %r1, 8; @%p1 st.shared.u32 [%r4], %r10; bar.warp.sync -1;\n\
        wmma.load.a.sync.aligned.row.m16n16k16.shared.f16 {%r30, %r31, %r32, %r33, %r34, %r35, %r36, %r37}, [%r2], 16;";
    let sums = "mov.b32 %f1, %r10; mov.f32 %f2, 0f3F800000;\n\
        wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%r2], {%f1, %f2, %f2, %f2, %f2, %f2, %f2, %f2}, 16;\n\
        bar.warp.sync -1; and.b32 %r5, %r1, 7; shl.b32 %r5, %r5, 3; add.u32 %r5, %r5, %r2; setp.lt.u32 %p1, %r1, 8; @!%p1 bra L;";
    let mma = |a: &str, b: &str, c: &str, out: u32| {
        format!(
            "mov.f32 %f1, 0f00000000; mov.f32 %f2, %f1; mov.f32 %f3, %f1; mov.f32 %f4, %f1; mov.b32 %f5, {c};\n\
             mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {{%f1, %f2, %f3, %f4}}, {{{a}, %r12}}, {{{b}}}, {{%f5, %f2, %f3, %f4}};\n\
             mov.b32 %r20, %f{out};"
        )
    };
    for (text, expected) in [
        (
            format!("{here} ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r20}}, [%r4];"),
            own(),
        ),
        // lanes 5, 6 and 7 had columns 2 to 7 of row 1: rows 2 to 7 now, of which each has one in its first lane
        (
            format!("{here} ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {{%r20}}, [%r4];"),
            vec![8, 12, 16, 20, 24, 28],
        ),
        (
            format!("{written} ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r20}}, [%r4];"),
            vec![],
        ),
        (
            "movmatrix.sync.aligned.m8n8.trans.b16 %r20, %r10;".to_owned(),
            vec![8, 12, 16, 20, 24, 28],
        ),
        (
            format!(
                "{words} stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r4], {{%r10}}; bar.warp.sync -1; ld.shared.u32 %r20, [%r3];"
            ),
            own(),
        ),
        (
            format!(
                "{words} stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%r4], {{%r10}}; bar.warp.sync -1; ld.shared.u32 %r20, [%r3];"
            ),
            vec![8, 12, 16, 20, 24, 28],
        ),
        // words 1 to 3 of row 1 of a matrix in shared memory
        (format!("{fragment} mov.b32 %r20, %r30;"), own()),
        (format!("{fragment} mov.b32 %r20, %r31;"), vec![]),
        // columns 2, 4 and 6 of row 1
        (format!("{sums} ld.shared.u32 %r20, [%r5+32]; L:"), own()),
        (format!("{sums} ld.shared.u32 %r20, [%r5+36]; L:"), vec![]),
        // a row of A
        (mma("%r10", "%r11", "%r12", 1), row.clone()),
        (mma("%r10", "%r11", "%r12", 2), row),
        (mma("%r10", "%r11", "%r12", 3), vec![]),
        // lanes 4 to 7 of B are column 1: every fourth lane's second
        (mma("%r11", "%r10", "%r12", 1), vec![]),
        (
            mma("%r11", "%r10", "%r12", 2),
            columns(&[0, 1, 2, 3, 4, 5, 6, 7])
                .into_iter()
                .filter(|l| l % 4 == 0)
                .collect(),
        ),
        (
            mma("%r11", "%r10", "%r12", 4),
            (0..32).filter(|l| l % 4 == 0).collect(),
        ),
        // an element of C
        (mma("%r11", "%r11", "%r10", 1), own()),
        (mma("%r11", "%r11", "%r10", 2), vec![]),
        (mma("%r11", "%r11", "%r12", 1), vec![]),
    ] {
        assert_eq!(lanes(&text), expected, "{text}");
    }
}
