//! Forms that compilers write rarely (those of floats are in `float_forms`), each with the result that the PTX ISA's text gives.

use super::*;

/// Runs a body in one thread that leaves its result in `%rd9`.
pub(super) fn result(text: &str) -> u64 {
    let d = Device::body(&format!(
        "{text}\nld.param.u64 %rd1, [a]; st.global.u64 [%rd1], %rd9;"
    ));
    let out = d.upload(&[0u64]);
    d.run(1, [out, 0, 0], 0)
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    d.download(out, 1)[0]
}

/// The same for a result in `%r9`.
pub(super) fn word(text: &str) -> u32 {
    result(&format!("{text}\ncvt.u64.u32 %rd9, %r9;")) as u32
}

pub(super) fn predicate(text: &str) -> u32 {
    word(&format!("{text}\nselp.u32 %r9, 1, 0, %p9;"))
}

#[test]
fn integers() {
    // "Extended-Precision Arithmetic": the carry runs through
    assert_eq!(
        word(
            "mov.u32 %r1, -1; add.cc.u32 %r2, %r1, 1; addc.cc.u32 %r3, %r1, 0; addc.u32 %r9, 5, 0;"
        ),
        6
    );
    assert_eq!(word("sub.cc.u32 %r2, 0, 1; subc.u32 %r9, 10, 3;"), 6);
    assert_eq!(
        word("mov.u32 %r1, 0x80000000; mad.lo.cc.u32 %r2, %r1, 2, 0; madc.hi.u32 %r9, %r1, 2, 7;"),
        8
    );
    assert_eq!(
        word("mov.u32 %r1, -1; mad.lo.cc.u32 %r2, %r1, 1, 1; madc.hi.u32 %r9, %r1, 2, 7;"),
        9
    );
    // "bfe": the sign bit of a field that runs over the top is bit 31
    assert_eq!(
        word("mov.u32 %r1, 0x80000000; bfe.s32 %r9, %r1, 28, 8;"),
        0xFFFF_FFF8
    );
    assert_eq!(
        word("mov.u32 %r1, 0x000000F0; bfe.s32 %r9, %r1, 4, 4;"),
        u32::MAX
    );
    assert_eq!(word("mov.u32 %r1, 0x000000F0; bfe.u32 %r9, %r1, 4, 4;"), 15);
    assert_eq!(word("mov.u32 %r1, 0x12345678; bfe.u32 %r9, %r1, 8, 0;"), 0);
    assert_eq!(
        word("mov.u32 %r1, 0x12345678; bfe.u32 %r9, %r1, 0, 32;"),
        0x1234_5678
    );
    assert_eq!(word("bfi.b32 %r9, 0xFF, 0x12345678, 8, 4;"), 0x1234_5F78);
    assert_eq!(word("bfind.u32 %r9, 0x00800000;"), 23);
    assert_eq!(word("bfind.shiftamt.s32 %r9, -2;"), 31);
    assert_eq!(word("bfind.u32 %r9, 0;"), u32::MAX);
    // "shl", "shr": amounts beyond the width are clamped
    assert_eq!(word("shl.b32 %r9, 1, 32;"), 0);
    assert_eq!(word("mov.u32 %r1, -8; shr.s32 %r9, %r1, 40;"), u32::MAX);
    assert_eq!(
        word("mov.u16 %rs1, -8; shr.s16 %rs2, %rs1, 20; cvt.u32.u16 %r9, %rs2;"),
        0xFFFF
    );
    assert_eq!(
        word("lop3.b32 %r9, 0xF0F0F0F0, 0xCCCCCCCC, 0xAAAAAAAA, 0xE8;"),
        0xE8E8_E8E8
    );
    assert_eq!(
        word("mov.u32 %r1, 0x80000000; mov.u32 %r2, -1; add.sat.s32 %r9, %r1, %r2;"),
        0x8000_0000
    );
    assert_eq!(word("mul24.lo.u32 %r9, 0xFF000003, 5;"), 15);
    assert_eq!(word("shf.l.wrap.b32 %r9, 0x80000000, 1, 33;"), 3);
    assert_eq!(word("shf.r.clamp.b32 %r9, 1, 0x1234, 40;"), 0x1234);
    assert_eq!(
        word("prmt.b32 %r9, 0x33221180, 0x77665544, 0x8888;"),
        0xFFFF_FFFF
    );
    assert_eq!(
        word("prmt.b32.f4e %r9, 0x33221100, 0x77665544, 1;"),
        0x4433_2211
    );
    assert_eq!(
        result("mov.u64 %rd2, -1; mul.hi.u64 %rd9, %rd2, %rd2;"),
        u64::MAX - 1
    );
    assert_eq!(result("mov.u32 %r1, -3; mad.wide.s32 %rd9, %r1, 4, 20;"), 8);
    assert_eq!(
        word("dp2a.lo.s32.u32 %r9, 0xFFFF0002, 0x00000503, 1;"),
        2u32
    );
}

