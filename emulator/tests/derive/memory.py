"""9.7.9 and 9.7.13: loads and stores of every width and memory, asynchronous copies, atomics."""

from fractions import Fraction

from files import *
from formats import *

LANES = list(range(32))


def widths():
    octets = U32
    signed_ = [(8, "s8"), (16, "s16")]
    for bits, kind in signed_ + [(8, "u8"), (16, "u16")]:
        holder = f"b{bits}"
        values = [v & (1 << bits) - 1 for v in octets]
        extended = [signed(v, bits) & 0xFFFFFFFF if kind[0] == "s" else v for v in values]
        # The address of element i is still in %p after the load of the frame.
        emit("memory", f"ld_global_{kind}_extends", "9.7.9.8 ld", [(holder, values)], [("b32", extended)],
             f"ld.global.{kind} %d0, [%p];")
        emit("memory", f"st_shared_{kind}_truncates", "9.7.9.11 st", [("b32", octets)], [("b32", extended)],
             f"""mov.u32 %s, room;
                shl.b32 %u, %t, 2;
                add.u32 %s, %s, %u;
                st.shared.b32 [%s], -1;
                st.shared.{kind} [%s], %a0;
                ld.shared.{kind} %d0, [%s];""",
             ".shared .align 4 .b8 room[64];\n.reg .b32 %s, %u;")
    for kind, n in (("b32", 2), ("b32", 4), ("b64", 2), ("b16", 4), ("f32", 4)):
        bits = width(kind)
        values = [(k * 0x9E3779B97F4A7C15 + 77) & (1 << bits) - 1 for k in range(4 * n)]
        regs = ", ".join(f"%v{k}" for k in range(n))
        back = ", ".join(f"%v{k}" for k in reversed(range(n)))
        raw("memory", f"ld_st_v{n}_{kind}", "9.7.9.8 ld, 9.7.9.11 st", 4, [(kind, values)],
            [(kind, [values[i * n + n - 1 - k] for i in range(4) for k in range(n)])],
            f""".reg {register(kind)} {regs};
                ld.param.u64 %p, [in0];
                mad.lo.u64 %p, %i, {bits * n // 8}, %p;
                ld.global.v{n}.{access(kind)} {{{regs}}}, [%p];
                ld.param.u64 %p, [out0];
                mad.lo.u64 %p, %i, {bits * n // 8}, %p;
                st.global.v{n}.{access(kind)} [%p], {{{back}}};""")


