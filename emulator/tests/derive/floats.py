"""9.7.3: single and double precision."""

import math
from fractions import Fraction

from files import *
from formats import *


def floats(family, f, kind, values, sections, ftz_too):
    mode_names = ("rn", "rz", "rm", "rp")
    variants = [(mode, False) for mode in mode_names] + ([("rn", True), ("rz", True)] if ftz_too else [])
    for mode, ftz in variants:
        suffix = f".{mode}" + (".ftz" if ftz else "") + f".{kind}"
        tag = suffix[1:].replace(".", "_")
        for name, op in (("add", add), ("sub", sub), ("mul", mul), ("div", div)):
            binary(family, f"{name}_{tag}", f"{sections[name]} {name}", kind, values,
                   lambda a, b, op=op, mode=mode, ftz=ftz: op(f, a, b, mode, ftz), name + suffix)
        triples = [(a, b, values[(k * 5 + 3) % len(values)]) for k, (a, b) in enumerate(pairs(values, 6))]
        # Cases where two roundings differ from one: the product is just off a tie of the sum.
        tie = one(f) + 1
        triples += [(tie, tie, one(f) ^ f.sign), (tie, tie, tie ^ f.sign), (one(f) + 2, one(f) + 3, 1), (tie, tie, f.sign | 1)]
        a, b, c = columns(triples)
        emit(family, f"fma_{tag}", f"{sections['fma']} fma", [(kind, a), (kind, b), (kind, c)],
             [(kind, [fma(f, *t, mode, ftz) for t in triples])], f"fma{suffix} %d0, %a0, %a1, %a2;")
        roots = values + [0x40000000 if f is F32 else 0x4000 << 48, one(f) + 2, one(f) - 1]
        unary(family, f"sqrt_{tag}", f"{sections['sqrt']} sqrt", kind, roots,
              lambda a, mode=mode, ftz=ftz: sqrt(f, a, mode, ftz), "sqrt" + suffix)
        unary(family, f"rcp_{tag}", f"{sections['rcp']} rcp", kind, values,
              lambda a, mode=mode, ftz=ftz: div(f, one(f), a, mode, ftz), "rcp" + suffix)
    binary(family, f"min_{kind}", f"{sections['min']} min", kind, values,
           lambda a, b: minmax(f, a, b, False), f"min.{kind}")
    binary(family, f"max_{kind}", f"{sections['max']} max", kind, values,
           lambda a, b: minmax(f, a, b, True), f"max.{kind}")
    number = [v for v in values if not f.is_nan(v)]
    unary(family, f"abs_{kind}", f"{sections['abs']} abs", kind, number, lambda a: a & ~f.sign, f"abs.{kind}")
    unary(family, f"neg_{kind}", f"{sections['neg']} neg", kind, number, lambda a: a ^ f.sign, f"neg.{kind}")
    binary(family, f"copysign_{kind}", "9.7.3.2 copysign", kind, values,
           lambda a, b: a & f.sign | b & ~f.sign, f"copysign.{kind}")


def testp(f, b, what):
    magnitude = b & (f.sign - 1)
    subnormal = 0 < magnitude < 1 << (f.p - 1)
    return int({
        "finite": magnitude < f.inf, "infinite": magnitude == f.inf, "number": magnitude <= f.inf,
        "notanumber": magnitude > f.inf, "subnormal": subnormal,
        "normal": magnitude < f.inf and not subnormal and magnitude != 0,
    }[what])