#[test]
fn predicates_and_branches() {
    assert_eq!(predicate("setp.lt.and.s32 %p9|%p2, -1, 1, 1;"), 1);
    assert_eq!(
        predicate("setp.eq.u32 %p1, 0, 0; setp.lt.and.s32 %p2|%p9, 1, -1, %p1;"),
        1
    );
    assert_eq!(
        predicate("setp.eq.u32 %p1, 0, 0; setp.lt.xor.u32 %p9, 1, 2, !%p1;"),
        1
    );
    // "setp": only the unordered comparisons hold of NaN
    let nan = "mov.f32 %f1, 0f7FC00000;";
    assert_eq!(predicate(&format!("{nan} setp.ne.f32 %p9, %f1, %f1;")), 0);
    assert_eq!(predicate(&format!("{nan} setp.neu.f32 %p9, %f1, %f1;")), 1);
    assert_eq!(predicate(&format!("{nan} setp.num.f32 %p9, %f1, %f1;")), 0);
    assert_eq!(
        predicate("mov.f32 %f1, 0f00000001; setp.eq.ftz.f32 %p9, %f1, 0f00000000;"),
        1
    );
    assert_eq!(
        word("set.gt.u32.f32 %r9, 0f40000000, 0f3F800000;"),
        u32::MAX
    );
    assert_eq!(
        word("set.gt.f32.s32 %f1, 3, 2; mov.b32 %r9, %f1;"),
        1f32.to_bits()
    );
    assert_eq!(
        word(
            "mov.u32 %r1, 2; T: .branchtargets A, B, C; brx.idx %r1, T; A: mov.u32 %r9, 10; bra D; B: mov.u32 %r9, 11; bra D; C: mov.u32 %r9, 12; D:"
        ),
        12
    );
    assert_eq!(
        word(
            "mov.u32 %r9, 1; setp.eq.u32 %p1, %r9, 1; @!%p1 mov.u32 %r9, 2; @%p1 add.u32 %r9, %r9, 4;"
        ),
        5
    );
    assert_eq!(word("slct.u32.s32 %r9, 3, 4, -1;"), 4);
    assert_eq!(
        predicate("mov.f32 %f1, 0f00000001; testp.subnormal.f32 %p9, %f1;"),
        1
    );
}

#[test]
fn moves_and_memory() {
    assert_eq!(
        result("mov.b64 %rd9, {0x11111111, 0x22222222};"),
        0x2222_2222_1111_1111
    );
    assert_eq!(
        word("mov.b32 {%rs1, %rs2}, 0x56781234; mov.b32 %r9, {%rs2, %rs1};"),
        0x1234_5678
    );
    assert_eq!(
        word(".local .align 8 .b8 m[16]; st.local.u16 [m+2], 0xFFFE; ld.local.s16 %r9, [m+2];"),
        0xFFFF_FFFE
    );
    assert_eq!(
        word(
            ".local .align 8 .b8 m[16]; mov.u64 %rd2, m; cvta.local.u64 %rd3, %rd2; st.u8 [%rd3+5], 200; ld.s8 %r9, [%rd3+5];"
        ),
        -56i32 as u32
    );
    assert_eq!(
        word(
            ".shared .b32 s; mov.u64 %rd2, s; cvta.shared.u64 %rd3, %rd2; st.u32 [%rd3], 9; ld.shared.u32 %r9, [s];"
        ),
        9
    );
    assert_eq!(
        predicate(
            ".shared .b32 s; mov.u64 %rd2, s; cvta.shared.u64 %rd3, %rd2; isspacep.shared %p9, %rd3;"
        ),
        1
    );
    assert_eq!(
        word(
            ".shared .align 16 .b8 s[16]; st.shared.v4.u32 [s], {1, 2, 3, 4}; ld.shared.v2.u32 {%r1, %r9}, [s+8];"
        ),
        4
    );
    // scopes of inline assembly hide what is outside
    assert_eq!(
        word("mov.u32 %r9, 1; { .reg .u32 %r9; mov.u32 %r9, 2; { .reg.b32 t, u; mov.u32 t, 3; } }"),
        1
    );
}

#[test]
fn lanes_with_other_masks_meet_again_behind_the_instruction() {
    for instruction in [
        "shfl.sync.bfly.b32 %r3, %r1, 1, 31, %r2;",
        "vote.sync.ballot.b32 %r3, %p1, %r2;",
        "match.any.sync.b32 %r3, %r1, %r2;",
        "bar.warp.sync %r2;",
    ] {
        let d = Device::body(&format!(
            "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 16; selp.b32 %r2, 0xffff, 0xffff0000, %p1;\n\
             {instruction}\nactivemask.b32 %r9; mul.wide.u32 %rd2, %r1, 4; ld.param.u64 %rd1, [a]; add.u64 %rd1, %rd1, %rd2;\n\
             st.global.u32 [%rd1], %r9;"
        ));
        let out = d.upload(&[0u32; 32]);
        d.run(32, [out, 0, 0], 0).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(d.download::<u32>(out, 32), [u32::MAX; 32], "{instruction}");
    }
}