def spaces():
    values = U32
    # A local array indexed at run time, each thread its own.
    emit("memory", "local_array", "9.7.9.8 ld, 9.7.9.11 st", [("b32", values)],
         [("b32", [(v + (k * 7 + 3) % 8) & 0xFFFFFFFF for k, v in enumerate(values)])],
         "\n".join(f"add.u32 %u, %a0, {k};\nst.local.b32 [depot+{4 * k}], %u;" for k in range(8))
         + """
            mad.lo.u32 %u, %t, 7, 3;
            and.b32 %u, %u, 7;
            mul.wide.u32 %p, %u, 4;
            mov.u64 %l, depot;
            add.u64 %l, %l, %p;
            ld.local.b32 %d0, [%l];""", ".local .align 16 .b8 depot[32];\n.reg .b64 %l;\n.reg .b32 %u;")
    emit("memory", "shared_reverse", "9.7.9.8 ld, 9.7.13.1 bar", [("b32", values)], [("b32", values[::-1])],
         """mov.u32 %s, room;
            shl.b32 %u, %t, 2;
            add.u32 %v, %s, %u;
            st.shared.b32 [%v], %a0;
            bar.sync 0;
            sub.u32 %u, 60, %u;
            add.u32 %v, %s, %u;
            ld.shared.b32 %d0, [%v];""", ".shared .align 4 .b8 room[64];\n.reg .b32 %s, %u, %v;")
    # One load through a generic address for each memory.
    emit("memory", "generic_addresses", "9.7.9 cvta, isspacep", [("b32", values)],
         [("b32", values), ("b32", values), ("b32", values), ("b32", [0b100] * 16), ("b32", [0b010] * 16), ("b32", [0b001] * 16)],
         """ld.param.u64 %g, [in0];
            mad.lo.u64 %g, %i, 4, %g;
            cvta.to.global.u64 %l, %g;
            ld.global.b32 %d0, [%l];
            cvta.global.u64 %g, %l;
            ld.b32 %d0, [%g];
            mov.u64 %l, depot;
            cvta.local.u64 %m, %l;
            st.b32 [%m], %a0;
            ld.local.b32 %d1, [depot];
            mov.u64 %l, room;
            cvta.shared.u64 %s, %l;
            mad.lo.u64 %s, %i, 4, %s;
            st.b32 [%s], %a0;
            cvta.to.shared.u64 %l, %s;
            ld.shared.b32 %d2, [%l];
            """ + "\n".join(
             f"""isspacep.global %q, {r};
                selp.b32 %d{k}, 4, 0, %q;
                isspacep.shared %q, {r};
                @%q or.b32 %d{k}, %d{k}, 2;
                isspacep.local %q, {r};
                @%q or.b32 %d{k}, %d{k}, 1;""" for k, r in ((3, "%g"), (4, "%s"), (5, "%m"))),
         ".local .align 4 .b8 depot[4];\n.shared .align 4 .b8 room[64];\n.reg .b64 %g, %l, %m, %s;\n.reg .pred %q;")
    raw("memory", "module_variables", "5.4.4 initialisers", 4, [("u32", [0, 1, 2, 3])],
        [("b32", [0xFFFFFFFF, 5, 0x80000000, 0]), ("f32", [0x3FC00000, 0xC0000000, 0x00000001, 0]),
         ("b32", [0x04030201, 0x0807FE05, 0, 0]), ("b64", [1 << 40, (1 << 64) - 2, 0, 0]), ("b32", [0xFFFFFFFF, 5, 0x80000000, 0])],
        """.reg .b64 %l, %o;
           .reg .b32 %v;
           .reg .f32 %f;
           .reg .b64 %w;
           shl.b64 %o, %i, 2;
           mov.u64 %l, ints;
           add.u64 %l, %l, %o;
           ld.const.b32 %v, [%l];
           ld.param.u64 %p, [out0];
           add.u64 %p, %p, %o;
           st.global.b32 [%p], %v;
           mov.u64 %l, floats;
           add.u64 %l, %l, %o;
           ld.global.f32 %f, [%l];
           ld.param.u64 %p, [out1];
           add.u64 %p, %p, %o;
           st.global.f32 [%p], %f;
           mov.u64 %l, octets;
           add.u64 %l, %l, %o;
           ld.global.b32 %v, [%l];
           ld.param.u64 %p, [out2];
           add.u64 %p, %p, %o;
           st.global.b32 [%p], %v;
           mov.u64 %l, longs;
           add.u64 %l, %l, %o;
           add.u64 %l, %l, %o;
           ld.global.b64 %w, [%l];
           ld.param.u64 %p, [out3];
           add.u64 %p, %p, %o;
           add.u64 %p, %p, %o;
           st.global.b64 [%p], %w;
           ld.global.u64 %l, [pointer];
           add.u64 %l, %l, %o;
           ld.b32 %v, [%l];
           ld.param.u64 %p, [out4];
           add.u64 %p, %p, %o;
           st.global.b32 [%p], %v;""",
        """.const .align 4 .b32 ints[4] = {-1, 5, -2147483648};
.global .align 4 .f32 floats[4] = {0f3fc00000, 0fc0000000, 0f00000001};
.global .align 4 .b8 octets[16] = {1, 2, 3, 4, 5, -2, 7, 8};
.global .align 8 .b64 longs[4] = {1099511627776, -2};
.global .align 4 .b32 same[4] = {-1, 5, -2147483648};
.global .align 8 .u64 pointer = generic(same);""")


