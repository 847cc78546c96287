"""9.7.14: the rarer forms of the tensor instructions, and the corners of the common ones."""

from files import *
from formats import *
from tensor import C8, C16, LANES, encode, fragment, matrix, mma, pack, product, wmma

# 9.7.14.5, fragments by shape, as in tensor.py.
NIBBLE64 = ((32, lambda g, t, i: (g + 8 * (i >> 3 & 1), 8 * t + (i & 7) + 32 * (i >> 4))),
            (16, lambda g, t, i: (8 * t + (i & 7) + 32 * (i >> 3), g)), C16)
NIBBLE32 = ((16, lambda g, t, i: (g + 8 * (i >> 3), 8 * t + (i & 7))), (8, lambda g, t, i: (8 * t + i, g)), C16)
NIBBLE8 = ((8, lambda g, t, i: (g, 8 * t + i)), (8, lambda g, t, i: (8 * t + i, g)), C8)
DOUBLE16 = ((8, lambda g, t, i: (g, i * 2 + t) if i % 2 == 0 else (g + 8, i * 2 - 2 + t)),
            (4, lambda g, t, i: (t + i * 4, g)), C16)
DOUBLE8 = ((4, lambda g, t, i: (g + 8 * (i & 1), t + 4 * (i >> 1))), (2, lambda g, t, i: (t + 4 * i, g)), C16)
DOUBLE4 = ((2, lambda g, t, i: (g + 8 * i, t)), (1, lambda g, t, i: (t, g)), C16)
BIT256 = ((128, lambda g, t, i: (g + 8 * (i >> 5 & 1), 32 * t + (i & 31) + 128 * (i >> 6))),
          (64, lambda g, t, i: (32 * t + (i & 31) + 128 * (i >> 5), g)), C16)
BIT128 = ((64, lambda g, t, i: (g + 8 * (i >> 5), 32 * t + (i & 31))), (32, lambda g, t, i: (32 * t + i, g)), C16)
BIT8 = ((32, lambda g, t, i: (g, 32 * t + i)), (32, lambda g, t, i: (32 * t + i, g)), C8)
MMA = "9.7.14.5 mma"
HALF16 = "mma.sync.aligned.m16n8k16.row.col"


def registers(letter, n, first=0):
    return "{" + ", ".join(f"%{letter}{k + first}" for k in range(n)) + "}"


def saturating():
    # All 127 or -128: the sum of products is known; C brings it to both ends of the range.
    a = [[127] * 32 if r % 2 else [-128] * 32 for r in range(16)]
    b = [[127] * 8 for _ in range(32)]
    c = [[0x7FFFFFFF - 7 if r % 2 else -0x80000000 + 7] * 8 for r in range(16)]
    top = lambda m: [[min(max(v, -1 << 31), (1 << 31) - 1) for v in row] for row in m]
    from tensor import INT32
    for name, suffix, d in (("wraps", "", product(a, b, c)), ("satfinite", ".satfinite", top(product(a, b, c)))):
        lanes = [[pack(f, kind) for f in fragment(m, place, count)]
                 for m, kind, (count, place) in ((a, "s8", INT32[0]), (b, "s8", INT32[1]), (c, "s32", C16), (d, "s32", C16))]
        ins = [("b32", [lane[j] for lane in part]) for part in lanes[:3] for j in range(len(part[0]))]
        outs = [("b32", [lane[j] for lane in lanes[3]]) for j in range(4)]
        emit("tensor", f"mma_m16n8k32_s8_{name}", MMA, ins, outs,
             f"mma.sync.aligned.m16n8k32.row.col{suffix}.s32.s8.s8.s32 {registers('d', 4)}, {registers('a', 4)}, "
             f"{registers('a', 2, 4)}, {registers('a', 4, 6)};", target="sm_80")


