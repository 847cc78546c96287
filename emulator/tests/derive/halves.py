"""9.7.4: f16 and bf16, packed too."""

import math
from fractions import Fraction

from files import *
from formats import *


def halves():
    sections = {"add": "9.7.4.1", "sub": "9.7.4.2", "mul": "9.7.4.3", "fma": "9.7.4.4", "neg": "9.7.4.5",
                "abs": "9.7.4.6", "min": "9.7.4.7", "max": "9.7.4.8"}
    for family, f, kind, values in (("half", F16, "f16", HALVES), ("bfloat", BF16, "bf16", BFLOATS)):
        arithmetic = "sm_75" if f is F16 else "sm_90"
        newer = "sm_75" if f is F16 else "sm_80"
        bits = kind
        for name, op in (("add", add), ("sub", sub), ("mul", mul)):
            binary(family, f"{name}_rn_{kind}", f"{sections[name]} {name}", bits, values,
                   lambda a, b, op=op, f=f: op(f, a, b), f"{name}.rn.{kind}", target=arithmetic)
        triples = [(a, b, values[(k * 5 + 3) % len(values)]) for k, (a, b) in enumerate(pairs(values, 5))]
        a, b, c = columns(triples)
        r = [fma(f, *t) for t in triples]
        emit(family, f"fma_rn_{kind}", f"{sections['fma']} fma", [(bits, a), (bits, b), (bits, c)], [(bits, r)],
             f"fma.rn.{kind} %d0, %a0, %a1, %a2;", target=newer)
        # No -0: the text says that negative values become 0, and not whether -0 is one.
        relu = lambda x, f=f: f.sign - 1 if x == NAN else 0 if f.negative(x) else x
        kept = [(t, x) for t, x in zip(triples, r) if x != f.sign]
        emit(family, f"fma_rn_relu_{kind}", f"{sections['fma']} fma",
             [(bits, [t[k] for t, _ in kept]) for k in range(3)], [(bits, [relu(x) for _, x in kept])], f"fma.rn.relu.{kind} %d0, %a0, %a1, %a2;", target="sm_80")
        for name, is_max in (("min", False), ("max", True)):
            binary(family, f"{name}_{kind}", f"{sections[name]} {name}", bits, values,
                   lambda a, b, x=is_max, f=f: minmax(f, a, b, x), f"{name}.{kind}", target="sm_80")
            binary(family, f"{name}_nan_{kind}", f"{sections[name]} {name}", bits, values,
                   lambda a, b, x=is_max, f=f: minmax(f, a, b, x, True), f"{name}.NaN.{kind}", target="sm_80")
        number = [v for v in values if not f.is_nan(v)]
        unary(family, f"abs_{kind}", f"{sections['abs']} abs", bits, number, lambda a: a & 0x7FFF, f"abs.{kind}", target=newer)
        unary(family, f"neg_{kind}", f"{sections['neg']} neg", bits, number, lambda a: a ^ 0x8000, f"neg.{kind}", target=newer)
        # Packed: the same in both halves of a word. No NaN, whose bits are free.
        two = [(x, y) for x, y in pairs(number, 4)]
        packed = lambda ps: [x | y << 16 for x, y in ps]
        other = two[7:] + two[:7]
        for name, op, target in (("add", add, arithmetic), ("mul", mul, arithmetic)):
            rows = [(p, q) for p, q in zip(two, other) if NAN not in (op(f, p[0], q[0]), op(f, p[1], q[1]))]
            emit(family, f"{name}_rn_{kind}x2", f"{sections[name]} {name}",
                 [("b32", packed(p for p, _ in rows)), ("b32", packed(q for _, q in rows))],
                 [("b32", packed((op(f, p[0], q[0]), op(f, p[1], q[1])) for p, q in rows))],
                 f"{name}.rn.{kind}x2 %d0, %a0, %a1;", target=target)
        third = two[13:] + two[:13]
        rows = [(p, q, s) for p, q, s in zip(two, other, third)
                if NAN not in (fma(f, p[0], q[0], s[0]), fma(f, p[1], q[1], s[1]))]
        emit(family, f"fma_rn_{kind}x2", f"{sections['fma']} fma",
             [("b32", packed(r[k] for r in rows)) for k in range(3)],
             [("b32", packed((fma(f, p[0], q[0], s[0]), fma(f, p[1], q[1], s[1])) for p, q, s in rows))],
             f"fma.rn.{kind}x2 %d0, %a0, %a1, %a2;", target=newer)