def copies():
    values = [(k * 0x9E3779B1 + 5) & 0xFFFFFFFF for k in range(128)]
    for name, code, expected in (
        ("ca_16", "cp.async.ca.shared.global [%s], [%g], 16;", lambda k: values[k]),
        ("cg_16", "cp.async.cg.shared.global [%s], [%g], 16;", lambda k: values[k]),
        ("ca_8_zero_fill", "cp.async.ca.shared.global [%s], [%g], 8, 4;\ncp.async.ca.shared.global [%s+8], [%g+8], 8, 0;",
         lambda k: values[k] if k % 4 == 0 else 0),
        ("ca_4", "\n".join(f"cp.async.ca.shared.global [%s+{4 * k}], [%g+{12 - 4 * k}], 4;" for k in range(4)),
         lambda k: values[k ^ 3]),
    ):
        for wait in ("wait_all", "group"):
            done = "cp.async.wait_all;" if wait == "wait_all" else "cp.async.commit_group;\ncp.async.wait_group 0;"
            raw("memory", f"cp_async_{name}_{wait}", "9.7.9.25 cp.async", 32, [("b32", values)],
                [("b32", [expected(k) for k in range(128)])],
                f""".shared .align 16 .b8 room[512];
                    .reg .b64 %g;
                    .reg .b32 %s, %v0, %v1, %v2, %v3;
                    mov.u32 %s, room;
                    mad.lo.u32 %s, %t, 16, %s;
                    ld.param.u64 %g, [in0];
                    mad.lo.u64 %g, %i, 16, %g;
                    {code}
                    {done}
                    ld.shared.v4.b32 {{%v0, %v1, %v2, %v3}}, [%s];
                    ld.param.u64 %p, [out0];
                    mad.lo.u64 %p, %i, 16, %p;
                    st.global.v4.b32 [%p], {{%v0, %v1, %v2, %v3}};""", target="sm_80")