def float_family():
    sections = {"add": "9.7.3.3", "sub": "9.7.3.4", "mul": "9.7.3.5", "fma": "9.7.3.6", "div": "9.7.3.8",
                "abs": "9.7.3.9", "neg": "9.7.3.10", "min": "9.7.3.11", "max": "9.7.3.12", "rcp": "9.7.3.13",
                "sqrt": "9.7.3.15"}
    floats("float", F32, "f32", FLOATS, sections, True)
    floats("double", F64, "f64", DOUBLES, sections, False)
    for kind, name, f, values in (("f32", "float", F32, FLOATS), ("f64", "double", F64, DOUBLES)):
        tests = ("finite", "infinite", "number", "notanumber", "subnormal") + (("normal",) if True else ())
        values = [v for v in values if not f.is_zero(v)]
        emit(name, f"testp_{kind}", "9.7.3.1 testp", [(kind, values)],
             [("u32", [testp(f, v, t) for v in values]) for t in tests],
             "\n".join(f"testp.{t}.{kind} %q, %a0;\nselp.u32 %d{k}, 1, 0, %q;" for k, t in enumerate(tests)),
             ".reg .pred %q;")
    for nan, ftz in ((True, False), (True, True), (False, True)):
        tag = (".ftz" if ftz else "") + (".NaN" if nan else "") + ".f32"
        for name, is_max in (("min", False), ("max", True)):
            binary("float", name + tag.replace(".", "_").lower(), f"{sections[name]} {name}", "f32", FLOATS,
                   lambda a, b, x=is_max, n=nan, z=ftz: minmax(F32, a, b, x, n, z), name + tag,
                   target="sm_80" if nan else "sm_75")
    saturated = lambda r: 0 if r == NAN or F32.negative(r) else min(r, one(F32))
    binary("float", "add_sat_f32", "9.7.3.3 add", "f32", FLOATS, lambda a, b: saturated(add(F32, a, b)), "add.sat.f32")
    binary("float", "mul_rn_sat_f32", "9.7.3.5 mul", "f32", FLOATS,
           lambda a, b: saturated(mul(F32, a, b)), "mul.rn.sat.f32")
    # Approximations: within the error that the section states, and exact at the corners it lists.
    exact = [0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000]
    finite = [0x3F800000, 0x40000000, 0x3F000000, 0x40490FDB, 0x3EAAAAAB, 0x41200000, 0x42C80000, 0x3A83126F]
    both = [v | s for v in finite for s in (0, 0x80000000)]
    unary("float", "rcp_approx_f32", "9.7.3.13 rcp", "f32", exact + both, lambda a: div(F32, one(F32), a),
          "rcp.approx.ftz.f32", tolerance="ulp=1 ")
    unary("float", "sqrt_approx_f32", "9.7.3.15 sqrt", "f32", exact + finite, lambda a: sqrt(F32, a),
          "sqrt.approx.ftz.f32", tolerance="rel=-23 ")

    def rsqrt(a):
        if F32.is_zero(a):
            return F32.inf | a & F32.sign
        if F32.is_nan(a) or F32.negative(a):
            return NAN
        return 0 if F32.is_inf(a) else F32.round(1 / F64.value(sqrt(F64, F64.round(F32.value(a)))))

    unary("float", "rsqrt_approx_f32", "9.7.3.16 rsqrt", "f32", exact + finite, rsqrt, "rsqrt.approx.ftz.f32",
          tolerance="rel=-22.9 ")
    powers = [(F32.round(Fraction(k)), F32.round(Fraction(2) ** k)) for k in (-126, -10, -1, 0, 1, 2, 10, 127)]
    powers += [(0x7F800000, 0x7F800000), (0xFF800000, 0), (0x80000000, 0x3F800000), (0x7FC00000, NAN)]
    emit("float", "ex2_approx_f32", "9.7.3.21 ex2", [("f32", [p[0] for p in powers])], [("f32", [p[1] for p in powers])],
         "ex2.approx.ftz.f32 %d0, %a0;", tolerance="ulp=2 ")
    powers = [(p[1], p[0]) for p in powers[:8]] + [(0, 0xFF800000), (0x7F800000, 0x7F800000), (0xBF800000, NAN)]
    emit("float", "lg2_approx_f32", "9.7.3.20 lg2", [("f32", [p[0] for p in powers])], [("f32", [p[1] for p in powers])],
         "lg2.approx.ftz.f32 %d0, %a0;", tolerance="abs=-22 ")
    tanh = [(0, 0), (0x80000000, 0x80000000), (0x7F800000, 0x3F800000), (0xFF800000, 0xBF800000), (0x7FC00000, NAN),
            (0x41A00000, 0x3F800000)]
    emit("float", "tanh_approx_f32", "9.7.3.22 tanh", [("f32", [p[0] for p in tanh])], [("f32", [p[1] for p in tanh])],
         "tanh.approx.f32 %d0, %a0;", tolerance="rel=-11 ")
    # "div": by more than 2^126 the fast one gives a zero of the right sign, or NaN for infinities; the full one divides
    pair = lambda a, b: div(F32, a, b, "rn", True)
    tame = [(a, b) for a in (0x3F800000, 0x40490FDB, 0xC1200000, 0x42C80000) for b in (0x40400000, 0xBEAAAAAB, 0x3A83126F)]
    tame += [(0x7E800000, 0x7E800000), (0x7F000000, 0xFE800000), (0x00800000, 0x00800000), (0, 0x40400000)]
    huge = [(0x3F800000, 0x7E800001), (0xFE800001, 0x7E800001), (0x7E800001, 0xFF7FFFFF), (0x80000000, 0xFF7FFFFF)]
    for name, beyond in (("approx", lambda a, b: (a ^ b) & F32.sign), ("full", pair)):
        rows = [(a, b, pair(a, b)) for a, b in tame] + [(a, b, beyond(a, b)) for a, b in huge]
        if name == "approx":
            rows.append((F32.inf, 0x7E800001, NAN))
        a, b, d = columns(rows)
        emit("float", f"div_{name}_f32", "9.7.3.8 div", [("f32", a), ("f32", b)], [("f32", d)],
             f"div.{name}.ftz.f32 %d0, %a0, %a1;", tolerance="ulp=2 ")
