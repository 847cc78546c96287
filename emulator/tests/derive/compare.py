"""9.7.6, 9.7.7: comparison and selection."""

import math
from fractions import Fraction

from files import *
from formats import *


COMPARE = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
           "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}


def compare():
    for bits in (16, 32, 64):
        for sign in "us":
            kind = f"{sign}{bits}"
            rows = pairs(CORNERS[bits], 4)
            a, b = columns(rows)
            conv = (lambda x, n=bits: signed(x, n)) if sign == "s" else (lambda x: x)
            emit("compare", f"setp_{kind}", "9.7.6.2 setp", [(kind, a), (kind, b)],
                 [("u32", [int(op(conv(x), conv(y))) for x, y in rows]) for op in COMPARE.values()],
                 "\n".join(f"setp.{n}.{kind} %q, %a0, %a1;\nselp.u32 %d{k}, 1, 0, %q;" for k, n in enumerate(COMPARE)),
                 ".reg .pred %q;")
    unordered = {n + "u": n for n in COMPARE}
    unordered["neu"] = unordered.pop("neu")
    for kind, f, values, target in (("f32", F32, FLOATS, "sm_75"), ("f64", F64, DOUBLES, "sm_75"),
                                    ("f16", F16, HALVES, "sm_75"), ("bf16", BF16, BFLOATS, "sm_90")):
        rows = pairs(values, 5)
        a, b = columns(rows)
        element = kind
        section = "9.7.6.2 setp" if width(kind) > 16 else "9.7.7.2 setp"

        def ordered(op, x, y, if_nan, f=f):
            if f.is_nan(x) or f.is_nan(y):
                return int(if_nan)
            if f.is_inf(x) or f.is_inf(y):
                key = lambda z: 0 if not f.is_inf(z) else -1 if f.negative(z) else 1
                return int(op(key(x), key(y)))
            return int(op(f.value(x), f.value(y)))

        emit("compare", f"setp_{kind}", section, [(element, a), (element, b)],
             [("u32", [ordered(op, x, y, False) for x, y in rows]) for op in COMPARE.values()],
             "\n".join(f"setp.{n}.{kind} %q, %a0, %a1;\nselp.u32 %d{k}, 1, 0, %q;" for k, n in enumerate(COMPARE)),
             ".reg .pred %q;", target)
        emit("compare", f"setp_unordered_{kind}", section, [(element, a), (element, b)],
             [("u32", [ordered(COMPARE[n], x, y, True) for x, y in rows]) for n in unordered.values()],
             "\n".join(f"setp.{n}.{kind} %q, %a0, %a1;\nselp.u32 %d{k}, 1, 0, %q;" for k, n in enumerate(unordered)),
             ".reg .pred %q;", target)
        num = [int(not f.is_nan(x) and not f.is_nan(y)) for x, y in rows]
        emit("compare", f"setp_num_nan_{kind}", section, [(element, a), (element, b)],
             [("u32", num), ("u32", [1 - n for n in num])],
             f"setp.num.{kind} %q, %a0, %a1;\nselp.u32 %d0, 1, 0, %q;\n"
             f"setp.nan.{kind} %q, %a0, %a1;\nselp.u32 %d1, 1, 0, %q;", ".reg .pred %q;", target)
    rows = [(a, b, k & 1) for k, (a, b) in enumerate(pairs(U32, 3))]
    a, b, c = columns(rows)
    emit("compare", "setp_and_or_xor_two", "9.7.6.2 setp", [("s32", a), ("s32", b), ("u32", c)],
         [("u32", [int(f(signed(x, 32) < signed(y, 32), bool(z))) for x, y, z in rows])
          for f in (lambda t, z: t and z, lambda t, z: not t and z, lambda t, z: t or z, lambda t, z: not t or z,
                    lambda t, z: t != z)],
         """setp.ne.u32 %z, %a2, 0;
            setp.lt.and.s32 %q|%r, %a0, %a1, %z;
            selp.u32 %d0, 1, 0, %q;
            selp.u32 %d1, 1, 0, %r;
            setp.lt.or.s32 %q|%r, %a0, %a1, %z;
            selp.u32 %d2, 1, 0, %q;
            selp.u32 %d3, 1, 0, %r;
            setp.lt.xor.s32 %q, %a0, %a1, %z;
            selp.u32 %d4, 1, 0, %q;""", ".reg .pred %q, %r, %z;")
    emit("compare", "set_u32_s32", "9.7.6.1 set", [("s32", a), ("s32", b)],
         [("u32", [0xFFFFFFFF if signed(x, 32) <= signed(y, 32) else 0 for x, y, _ in rows]),
          ("f32", [one(F32) if signed(x, 32) <= signed(y, 32) else 0 for x, y, _ in rows])],
         "set.le.u32.s32 %d0, %a0, %a1;\nset.le.f32.s32 %d1, %a0, %a1;")
    emit("compare", "slct_b32_s32", "9.7.6.4 slct", [("b32", a), ("b32", b), ("s32", [y for _, y, _ in rows])],
         [("b32", [x if signed(y, 32) >= 0 else y for x, y, _ in rows])], "slct.b32.s32 %d0, %a0, %a1, %a2;")
