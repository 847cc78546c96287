"""9.7.9: cvt."""

import math
from fractions import Fraction

from files import *
from formats import *


def convert():
    near = [Fraction(n, 4) for n in range(-11, 12)] + [Fraction(2) ** 31, Fraction(2) ** 32, -Fraction(2) ** 31,
            Fraction(2) ** 31 - 128, Fraction(255), Fraction(256), Fraction(-129), Fraction(65535), Fraction(3 * 10 ** 9)]
    floats32 = [F32.round(v) for v in near] + [0x80000000, 0x00000001, 0x7F800000, 0xFF800000, 0x7FC00000]
    for mode in ("rni", "rzi", "rmi", "rpi"):
        for kind, bits, sg in (("s32", 32, True), ("u32", 32, False)):
            unary("convert", f"cvt_{mode}_{kind}_f32", "9.7.9 cvt", "f32", floats32,
                  lambda a, b=bits, g=sg, m=mode: to_int(b, g, F32, a, m), f"cvt.{mode}.{kind}.f32", kind)
        unary("convert", f"cvt_{mode}_f32_f32", "9.7.9 cvt", "f32", floats32,
              lambda a, m=mode: round_to_integral(F32, a, m), f"cvt.{mode}.f32.f32", "f32")
        doubles = [F64.round(v) for v in near]
        unary("convert", f"cvt_{mode}_s64_f64", "9.7.9 cvt", "f64", doubles + [F64.round(Fraction(2) ** 63), F64.inf],
              lambda a, m=mode: to_int(64, True, F64, a, m), f"cvt.{mode}.s64.f64", "s64")
        halves16 = [F16.round(v) for v in near[:23]] + [0x7BFF, 0xFBFF, 0x7C00, 0x7E00]
        unary("convert", f"cvt_{mode}_s16_f16", "9.7.9 cvt", "f16", halves16,
              lambda a, m=mode: to_int(16, True, F16, a, m), f"cvt.{mode}.s16.f16", "s16")
    unary("convert", "cvt_sat_f32_f32", "9.7.9 cvt", "f32", floats32,
          lambda a: to_float(F32, F32, a, sat=True), "cvt.sat.f32.f32", "f32")
    unary("convert", "cvt_ftz_f32_f32", "9.7.9 cvt", "f32", [v for v in FLOATS if not F32.is_nan(v)],
          F32.flush, "cvt.ftz.f32.f32", "f32")
    wide = [0, 1, 1 << 24, (1 << 24) + 1, (1 << 24) + 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF7F, 0xFFFFFF80]
    wide64 = [0, 1, (1 << 53) + 1, (1 << 53) + 3, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 40) + 1, 0x7FFFFFBFFFFFFFFF]
    for mode in ("rn", "rz", "rm", "rp"):
        for kind, bits, sg, values in (("u32", 32, 0, wide), ("s32", 32, 1, wide), ("u64", 64, 0, wide64), ("s64", 64, 1, wide64)):
            unary("convert", f"cvt_{mode}_f32_{kind}", "9.7.9 cvt", kind, values,
                  lambda a, m=mode, b=bits, g=sg: F32.round(Fraction(signed(a, b) if g else a), m),
                  f"cvt.{mode}.f32.{kind}", "f32")
        unary("convert", f"cvt_{mode}_f64_u64", "9.7.9 cvt", "u64", wide64,
              lambda a, m=mode: F64.round(Fraction(a), m), f"cvt.{mode}.f64.u64", "f64")
        # Ties and near ties between neighbours of the smaller format, its overflow and its subnormals.
        edges = [Fraction(2049, 2048), Fraction(4097, 4096), Fraction(4099, 4096), Fraction(65519), Fraction(65520),
                 Fraction(65504), Fraction(2) ** -24, Fraction(2) ** -25, Fraction(3) * Fraction(2) ** -26,
                 Fraction(2) ** -14 - Fraction(2) ** -26, Fraction(1, 3)]
        from32 = [F32.round(s * v) for v in edges for s in (1, -1)] + FLOATS
        if mode in ("rn", "rz"):
            unary("convert", f"cvt_{mode}_f16_f32", "9.7.9 cvt", "f32", from32,
                  lambda a, m=mode: to_float(F16, F32, a, m), f"cvt.{mode}.f16.f32", "f16")
            bf_edges = [F32.round(s * v) for v in (Fraction(257, 256), Fraction(513, 512), Fraction(515, 512),
                        Fraction(2) ** 127 * Fraction(511, 256)) for s in (1, -1)] + [0x7F7F8000, 0x7F7F7FFF, 0x00008000, 0x00018000]
            unary("convert", f"cvt_{mode}_bf16_f32", "9.7.9 cvt", "f32", bf_edges + FLOATS,
                  lambda a, m=mode: to_float(BF16, F32, a, m), f"cvt.{mode}.bf16.f32", "bf16", "sm_80")
        from64 = [F64.round(v) for v in (1 + Fraction(2) ** -24, 1 + Fraction(3) * Fraction(2) ** -24, Fraction(1, 3),
                  Fraction(2) ** 128, Fraction(2) ** 128 - Fraction(2) ** 103, Fraction(2) ** -150, Fraction(2) ** -149,
                  -Fraction(2) ** -151)] + DOUBLES
        unary("convert", f"cvt_{mode}_f32_f64", "9.7.9 cvt", "f64", from64,
              lambda a, m=mode: to_float(F32, F64, a, m), f"cvt.{mode}.f32.f64", "f32")
    unary("convert", "cvt_f32_f16", "9.7.9 cvt", "f16", HALVES, lambda a: to_float(F32, F16, a), "cvt.f32.f16", "f32")
    unary("convert", "cvt_f32_bf16", "9.7.9 cvt", "bf16", BFLOATS, lambda a: to_float(F32, BF16, a), "cvt.f32.bf16",
          "f32", "sm_90")
    unary("convert", "cvt_f64_f32", "9.7.9 cvt", "f32", FLOATS, lambda a: to_float(F64, F32, a), "cvt.f64.f32", "f64")
    rows = [(a, b) for a, b in pairs([v for v in FLOATS if not F32.is_nan(v)], 3)]
    a, b = columns(rows)
    # The first source goes to the upper half.
    for kind, f in (("f16x2", F16), ("bf16x2", BF16)):
        emit("convert", f"cvt_rn_{kind}_f32", "9.7.9 cvt", [("f32", a), ("f32", b)],
             [("b32", [to_float(f, F32, x) << 16 | to_float(f, F32, y) for x, y in rows])],
             f"cvt.rn.{kind}.f32 %d0, %a0, %a1;", target="sm_80")
        # No -0: the text says that negative values become 0, and not whether -0 is one.
        relu = lambda x, f=f: 0 if f.negative(x) else x
        rest = [(x, y) for x, y in rows if F32.sign not in (x, y)]
        emit("convert", f"cvt_rn_relu_{kind}_f32", "9.7.9 cvt", [("f32", [x for x, _ in rest]), ("f32", [y for _, y in rest])],
             [("b32", [relu(to_float(f, F32, x)) << 16 | relu(to_float(f, F32, y)) for x, y in rest])],
             f"cvt.rn.relu.{kind}.f32 %d0, %a0, %a1;", target="sm_80")
    tf = [v for v in FLOATS if not F32.is_nan(v) and F32.flush(v) == v] + [0x3F801000, 0x3F800FFF, 0x3F803000, 0xBF801000]
    tf32 = lambda a: a if F32.is_inf(a) else (a + 0x1000) & ~0x1FFF & 0xFFFFFFFF
    unary("convert", "cvt_rna_tf32_f32", "9.7.9 cvt", "f32", tf, tf32, "cvt.rna.tf32.f32", "b32", "sm_80")
    sat = lambda v, low, high: min(max(v, low), high)
    unary("convert", "cvt_sat_s8_s32", "9.7.9 cvt", "s32", U32,
          lambda a: sat(signed(a, 32), -128, 127) & 0xFFFFFFFF, "cvt.sat.s8.s32", "s32")
    unary("convert", "cvt_sat_u8_s32", "9.7.9 cvt", "s32", U32, lambda a: sat(signed(a, 32), 0, 255), "cvt.sat.u8.s32", "u32")
    unary("convert", "cvt_sat_u16_s32", "9.7.9 cvt", "s32", U32,
          lambda a: sat(signed(a, 32), 0, 65535), "cvt.sat.u16.s32", "u16")
    unary("convert", "cvt_sat_u32_s32", "9.7.9 cvt", "s32", U32, lambda a: sat(signed(a, 32), 0, 1 << 32), "cvt.sat.u32.s32", "u32")
    for to, source in (("s32", "s8"), ("u32", "u8"), ("s32", "s16"), ("u32", "u16"), ("s64", "s32"), ("u64", "u32"),
                       ("s64", "s16"), ("u32", "u64"), ("u16", "u32"), ("s64", "s8"), ("u64", "u8")):
        bits, wide_bits = width(source), width(to)
        holder = max(bits, 32 if bits == 8 else bits)
        conv = lambda a, b=bits, w=wide_bits, s=source: (signed(a, b) if s[0] == "s" else a & (1 << b) - 1) & (1 << w) - 1
        unary("convert", f"cvt_{to}_{source}", "9.7.9 cvt", f"b{holder}", CORNERS[holder], conv, f"cvt.{to}.{source}", to)
