"""9.7.8: logic and shifts."""

import math
from fractions import Fraction

from files import *
from formats import *


def logic():
    for bits in (16, 32, 64):
        kind, v, m = f"b{bits}", CORNERS[bits], (1 << bits) - 1
        s = lambda x, n=bits: signed(x, n)
        binary("logic", f"and_{kind}", "9.7.8.1 and", kind, v, lambda a, b: a & b, f"and.{kind}")
        binary("logic", f"or_{kind}", "9.7.8.2 or", kind, v, lambda a, b: a | b, f"or.{kind}")
        binary("logic", f"xor_{kind}", "9.7.8.3 xor", kind, v, lambda a, b: a ^ b, f"xor.{kind}")
        unary("logic", f"not_{kind}", "9.7.8.4 not", kind, v, lambda a, m=m: a ^ m, f"not.{kind}")
        unary("logic", f"cnot_{kind}", "9.7.8.5 cnot", kind, v, lambda a: int(a == 0), f"cnot.{kind}")
        amounts = (0, 1, bits // 2, bits - 1, bits, bits + 1, 64, 255, 0x80000000, 0xFFFFFFFF)
        rows = [(a, n) for a in v[-8:] for n in amounts]
        a, n = columns(rows)
        clamp = lambda n, bits=bits: min(n, bits)
        emit("logic", f"shl_{kind}", "9.7.8.8 shl", [(kind, a), ("u32", n)],
             [(kind, [x << clamp(k) & m for x, k in rows])], f"shl.{kind} %d0, %a0, %a1;")
        emit("logic", f"shr_u{bits}", "9.7.8.9 shr", [(f"u{bits}", a), ("u32", n)],
             [(f"u{bits}", [x >> clamp(k) for x, k in rows])], f"shr.u{bits} %d0, %a0, %a1;")
        emit("logic", f"shr_s{bits}", "9.7.8.9 shr", [(f"s{bits}", a), ("u32", n)],
             [(f"s{bits}", [s(x) >> clamp(k) & m for x, k in rows])], f"shr.s{bits} %d0, %a0, %a1;")
    rows = [(a, b, n) for k, (a, b) in enumerate(pairs(U32, 2)) for n in (0, 1, 31, 32, 33, 0xFFFFFFFF)]
    a, b, n = columns(rows)
    for name, side, amount in (("l_wrap", "l.wrap", lambda n: n & 31), ("l_clamp", "l.clamp", lambda n: min(n, 32)),
                               ("r_wrap", "r.wrap", lambda n: n & 31), ("r_clamp", "r.clamp", lambda n: min(n, 32))):
        def funnel(lo, hi, n, left=name[0] == "l"):
            v = hi << 32 | lo
            return (v << n >> 32 if left else v >> n) & 0xFFFFFFFF
        emit("logic", f"shf_{name}_b32", "9.7.8.7 shf", [("b32", a), ("b32", b), ("u32", n)],
             [("b32", [funnel(x, y, amount(k)) for x, y, k in rows])], f"shf.{side}.b32 %d0, %a0, %a1, %a2;")
    rows = [(a, b, U32[(3 * k + 2) % 16] ^ 0x0F0F3355) for k, (a, b) in enumerate(pairs(U32, 3))]
    a, b, c = columns(rows)
    tables = (0x80, 0xFE, 0x96, 0xE8, 0xCA, 0x00, 0x3C)

    def lop3(a, b, c, table):
        return sum((table >> ((a >> k & 1) << 2 | (b >> k & 1) << 1 | (c >> k & 1)) & 1) << k for k in range(32))

    emit("logic", "lop3_b32", "9.7.8.6 lop3", [("b32", a), ("b32", b), ("b32", c)],
         [("b32", [lop3(*r, t) for r in rows]) for t in tables],
         "\n".join(f"lop3.b32 %d{k}, %a0, %a1, %a2, {t:#x};" for k, t in enumerate(tables)))