def atomics():
    m32, m64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
    s32, s64 = lambda v: signed(v, 32), lambda v: signed(v, 64)
    forms = [
        ("add", "u32", U32, lambda a, b: a + b & m32), ("add", "s32", U32, lambda a, b: a + b & m32),
        ("add", "u64", U64, lambda a, b: a + b & m64), ("min", "u32", U32, min), ("max", "u32", U32, max),
        ("min", "s32", U32, lambda a, b: min(a, b, key=s32)), ("max", "s32", U32, lambda a, b: max(a, b, key=s32)),
        ("min", "u64", U64, min), ("max", "u64", U64, max), ("min", "s64", U64, lambda a, b: min(a, b, key=s64)),
        ("max", "s64", U64, lambda a, b: max(a, b, key=s64)), ("and", "b32", U32, lambda a, b: a & b),
        ("or", "b32", U32, lambda a, b: a | b), ("xor", "b32", U32, lambda a, b: a ^ b),
        ("and", "b64", U64, lambda a, b: a & b), ("or", "b64", U64, lambda a, b: a | b),
        ("xor", "b64", U64, lambda a, b: a ^ b), ("exch", "b32", U32, lambda a, b: b), ("exch", "b64", U64, lambda a, b: b),
        ("inc", "u32", U32, lambda a, b: 0 if a >= b else a + 1),
        ("dec", "u32", U32, lambda a, b: b if a == 0 or a > b else a - 1),
    ]
    normal = lambda f, values: [v for v in values if not f.is_nan(v) and f.flush(v) == v]
    f32, f64 = normal(F32, FLOATS), normal(F64, DOUBLES)
    forms += [("add", "f32", [v for v in f32 if not F32.is_inf(v)], lambda a, b: F32.flush(add(F32, a, b))),
              ("add", "f64", [v for v in f64 if not F64.is_inf(v)], lambda a, b: add(F64, a, b))]
    for op, kind, values, f in forms:
        rows = pairs(values, 3)
        a, b = columns(rows)
        results = [f(x, y) for x, y in rows]
        bits = width(kind)
        scale = bits // 8
        emit("atomic", f"atom_global_{op}_{kind}", "9.7.13 atom", [(kind, a), (kind, b)], [(kind, a), (kind, results)],
             f"""ld.param.u64 %g, [out1];
                mad.lo.u64 %g, %i, {scale}, %g;
                st.global.b{bits} [%g], %a0;
                atom.global.{op}.{kind} %d0, [%g], %a1;
                ld.global.{access(kind)} %d1, [%g];""", ".reg .b64 %g;")
        if kind in ("u32", "s32", "b32", "u64", "f32"):
            room = f".shared .align 8 .b8 room[{scale * len(a)}];\n.reg .b32 %s;"
            emit("atomic", f"atom_shared_{op}_{kind}", "9.7.13 atom", [(kind, a), (kind, b)],
                 [(kind, a), (kind, results)],
                 f"""mov.u32 %s, room;
                    mad.lo.u32 %s, %t, {scale}, %s;
                    st.shared.b{bits} [%s], %a0;
                    atom.shared.{op}.{kind} %d0, [%s], %a1;
                    ld.shared.{access(kind)} %d1, [%s];""", room)
        if op not in ("exch",):
            emit("atomic", f"red_global_{op}_{kind}", "9.7.13 red", [(kind, a), (kind, b)], [(kind, results)],
                 f"""ld.param.u64 %g, [out0];
                    mad.lo.u64 %g, %i, {scale}, %g;
                    st.global.b{bits} [%g], %a0;
                    red.global.{op}.{kind} [%g], %a1;
                    ld.global.{access(kind)} %d0, [%g];""", ".reg .b64 %g;")
    for kind, values, target in (("b16", U16, "sm_75"), ("b32", U32, "sm_75"), ("b64", U64, "sm_75")):
        rows = [(a, a if k % 2 else b, b ^ 0x55) for k, (a, b) in enumerate(pairs(values, 2))]
        a, c, n = columns(rows)
        scale = width(kind) // 8
        emit("atomic", f"atom_global_cas_{kind}", "9.7.13 atom", [(kind, a), (kind, c), (kind, n)],
             [(kind, a), (kind, [z if x == y else x for x, y, z in rows])],
             f"""ld.param.u64 %g, [out1];
                mad.lo.u64 %g, %i, {scale}, %g;
                st.global.{kind} [%g], %a0;
                atom.global.cas.{kind} %d0, [%g], %a1, %a2;
                ld.global.{kind} %d1, [%g];""", ".reg .b64 %g;", target)
    # Packed halves: no NaN, whose bits are free.
    for kind, f, values, target in (("f16x2", F16, HALVES, "sm_75"), ("bf16x2", BF16, BFLOATS, "sm_90")):
        small = [v for v in values if not f.is_nan(v) and not f.is_inf(v)]
        rows = [(x | y << 16, y | x << 16) for x, y in pairs(small, 2)]
        rows = [(a, b) for a, b in rows if NAN not in (add(f, a & 0xFFFF, b & 0xFFFF), add(f, a >> 16, b >> 16))]
        a, b = columns(rows)
        emit("atomic", f"atom_global_add_noftz_{kind}", "9.7.13 atom", [("b32", a), ("b32", b)],
             [("b32", a), ("b32", [add(f, x & 0xFFFF, y & 0xFFFF) | add(f, x >> 16, y >> 16) << 16 for x, y in rows])],
             f"""ld.param.u64 %g, [out1];
                mad.lo.u64 %g, %i, 4, %g;
                st.global.b32 [%g], %a0;
                atom.global.add.noftz.{kind} %d0, [%g], %a1;
                ld.global.b32 %d1, [%g];""", ".reg .b64 %g;", target)
    # All lanes of four warps on one address.
    threads = 128
    emit("atomic", "contended_add", "9.7.13 atom", [("u32", list(range(1, threads + 1)))],
         [("u32", [threads * (threads + 1) // 2] * threads)],
         """setp.ne.u32 %q, %t, 0;
            @!%q st.shared.u32 [room], 0;
            bar.sync 0;
            atom.shared.add.u32 %u, [room], %a0;
            bar.sync 0;
            ld.shared.u32 %d0, [room];""", ".shared .align 4 .b8 room[4];\n.reg .b32 %u;\n.reg .pred %q;")


def memory():
    widths()
    spaces()
    copies()
    atomics()