def bits(name, shape, layout, target):
    rows, cols, depth = shape
    a, b, c = matrix(rows, depth, 7, 0, 1), matrix(depth, cols, 8, 0, 1), matrix(rows, cols, 9, -100, 100)
    join = lambda f: [sum(v << k for k, v in enumerate(f[at:at + 32])) for at in range(0, len(f), 32)]
    for op, f in (("and", lambda x, y: x & y), ("xor", lambda x, y: x ^ y)):
        d = [[sum(f(a[i][k], b[k][j]) for k in range(depth)) + c[i][j] for j in range(cols)] for i in range(rows)]
        lanes = [[join(x) for x in fragment(m, place, count)] for m, (count, place) in ((a, layout[0]), (b, layout[1]))]
        lanes += [[pack(x, "s32") for x in fragment(m, layout[2][1], layout[2][0])] for m in (c, d)]
        na, nb, nc = (len(part[0]) for part in lanes[:3])
        ins = [("b32", [lane[j] for lane in part]) for part in lanes[:3] for j in range(len(part[0]))]
        outs = [("b32", [lane[j] for lane in lanes[3]]) for j in range(nc)]
        emit("tensor", f"mma_{name}_{op}", MMA, ins, outs,
             f"mma.sync.aligned.m{rows}n{cols}k{depth}.row.col.s32.b1.b1.s32.{op}.popc {registers('d', nc)}, "
             f"{registers('a', na)}, {registers('a', nb, na)}, {registers('a', nc, na + nb)};",
             target="sm_80" if op == "and" else target)


def one_product(name, kind, c_kind, a, b, c, d, instruction=HALF16, target="sm_80"):
    """A has `a` in column 0 and B `b` in row 0, all else is zero: D is their product plus C in every element."""
    na, nb, nc = (4, 2, 2 if c_kind == "f16" else 4)
    column = lambda v: [v if lane % 4 == 0 else 0 for lane in LANES]
    zero = [0] * 32
    ins = [("b32", column(a)), ("b32", column(a)), ("b32", zero), ("b32", zero), ("b32", column(b)), ("b32", zero)]
    both = (lambda v: v | v << 16) if c_kind == "f16" else (lambda v: v)
    real = "b32" if c_kind == "f16" else "f32"
    ins += [(real, [both(c)] * 32)] * nc
    outs = [(real, [d if d == NAN else both(d)] * 32)] * nc
    emit("tensor", f"mma_{name}", MMA, ins, outs,
         f"{instruction}.{c_kind}.{kind}.{kind}.{c_kind} {registers('d', nc)}, {registers('a', na)}, "
         f"{registers('a', nb, na)}, {registers('a', nc, na + nb)};", target=target)


def corners():
    one = F16.round(1)
    # Products are exact in f32 ("at least single precision"): (1 + 2^-10)^2 has 21 bits.
    x, y = F16.round(1 + Fraction(1, 1024)), BF16.round(1 + Fraction(1, 128))
    one_product("f16_product_is_exact", "f16", "f32", x, x, 0, F32.round((1 + Fraction(1, 1024)) ** 2))
    one_product("bf16_product_is_exact", "bf16", "f32", y, y, 0, F32.round((1 + Fraction(1, 128)) ** 2))
    # f16's smallest and largest numbers in f32.
    one_product("f16_largest", "f16", "f32", F16.max, F16.max, 0, F32.round(Fraction(65504) ** 2))
    one_product("f16_infinity", "f16", "f32", F16.inf, one, 0, F32.inf)
    one_product("f16_infinity_in_c", "f16", "f32", one, one, F32.inf | F32.sign, F32.inf | F32.sign)
    one_product("f16_overflow_of_f16", "f16", "f16", F16.max, F16.round(2), 0, F16.inf)
    one_product("f16_nan", "f16", "f32", F16.inf + 1, one, 0, NAN)
    one_product("f16_nan_of_infinities", "f16", "f32", F16.inf, one, F32.inf | F32.sign, NAN)
    one_product("bf16_large", "bf16", "f32", BF16.max, BF16.round(Fraction(1, 2)), 0,
                F32.round(BF16.value(BF16.max) / 2))


