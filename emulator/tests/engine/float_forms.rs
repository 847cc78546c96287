//! Forms of conversions and of float arithmetic that compilers write rarely, each with the result that the PTX ISA's text gives.

use super::forms::{result, word};

#[test]
fn conversions() {
    // "cvt": rounding of .rni, saturation, NaN
    assert_eq!(word("cvt.rni.s32.f32 %r9, 0f40200000;"), 2);
    assert_eq!(word("cvt.rpi.s32.f32 %r9, 0fC0200000;"), -2i32 as u32);
    assert_eq!(word("cvt.rzi.u32.f32 %r9, 0fBF800000;"), 0);
    assert_eq!(word("cvt.rzi.s32.f32 %r9, 0f7F800000;"), 0x7FFF_FFFF);
    assert_eq!(word("cvt.rzi.s32.f32 %r9, 0f7FC00000;"), 0);
    assert_eq!(result("cvt.rzi.s64.f32 %rd9, 0f7FC00000;"), 1 << 63);
    assert_eq!(word("cvt.sat.u8.s32 %r9, 300;"), 255);
    assert_eq!(word("cvt.s32.s8 %r9, 0x80;"), 0xFFFF_FF80);
    assert_eq!(
        word("cvt.rz.f32.u32 %f1, 0xFFFFFFFF; mov.b32 %r9, %f1;"),
        0x4F7F_FFFF
    );
    assert_eq!(
        word("cvt.rp.f32.f64 %f1, 0d3FF0000000000001; mov.b32 %r9, %f1;"),
        0x3F80_0001
    );
    assert_eq!(
        word("cvt.rn.f16x2.f32 %r9, 0f40000000, 0f3F800000;"),
        0x4000_3C00
    );
    assert_eq!(
        word("cvt.rn.bf16x2.f32 %r9, 0f40000000, 0f3F800000;"),
        0x4000_3F80
    );
    assert_eq!(
        word("cvt.rz.f16.f32 %rs1, 0f477FF000; cvt.u32.u16 %r9, %rs1;"),
        0x7BFF
    );
    assert_eq!(
        word("mov.f32 %f1, 0f3F801000; cvt.rna.tf32.f32 %r9, %f1;"),
        0x3F80_2000
    );
    assert_eq!(
        word("cvt.sat.f32.f32 %f1, 0f7FC00000; mov.b32 %r9, %f1;"),
        0
    );
}

#[test]
fn floats() {
    let f = |text: &str| word(&format!("{text} mov.b32 %r9, %f1;"));
    // NaN results are canonical, denormals are flushed only on demand
    assert_eq!(f("add.f32 %f1, 0fFFC00001, 0f3F800000;"), 0x7FFF_FFFF);
    assert_eq!(f("add.f32 %f1, 0f00000001, 0f00000001;"), 2);
    assert_eq!(f("add.ftz.f32 %f1, 0f80000001, 0f80000001;"), 0x8000_0000);
    assert_eq!(f("mul.ftz.f32 %f1, 0f00800000, 0f3F000000;"), 0);
    assert_eq!(f("add.rm.f32 %f1, 0f3F800000, 0fBF800000;"), 0x8000_0000);
    assert_eq!(f("add.rz.f32 %f1, 0f7F7FFFFF, 0f7F7FFFFF;"), 0x7F7F_FFFF);
    assert_eq!(
        f("fma.rp.f32 %f1, 0f3F800001, 0f3F800001, 0f00000000;"),
        0x3F80_0003
    );
    assert_eq!(
        f("fma.rm.f32 %f1, 0f3F800001, 0f3F800001, 0f00000000;"),
        0x3F80_0002
    );
    assert_eq!(
        f("fma.rn.sat.f32 %f1, 0f40000000, 0f40000000, 0f00000000;"),
        0x3F80_0000
    );
    assert_eq!(f("min.f32 %f1, 0f7FC00000, 0f3F800000;"), 0x3F80_0000);
    assert_eq!(f("min.NaN.f32 %f1, 0f7FC00000, 0f3F800000;"), 0x7FFF_FFFF);
    assert_eq!(f("max.f32 %f1, 0f80000000, 0f00000000;"), 0);
    assert_eq!(f("sqrt.rp.f32 %f1, 0f40000000;"), 0x3FB5_04F4);
    assert_eq!(f("sqrt.rm.f32 %f1, 0f40000000;"), 0x3FB5_04F3);
    assert_eq!(f("div.rp.f32 %f1, 0f3F800000, 0f40400000;"), 0x3EAA_AAAB);
    assert_eq!(f("div.rz.f32 %f1, 0f3F800000, 0f40400000;"), 0x3EAA_AAAA);
    // "div": by more than 2^126 the fast one gives zeros, and NaN for infinities; the full one divides
    let most = "0f7E800000";
    assert_eq!(
        f(&format!("div.approx.f32 %f1, {most}, {most};")),
        1f32.to_bits()
    );
    assert_eq!(f("div.approx.f32 %f1, 0f7E800001, 0f7E800001;"), 0);
    assert_eq!(f("div.approx.f32 %f1, 0f7E800001, 0fFE800001;"), 1 << 31);
    assert_eq!(
        f("div.approx.ftz.f32 %f1, 0f7F800000, 0f7E800001;"),
        0x7FFF_FFFF
    );
    assert_eq!(f("div.approx.f32 %f1, 0f40400000, 0f7F800000;"), 0);
    assert_eq!(
        f("div.full.f32 %f1, 0f7E800001, 0f7E800001;"),
        1f32.to_bits()
    );
    assert_eq!(f("div.rn.f32 %f1, 0f7E800001, 0f7E800001;"), 1f32.to_bits());
    assert_eq!(f("ex2.approx.f32 %f1, 0f40400000;"), 8f32.to_bits());
    assert_eq!(f("ex2.approx.f32 %f1, 0fFF800000;"), 0);
    assert_eq!(f("ex2.approx.ftz.f32 %f1, 0fC3020000;"), 0);
    assert_eq!(f("lg2.approx.f32 %f1, 0f41000000;"), 3f32.to_bits());
    assert_eq!(f("lg2.approx.f32 %f1, 0f00000000;"), 0xFF80_0000);
    let d = |text: &str| result(&format!("{text} mov.b64 %rd9, %fd1;"));
    assert_eq!(
        d("add.rp.f64 %fd1, 0d3FF0000000000000, 0d0000000000000001;"),
        0x3FF0_0000_0000_0001
    );
    assert_eq!(
        d("div.rz.f64 %fd1, 0d3FF0000000000000, 0d4008000000000000;"),
        0x3FD5_5555_5555_5555
    );
    assert_eq!(
        d("mul.rm.f64 %fd1, 0d8000000000000000, 0d3FF0000000000000;"),
        1 << 63
    );
}

#[test]
fn the_approximations_are_within_half_a_unit() {
    use cuda_emulator::exec::float::series::{exp2, log2};
    for i in 0..100_000 {
        let x = (i as f32 - 50_000.0) * 2.5e-3;
        let want = f64::from(x).exp2();
        assert!(
            (f64::from(exp2(x)) - want).abs() <= want * 6e-8 + 1e-45,
            "ex2 {x}"
        );
        let y = f32::from_bits(i * 21_000 + 1);
        let want = f64::from(y).log2();
        assert!(
            (f64::from(log2(y)) - want).abs() <= want.abs() * 6.1e-8,
            "lg2 {y:e}"
        );
    }
}
