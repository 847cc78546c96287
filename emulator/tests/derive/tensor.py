"""9.7.14: mma.sync, ldmatrix, stmatrix, wmma. Small integers, so that every order of summation gives the same bits."""

from fractions import Fraction

from files import *
from formats import *

LANES = range(32)


def matrix(rows, cols, seed, low, high):
    state, out = seed, []
    for _ in range(rows):
        row = []
        for _ in range(cols):
            state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
            row.append(low + (state >> 33) % (high - low + 1))
        out.append(row)
    return out


def product(a, b, c):
    return [[sum(a[i][k] * b[k][j] for k in range(len(b))) + c[i][j] for j in range(len(b[0]))] for i in range(len(a))]


def encode(kind, v):
    if kind in ("f16", "bf16", "tf32", "f32", "f64"):
        return {"f16": F16, "bf16": BF16, "tf32": F32, "f32": F32, "f64": F64}[kind].round(Fraction(v))
    return v & (1 << width(kind)) - 1


def pack(elements, kind):
    """Elements of one lane -> its registers of 32 (f64: 64) bits."""
    bits = 32 if kind in ("tf32", "f32", "s32") else width(kind)
    each = max(1, 32 // bits)
    encoded = [encode(kind, e) for e in elements]
    return [sum(v << bits * k for k, v in enumerate(encoded[at:at + each])) for at in range(0, len(encoded), each)]


def fragment(m, place, count):
    """What each lane holds: element i of a lane is at `place(group, thread of the group, i)`."""
    return [[m[r][c] for r, c in (place(lane >> 2, lane & 3, i) for i in range(count))] for lane in LANES]


# 9.7.14.5, fragments by shape: (elements of A, its places), the same of B and of C.
C16 = (4, lambda g, t, i: (g + 8 * (i >> 1), 2 * t + (i & 1)))
C8 = (2, lambda g, t, i: (g, 2 * t + i))
HALF16 = ((8, lambda g, t, i: (g + 8 * (i >> 1 & 1), 2 * t + (i & 1) + 8 * (i >> 2))),
          (4, lambda g, t, i: (2 * t + (i & 1) + 8 * (i >> 1), g)), C16)
HALF8 = ((4, lambda g, t, i: (g + 8 * (i >> 1), 2 * t + (i & 1))), (2, lambda g, t, i: (2 * t + i, g)), C16)
TF8 = ((4, lambda g, t, i: (g + 8 * (i & 1), t + 4 * (i >> 1))), (2, lambda g, t, i: (t + 4 * i, g)), C16)
TF4 = ((2, lambda g, t, i: (g + 8 * i, t)), (1, lambda g, t, i: (t, g)), C16)
INT32 = ((16, lambda g, t, i: (g + 8 * (i >> 2 & 1), 4 * t + (i & 3) + 16 * (i >> 3))),
         (8, lambda g, t, i: (4 * t + (i & 3) + 16 * (i >> 2), g)), C16)
INT16 = ((8, lambda g, t, i: (g + 8 * (i >> 2), 4 * t + (i & 3))), (4, lambda g, t, i: (4 * t + i, g)), C16)
INT8 = ((4, lambda g, t, i: (g, 4 * t + i)), (4, lambda g, t, i: (4 * t + i, g)), C8)
DOUBLE4 = ((1, lambda g, t, i: (g, t)), (1, lambda g, t, i: (t, g)), C8)


def mma(name, shape, layout, a_kind, b_kind, c_kind, target, low=-8, high=8, one_hot=False, suffix=""):
    rows, cols, depth = shape
    if one_hot:
        # A permuted identity in A, distinct numbers in B: every element of B must come out in its own place.
        a = [[int(k == (3 * r + 1) % depth) for k in range(depth)] for r in range(rows)]
        b = [[cols * k + c - 60 if a_kind[0] != "u" else cols * k + c for c in range(cols)] for k in range(depth)]
        c = [[0] * cols for _ in range(rows)]
    else:
        a, b = matrix(rows, depth, 1, max(low, 0) if a_kind[0] == "u" else low, high), None
        b = matrix(depth, cols, 2, max(low, 0) if b_kind[0] == "u" else low, high)
        c = matrix(rows, cols, 3, -100, 100)
    d = product(a, b, c)
    lanes = [[pack(f, kind) for f in fragment(m, place, count)]
             for m, kind, (count, place) in ((a, a_kind, layout[0]), (b, b_kind, layout[1]), (c, c_kind, layout[2]), (d, c_kind, layout[2]))]
    real = {"f32": "f32", "f64": "f64"}
    kind = lambda k: real.get(k, "b32")
    ins, regs, at = [], [], 0
    for part, k in zip(lanes[:3], (a_kind, b_kind, c_kind)):
        n = len(part[0])
        ins += [(kind(k), [lane[j] for lane in part]) for j in range(n)]
        regs.append("{" + ", ".join(f"%a{at + j}" for j in range(n)) + "}")
        at += n
    outs = [(kind(c_kind), [lane[j] for lane in lanes[3]]) for j in range(len(lanes[3][0]))]
    d_regs = "{" + ", ".join(f"%d{j}" for j in range(len(outs))) + "}"
    emit("tensor", f"mma_{name}" + ("_one_hot" if one_hot else ""), "9.7.14.5 mma", ins, outs,
         f"mma.sync.aligned.m{rows}n{cols}k{depth}.row.col{suffix}.{c_kind}.{a_kind}.{b_kind}.{c_kind} {d_regs}, {', '.join(regs)};",
         target=target)


def matrices():
    for hot in (False, True):
        mma("m16n8k16_f16_f32", (16, 8, 16), HALF16, "f16", "f16", "f32", "sm_80", one_hot=hot)
        mma("m16n8k16_f16_f16", (16, 8, 16), HALF16, "f16", "f16", "f16", "sm_80", one_hot=hot)
        mma("m16n8k16_bf16", (16, 8, 16), HALF16, "bf16", "bf16", "f32", "sm_80", one_hot=hot)
        mma("m16n8k8_f16_f32", (16, 8, 8), HALF8, "f16", "f16", "f32", "sm_75", one_hot=hot)
        mma("m16n8k8_f16_f16", (16, 8, 8), HALF8, "f16", "f16", "f16", "sm_75", one_hot=hot)
        mma("m16n8k8_bf16", (16, 8, 8), HALF8, "bf16", "bf16", "f32", "sm_80", one_hot=hot)
        mma("m16n8k8_tf32", (16, 8, 8), TF8, "tf32", "tf32", "f32", "sm_80", one_hot=hot)
        mma("m16n8k4_tf32", (16, 8, 4), TF4, "tf32", "tf32", "f32", "sm_80", one_hot=hot)
        mma("m8n8k4_f64", (8, 8, 4), DOUBLE4, "f64", "f64", "f64", "sm_80", one_hot=hot)
        mma("m8n8k16_s8", (8, 8, 16), INT8, "s8", "s8", "s32", "sm_75", -128, 127, one_hot=hot)
        mma("m16n8k16_s8", (16, 8, 16), INT16, "s8", "s8", "s32", "sm_80", -128, 127, one_hot=hot)
    mma("m16n8k32_s8", (16, 8, 32), INT32, "s8", "s8", "s32", "sm_80", -128, 127)
    mma("m16n8k32_u8_s8", (16, 8, 32), INT32, "u8", "s8", "s32", "sm_80", -100, 127)
    mma("m16n8k32_u8", (16, 8, 32), INT32, "u8", "u8", "s32", "sm_80", 0, 255)


def ldmatrix():
    # A block of 32 rows of 8 halves in shared memory; row r of matrix m is row 8m+r.
    halves = [(k * 0x9E37 + 3) & 0xFFFF for k in range(256)]
    words = [halves[2 * k] | halves[2 * k + 1] << 16 for k in range(128)]
    at = lambda m, r, c: halves[(8 * m + r) * 8 + c]
    for trans in (False, True):
        for n in (1, 2, 4):
            def lane(m, k, trans=trans):
                r, c = k >> 2, 2 * (k & 3)
                lo, hi = (at(m, c, r), at(m, c + 1, r)) if trans else (at(m, r, c), at(m, r, c + 1))
                return lo | hi << 16

            regs = "{" + ", ".join(f"%m{k}" for k in range(n)) + "}"
            stores = "\n".join(f"ld.param.u64 %p, [out{k}];\nmad.lo.u64 %p, %i, 4, %p;\nst.global.b32 [%p], %m{k};" for k in range(n))
            raw("tensor", f"ldmatrix_x{n}" + ("_trans" if trans else ""), "9.7.14.5 ldmatrix", 32, [("b32", words)],
                [("b32", [lane(m, k) for k in LANES]) for m in range(n)],
                f""".shared .align 16 .b8 room[512];
                    .reg .b64 %g;
                    .reg .b32 %s, %v0, %v1, %v2, %v3, {regs[1:-1]};
                    mov.u32 %s, room;
                    mad.lo.u32 %s, %t, 16, %s;
                    ld.param.u64 %g, [in0];
                    mad.lo.u64 %g, %i, 16, %g;
                    ld.global.v4.b32 {{%v0, %v1, %v2, %v3}}, [%g];
                    st.shared.v4.b32 [%s], {{%v0, %v1, %v2, %v3}};
                    bar.sync 0;
                    ldmatrix.sync.aligned.m8n8.x{n}{".trans" if trans else ""}.shared.b16 {regs}, [%s];
                    {stores}""")
            if n != 4:
                continue
            inputs = [[(k * 0x10001 + m * 0x40404040 + 0x02000100) & 0xFFFFFFFF for k in LANES] for m in range(4)]
            stored = [0] * 256
            for m in range(4):
                for k in LANES:
                    r, c = k >> 2, 2 * (k & 3)
                    for e in range(2):
                        row, col = (c + e, r) if trans else (r, c + e)
                        stored[(8 * m + row) * 8 + col] = inputs[m][k] >> 16 * e & 0xFFFF
            loads = "\n".join(f"ld.param.u64 %p, [in{m}];\nmad.lo.u64 %p, %i, 4, %p;\nld.global.b32 %m{m}, [%p];" for m in range(4))
            raw("tensor", "stmatrix_x4" + ("_trans" if trans else ""), "9.7.14.5 stmatrix", 32,
                [("b32", values) for values in inputs],
                [("b32", [stored[2 * k] | stored[2 * k + 1] << 16 for k in range(128)])],
                f""".shared .align 16 .b8 room[512];
                    .reg .b32 %s, %v0, %v1, %v2, %v3, {regs[1:-1]};
                    mov.u32 %s, room;
                    mad.lo.u32 %s, %t, 16, %s;
                    {loads}
                    stmatrix.sync.aligned.m8n8.x4{".trans" if trans else ""}.shared.b16 [%s], {regs};
                    bar.sync 0;
                    ld.shared.v4.b32 {{%v0, %v1, %v2, %v3}}, [%s];
                    ld.param.u64 %p, [out0];
                    mad.lo.u64 %p, %i, 16, %p;
                    st.global.v4.b32 [%p], {{%v0, %v1, %v2, %v3}};""", target="sm_90")


def wmma(name, shape, kind, c_kind, registers, target, low=-8, high=8, layouts=("row", "col")):
    """Whole tiles through wmma.load, wmma.mma and wmma.store: where the lanes keep what is theirs alone."""
    rows, cols, depth = shape
    a, b, c = matrix(rows, depth, 4, low, high), matrix(depth, cols, 5, low, high), matrix(rows, cols, 6, -50, 50)
    d = product(a, b, c)
    flat = lambda m, layout: [v for row in (m if layout == "row" else list(zip(*m))) for v in row]
    stride = lambda m, layout: len(m[0]) if layout == "row" else len(m)
    a_layout, b_layout = layouts
    element = {"tf32": "b32", "s32": "s32"}
    put = lambda values, k: (element.get(k, k), [encode(k, v) for v in values])
    na, nb, nc = registers
    typed = {"f32": ".f32", "f64": ".f64"}
    names = lambda letter, n: "{" + ", ".join(f"%{letter}{k}" for k in range(n)) + "}"
    form = f"m{rows}n{cols}k{depth}"
    op = f"{a_layout}.{b_layout}.{form}.{c_kind}.{c_kind}" if kind == "f16" else f"{a_layout}.{b_layout}.{form}.{c_kind}.{kind}.{kind}.{c_kind}"
    operand = ".f64" if kind == "f64" else ".b32"
    raw("tensor", f"wmma_{name}", "9.7.14.4 wmma", 32,
        [put(flat(a, a_layout), kind), put(flat(b, b_layout), kind), put(flat(c, "row"), c_kind)],
        [put(flat(d, "col"), c_kind)],
        f""".reg .b64 %g;
            .reg {operand} {names('x', na)[1:-1]}, {names('y', nb)[1:-1]};
            .reg {typed.get(c_kind, '.b32')} {names('c', nc)[1:-1]}, {names('e', nc)[1:-1]};
            ld.param.u64 %g, [in0];
            wmma.load.a.sync.aligned.{a_layout}.{form}.global.{kind} {names('x', na)}, [%g], {stride(a, a_layout)};
            ld.param.u64 %g, [in1];
            wmma.load.b.sync.aligned.{b_layout}.{form}.global.{kind} {names('y', nb)}, [%g], {stride(b, b_layout)};
            ld.param.u64 %g, [in2];
            wmma.load.c.sync.aligned.row.{form}.global.{c_kind} {names('c', nc)}, [%g], {cols};
            wmma.mma.sync.aligned.{op} {names('e', nc)}, {names('x', na)}, {names('y', nb)}, {names('c', nc)};
            ld.param.u64 %g, [out0];
            wmma.store.d.sync.aligned.col.{form}.global.{c_kind} [%g], {names('e', nc)}, {rows};""", target=target)


def tensor():
    matrices()
    ldmatrix()
    for shape, regs in (((16, 16, 16), (8, 8, 8)), ((32, 8, 16), (8, 8, 8)), ((8, 32, 16), (8, 8, 8))):
        tag = "m{}n{}k{}".format(*shape)
        for layouts in (("row", "col"), ("col", "row")):
            ends = f"{tag}_{layouts[0]}_{layouts[1]}"
            wmma(f"f16_f32_{ends}", shape, "f16", "f32", regs, "sm_75", layouts=layouts)
        wmma(f"f16_f16_{tag}", shape, "f16", "f16", (8, 8, 4), "sm_75")
        a, b = {16: (4, 4), 32: (8, 2), 8: (2, 8)}[shape[0]]
        wmma(f"bf16_{tag}", shape, "bf16", "f32", (a, b, 8), "sm_80")
        a, b = {16: (2, 2), 32: (4, 1), 8: (1, 4)}[shape[0]]
        wmma(f"s8_{tag}", shape, "s8", "s32", (a, b, 8), "sm_75", -128, 127)
    wmma("tf32_m16n16k8", (16, 16, 8), "tf32", "f32", (4, 4, 8), "sm_80")
    wmma("f64_m8n8k4", (8, 8, 4), "f64", "f64", (1, 1, 2), "sm_80")