def tf32_ignores():
    """A .tf32 register has 19 bits that count (9.7.14.5.6 to .7: a .b32 register with one .tf32 element)."""
    a, b = matrix(16, 8, 10, -8, 8), matrix(8, 8, 11, -8, 8)
    from tensor import TF8
    d = product(a, b, [[0] * 8] * 16)
    low = lambda v: v | 0x1FFF if v & 0x7FFFFFFF else v
    lanes = [[[low(v) for v in pack(f, "tf32")] for f in fragment(m, place, count)] for m, (count, place) in ((a, TF8[0]), (b, TF8[1]))]
    out = [pack(f, "f32") for f in fragment(d, C16[1], 4)]
    ins = [("b32", [lane[j] for lane in part]) for part in lanes for j in range(len(part[0]))]
    emit("tensor", "mma_m16n8k8_tf32_low_bits", MMA, ins, [("f32", [lane[j] for lane in out]) for j in range(4)],
         f"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {registers('d', 4)}, {registers('a', 4)}, "
         f"{registers('a', 2, 4)}, {{0f00000000, 0f00000000, 0f00000000, 0f00000000}};", target="sm_80")


def in_place():
    """D may share registers with A, B and C, in another order too."""
    from tensor import HALF16 as LAYOUT
    a, b, c = matrix(16, 16, 12, -8, 8), matrix(16, 8, 13, -8, 8), matrix(16, 8, 14, -100, 100)
    d = product(a, b, c)
    lanes = [[pack(f, kind) for f in fragment(m, place, count)]
             for m, kind, (count, place) in ((a, "f16", LAYOUT[0]), (b, "f16", LAYOUT[1]), (c, "f32", C16), (d, "f32", C16))]
    ins = [("b32", [lane[j] for lane in part]) for part in lanes[:3] for j in range(len(part[0]))]
    # %a0 to %a3: A; %a4, %a5: B; %a6 to %a9: C; D goes to C's last two, A's first, B's first
    where = (9, 8, 0, 4)
    moves = "\n".join(f"mov.b32 %d{k}, %a{r};" for k, r in enumerate(where))
    emit("tensor", "mma_in_place", MMA, ins, [("b32", [lane[j] for lane in lanes[3]]) for j in range(4)],
         f"{HALF16}.f32.f16.f16.f32 {{{', '.join(f'%a{r}' for r in where)}}}, {registers('a', 4)}, "
         f"{registers('a', 2, 4)}, {registers('a', 4, 6)};\n{moves}", target="sm_80")
    # a guard that all lanes agree on
    emit("tensor", "mma_guarded", MMA, ins, [("b32", [lane[j] for lane in lanes[3]]) for j in range(4)],
         f"""setp.lt.u32 %q, %t, 32;
             mov.b32 %d0, 7; mov.b32 %d1, 7; mov.b32 %d2, 7; mov.b32 %d3, 7;
             @%q {HALF16}.f32.f16.f16.f32 {registers('d', 4)}, {registers('a', 4)}, {registers('a', 2, 4)}, {registers('a', 4, 6)};
             @!%q {HALF16}.f32.f16.f16.f32 {registers('d', 4)}, {registers('a', 4)}, {registers('a', 2, 4)}, {registers('d', 4)};""",
         extra=".reg .pred %q;", target="sm_80")


def movmatrix():
    words = [(2 * k | (2 * k + 1) << 16) + 0x01000100 for k in LANES]
    half = lambda r, c: words[4 * r + c // 2] >> 16 * (c & 1) & 0xFFFF
    emit("tensor", "movmatrix_trans", "9.7.14.5 movmatrix", [("b32", words)],
         [("b32", [half(2 * (k & 3), k >> 2) | half(2 * (k & 3) + 1, k >> 2) << 16 for k in LANES])],
         "movmatrix.sync.aligned.m8n8.trans.b16 %d0, %a0;")


def few_matrices():
    """stmatrix of one and two matrices, ldmatrix through a generic address with an offset, rows in reverse order and
    no use made of the other lanes' addresses."""
    for n in (1, 2):
        for trans in (False, True):
            ins = [[(k * 0x20001 + m * 0x30303030 + 0x00010000) & 0xFFFFFFFF for k in LANES] for m in range(n)]
            stored = [0] * (64 * n)
            for m in range(n):
                for k in LANES:
                    for e in range(2):
                        r, c = k >> 2, 2 * (k & 3) + e
                        r, c = (c, r) if trans else (r, c)
                        stored[(8 * m + 7 - r) * 8 + c] = ins[m][k] >> 16 * e & 0xFFFF
            names = registers("m", n)
            plain, vector = (names, "v2.") if n == 2 else ("%m0", "")
            loads = "\n".join(f"ld.param.u64 %p, [in{m}];\nmad.lo.u64 %p, %i, 4, %p;\nld.global.b32 %m{m}, [%p];" for m in range(n))
            raw("tensor", f"stmatrix_x{n}" + ("_trans" if trans else ""), "9.7.14.5 stmatrix", 32,
                [("b32", v) for v in ins], [("b32", [stored[2 * k] | stored[2 * k + 1] << 16 for k in range(32 * n)])],
                f""".shared .align 16 .b8 room[512];
                    .reg .b32 %s, %u, {names[1:-1]};
                    {loads}
                    mov.u32 %s, room;
                    xor.b32 %u, %t, 7;
                    mad.lo.u32 %u, %u, 16, %s;
                    stmatrix.sync.aligned.m8n8.x{n}{".trans" if trans else ""}.shared::cta.b16 [%u], {names};
                    bar.sync 0;
                    mad.lo.u32 %s, %t, {4 * n}, %s;
                    ld.param.u64 %p, [out0];
                    mad.lo.u64 %p, %i, {4 * n}, %p;
                    ld.shared.{vector}b32 {plain}, [%s];
                    st.global.{vector}b32 [%p], {plain};""", target="sm_90")
    words = [(k * 0x9E3779B1) & 0xFFFFFFFF for k in range(64)]
    raw("tensor", "ldmatrix_x2_generic", "9.7.14.5 ldmatrix", 32, [("b32", words)],
        [("b32", [words[4 * (8 * m + 7 - (k >> 2)) + (k & 3)] for k in LANES]) for m in range(2)],
        """.shared .align 16 .b8 room[288];
           .reg .b64 %g;
           .reg .b32 %s, %u, %x, %y;
           mov.u32 %s, room;
           mad.lo.u32 %u, %t, 8, %s;
           ld.param.u64 %p, [in0];
           mad.lo.u64 %p, %i, 8, %p;
           ld.global.v2.b32 {%x, %y}, [%p];
           st.shared.v2.b32 [%u+32], {%x, %y};
           bar.sync 0;
           xor.b32 %u, %t, 7;
           and.b32 %u, %u, 15;
           mad.lo.u32 %u, %u, 16, %s;
           cvt.u64.u32 %g, %u;
           cvta.shared.u64 %g, %g;
           ldmatrix.sync.aligned.m8n8.x2.b16 {%x, %y}, [%g+32];
           ld.param.u64 %p, [out0];
           mad.lo.u64 %p, %i, 4, %p;
           st.global.b32 [%p], %x;
           ld.param.u64 %p, [out1];
           mad.lo.u64 %p, %i, 4, %p;
           st.global.b32 [%p], %y;""")


def wmma_strides():
    """Through shared memory and generic addresses, with a stride beyond the default, the default left out for A, and
    what lies between the rows untouched."""
    a, b, c = matrix(16, 16, 21, -8, 8), matrix(16, 16, 22, -8, 8), matrix(16, 16, 23, -50, 50)
    d = product(a, b, c)
    flat = lambda m: [v for row in m for v in row]
    halves = [encode("f16", v) for v in flat(a)]
    padded = [v for row in b for v in [encode("f16", x) for x in row] + [0x7E01] * 8]
    out = [v for row in d for v in [encode("f32", x) for x in row] + [0xA5A5A5A5] * 4][:-4]
    raw("tensor", "wmma_strides", "9.7.14.4 wmma", 32,
        [("f16", halves), ("f16", padded), ("f32", [encode("f32", v) for v in flat(c)])], [("b32", out)],
        f""".shared .align 32 .b8 room[512];
            .reg .b64 %g, %s;
            .reg .b32 %u, %v0, %v1, %v2, %v3, %n, {registers('x', 8)[1:-1]}, {registers('y', 8)[1:-1]};
            .reg .f32 {registers('c', 8)[1:-1]};
            mov.u32 %u, room;
            mad.lo.u32 %u, %t, 16, %u;
            ld.param.u64 %g, [in0];
            mad.lo.u64 %p, %i, 16, %g;
            ld.global.v4.b32 {{%v0, %v1, %v2, %v3}}, [%p];
            st.shared.v4.b32 [%u], {{%v0, %v1, %v2, %v3}};
            bar.sync 0;
            mov.u64 %s, room;
            wmma.load.a.sync.aligned.row.m16n16k16.shared.f16 {registers('x', 8)}, [%s];
            mov.u32 %n, 24;
            ld.param.u64 %g, [in1];
            wmma.load.b.sync.aligned.row.m16n16k16.f16 {registers('y', 8)}, [%g], %n;
            ld.param.u64 %g, [in2];
            wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {registers('c', 8)}, [%g];
            wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32 {registers('c', 8)}, {registers('x', 8)}, {registers('y', 8)}, {registers('c', 8)};
            ld.param.u64 %g, [out0];
            wmma.store.d.sync.aligned.row.m16n16k16.f32 [%g], {registers('c', 8)}, 20;""")


def rare():
    for kinds in (("s4", "s4"), ("u4", "u4"), ("u4", "s4")):
        tag = kinds[0] if kinds[0] == kinds[1] else "_".join(kinds)
        low, high = (0, 15) if kinds == ("u4", "u4") else (-8, 7)
        for name, shape, layout, target in (("m16n8k64", (16, 8, 64), NIBBLE64, "sm_80"),
                                            ("m16n8k32", (16, 8, 32), NIBBLE32, "sm_80"),
                                            ("m8n8k32", (8, 8, 32), NIBBLE8, "sm_75")):
            mma(f"{name}_{tag}", shape, layout, *kinds, "s32", target, low, high)
    mma("m16n8k16_f64", (16, 8, 16), DOUBLE16, "f64", "f64", "f64", "sm_90")
    mma("m16n8k8_f64", (16, 8, 8), DOUBLE8, "f64", "f64", "f64", "sm_90")
    mma("m16n8k4_f64", (16, 8, 4), DOUBLE4, "f64", "f64", "f64", "sm_90")
    bits("m16n8k256_b1", (16, 8, 256), BIT256, "sm_80")
    bits("m16n8k128_b1", (16, 8, 128), BIT128, "sm_80")
    bits("m8n8k128_b1", (8, 8, 128), BIT8, "sm_75")
    saturating()
    corners()
    tf32_ignores()
    in_place()
    movmatrix()
    few_matrices()
    wmma_strides()
    for shape, regs in (((16, 16, 16), (2, 2, 8)), ((32, 8, 16), (4, 1, 8)), ((8, 32, 16), (1, 4, 8))):
        tag = "m{}n{}k{}".format(*shape)
        wmma(f"u8_{tag}_col_row", shape, "u8", "s32", regs, "sm_75", 0, 255, layouts=("col", "row"))
    wmma("tf32_m16n16k8_col_row", (16, 16, 8), "tf32", "f32", (4, 4, 8), "sm_80", layouts=("col", "row"))
    wmma("f64_m8n8k4_col_row", (8, 8, 4), "f64", "f64", (1, 1, 2), "sm_80", layouts=("col", "row"))
    wmma("bf16_m32n8k16_col_row", (32, 8, 16), "bf16", "f32", (8, 2, 8), "sm_80", layouts=("col", "row"))
    wmma("bf16_m8n32k16_col_row", (8, 32, 16), "bf16", "f32", (2, 8, 8), "sm_80", layouts=("col", "row"))
