"""9.7.1, 9.7.2: integer arithmetic, with carry too."""

import math
from fractions import Fraction

from files import *
from formats import *


def integer():
    for bits in (16, 32, 64):
        v, m = CORNERS[bits], (1 << bits) - 1
        s = lambda x, bits=bits: signed(x, bits)
        u, i = f"u{bits}", f"s{bits}"
        binary("integer", f"add_{u}", "9.7.1.1 add", u, v, lambda a, b, m=m: a + b & m, f"add.{u}")
        binary("integer", f"sub_{i}", "9.7.1.2 sub", i, v, lambda a, b, m=m: a - b & m, f"sub.{i}")
        binary("integer", f"mul_lo_{i}", "9.7.1.3 mul", i, v, lambda a, b, m=m: a * b & m, f"mul.lo.{i}")
        binary("integer", f"mul_hi_{u}", "9.7.1.3 mul", u, v, lambda a, b, n=bits: a * b >> n, f"mul.hi.{u}")
        binary("integer", f"mul_hi_{i}", "9.7.1.3 mul", i, v,
               lambda a, b, n=bits, s=s, m=m: s(a) * s(b) >> n & m, f"mul.hi.{i}")
        # Division by zero is unspecified; so is the most negative number by -1 in its size.
        proper = lambda a, b, n=bits: b != 0 and not (a == 1 << (n - 1) and b == (1 << n) - 1)
        quotient = lambda a, b: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        binary("integer", f"div_{u}", "9.7.1.8 div", u, v, lambda a, b: a // b, f"div.{u}", keep=proper)
        binary("integer", f"div_{i}", "9.7.1.8 div", i, v,
               lambda a, b, s=s, m=m: quotient(s(a), s(b)) & m, f"div.{i}", keep=proper)
        binary("integer", f"rem_{u}", "9.7.1.9 rem", u, v, lambda a, b: a % b, f"rem.{u}", keep=proper)
        binary("integer", f"rem_{i}", "9.7.1.9 rem", i, v,
               lambda a, b, s=s, m=m: s(a) - quotient(s(a), s(b)) * s(b) & m, f"rem.{i}", keep=proper)
        unary("integer", f"abs_{i}", "9.7.1.10 abs", i, v, lambda a, s=s, m=m: abs(s(a)) & m, f"abs.{i}")
        unary("integer", f"neg_{i}", "9.7.1.11 neg", i, v, lambda a, m=m: -a & m, f"neg.{i}")
        binary("integer", f"min_{u}", "9.7.1.12 min", u, v, min, f"min.{u}")
        binary("integer", f"min_{i}", "9.7.1.12 min", i, v, lambda a, b, s=s: min(a, b, key=s), f"min.{i}")
        binary("integer", f"max_{u}", "9.7.1.13 max", u, v, max, f"max.{u}")
        binary("integer", f"max_{i}", "9.7.1.13 max", i, v, lambda a, b, s=s: max(a, b, key=s), f"max.{i}")
        sad = [(a, b, v[(k * 3 + 1) % len(v)]) for k, (a, b) in enumerate(pairs(v, 3))]
        a, b, c = columns(sad)
        emit("integer", f"sad_{i}", "9.7.1.7 sad", [(i, a), (i, b), (i, c)],
             [(i, [c + abs(s(a) - s(b)) & m for a, b, c in sad])], f"sad.{i} %d0, %a0, %a1, %a2;")
        emit("integer", f"mad_lo_{u}", "9.7.1.4 mad", [(u, a), (u, b), (u, c)],
             [(u, [a * b + c & m for a, b, c in sad])], f"mad.lo.{u} %d0, %a0, %a1, %a2;")
        emit("integer", f"mad_hi_{i}", "9.7.1.4 mad", [(i, a), (i, b), (i, c)],
             [(i, [(s(a) * s(b) >> bits) + c & m for a, b, c in sad])], f"mad.hi.{i} %d0, %a0, %a1, %a2;")
        if bits < 64:
            wide = f"u{2 * bits}", f"s{2 * bits}", (1 << 2 * bits) - 1
            binary("integer", f"mul_wide_{u}", "9.7.1.3 mul", u, v, lambda a, b: a * b, f"mul.wide.{u}", wide[0])
            binary("integer", f"mul_wide_{i}", "9.7.1.3 mul", i, v,
                   lambda a, b, s=s, w=wide: s(a) * s(b) & w[2], f"mul.wide.{i}", wide[1])
            addends = [v[(k * 7) % len(v)] << bits | 0x5A for k in range(len(a))]
            emit("integer", f"mad_wide_{i}", "9.7.1.4 mad", [(i, a), (i, b), (wide[1], addends)],
                 [(wide[1], [s(x) * s(y) + z & wide[2] for x, y, z in zip(a, b, addends)])],
                 f"mad.wide.{i} %d0, %a0, %a1, %a2;")
        if bits > 16:
            unary("integer", f"popc_b{bits}", "9.7.1.14 popc", f"b{bits}", v, lambda a: bin(a).count("1"),
                  f"popc.b{bits}", "u32")
            unary("integer", f"clz_b{bits}", "9.7.1.15 clz", f"b{bits}", v,
                  lambda a, n=bits: n - a.bit_length(), f"clz.b{bits}", "u32")
            top = lambda a: a.bit_length() - 1 & 0xFFFFFFFF
            unary("integer", f"bfind_{u}", "9.7.1.16 bfind", u, v, top, f"bfind.{u}", "u32")
            # Signed: the most significant bit that differs from the sign.
            unary("integer", f"bfind_{i}", "9.7.1.16 bfind", i, v,
                  lambda a, s=s, m=m: top(a ^ m if s(a) < 0 else a), f"bfind.{i}", "u32")
            unary("integer", f"bfind_shiftamt_{u}", "9.7.1.16 bfind", u, v,
                  lambda a, n=bits: 0xFFFFFFFF if a == 0 else n - a.bit_length(), f"bfind.shiftamt.{u}", "u32")
            unary("integer", f"brev_b{bits}", "9.7.1.18 brev", f"b{bits}", v,
                  lambda a, n=bits: int(f"{a:0{n}b}"[::-1], 2), f"brev.b{bits}")
            fields = [(a, p, n) for a in v[3:] for p, n in ((0, bits), (4, 8), (bits - 4, 8), (bits, 4), (0, 0),
                                                            (bits - 1, 1), (1, bits), (255, 255), (260, 8))]

            def bfe(a, p, n, signed_, bits=bits):
                p, n = p & 0xFF, n & 0xFF
                msb = bits - 1
                fill = 0 if not signed_ or n == 0 else a >> min(p + n - 1, msb) & 1
                return sum(((a >> p + k & 1) if k < n and p + k <= msb else fill) << k for k in range(bits))

            def bfi(a, b, p, n, bits=bits):
                p, n = p & 0xFF, n & 0xFF
                for k in range(n):
                    if p + k < bits:
                        b = b & ~(1 << p + k) | (a >> k & 1) << p + k
                return b

            a, p, n = columns(fields)
            for kind, is_signed in ((u, False), (i, True)):
                emit("integer", f"bfe_{kind}", "9.7.1.19 bfe", [(kind, a), ("u32", p), ("u32", n)],
                     [(kind, [bfe(*f, is_signed) for f in fields])], f"bfe.{kind} %d0, %a0, %a1, %a2;")
            base = [v[k % len(v)] for k in range(len(a))]
            emit("integer", f"bfi_b{bits}", "9.7.1.20 bfi",
                 [(f"b{bits}", a), (f"b{bits}", base), ("u32", p), ("u32", n)],
                 [(f"b{bits}", [bfi(f[0], b, f[1], f[2]) for f, b in zip(fields, base)])],
                 f"bfi.b{bits} %d0, %a0, %a1, %a2, %a3;")
    low24 = lambda a: a & 0xFFFFFF
    s24 = lambda a: signed(a, 24)
    saturated = lambda v: min(max(v, -(1 << 31)), (1 << 31) - 1)
    rows = [(a, b, U32[(k * 3 + 1) % 16]) for k, (a, b) in enumerate(pairs(U32, 3))]
    a, b, c = columns(rows)
    for ty, part in (("u32", low24), ("s32", s24)):
        for half, shift in (("lo", 0), ("hi", 16)):
            product = lambda a, b, part=part, shift=shift: part(a) * part(b) >> shift & 0xFFFFFFFF
            binary("integer", f"mul24_{half}_{ty}", "9.7.1.5 mul24", ty, U32, product, f"mul24.{half}.{ty}")
            emit("integer", f"mad24_{half}_{ty}", "9.7.1.6 mad24", [(ty, a), (ty, b), (ty, c)],
                 [(ty, [product(a, b) + c & 0xFFFFFFFF for a, b, c in rows])], f"mad24.{half}.{ty} %d0, %a0, %a1, %a2;")
    emit("integer", "mad24_hi_sat_s32", "9.7.1.6 mad24", [("s32", a), ("s32", b), ("s32", c)],
         [("s32", [saturated((s24(a) * s24(b) >> 16) + signed(c, 32)) & 0xFFFFFFFF for a, b, c in rows])],
         "mad24.hi.sat.s32 %d0, %a0, %a1, %a2;")
    sat = lambda v: min(max(v, -(1 << 31)), (1 << 31) - 1) & 0xFFFFFFFF
    s32 = lambda a: signed(a, 32)
    binary("integer", "add_sat_s32", "9.7.1.1 add", "s32", U32, lambda a, b: sat(s32(a) + s32(b)), "add.sat.s32")
    binary("integer", "sub_sat_s32", "9.7.1.2 sub", "s32", U32, lambda a, b: sat(s32(a) - s32(b)), "sub.sat.s32")
    rows = [(a, b, U32[(k * 5) % 16]) for k, (a, b) in enumerate(pairs(U32, 3))]
    a, b, c = columns(rows)
    octets = lambda v, sg: [signed(v >> 8 * k, 8) if sg else v >> 8 * k & 0xFF for k in range(4)]
    for ka, kb in (("u32", "u32"), ("s32", "s32"), ("u32", "s32"), ("s32", "u32")):
        dot = lambda r, ka=ka, kb=kb: sum(x * y for x, y in zip(octets(r[0], ka[0] == "s"), octets(r[1], kb[0] == "s")))
        emit("integer", f"dp4a_{ka}_{kb}", "9.7.1.23 dp4a", [(ka, a), (kb, b), ("s32", c)],
             [("s32", [dot(r) + r[2] & 0xFFFFFFFF for r in rows])], f"dp4a.{ka}.{kb} %d0, %a0, %a1, %a2;")
    words = lambda v: [signed(v, 16), signed(v >> 16, 16)]
    for half, at in (("lo", 0), ("hi", 2)):
        dot2 = lambda r, at=at: sum(x * y for x, y in zip(words(r[0]), octets(r[1], True)[at:at + 2]))
        emit("integer", f"dp2a_{half}_s32_s32", "9.7.1.24 dp2a", [("s32", a), ("s32", b), ("s32", c)],
             [("s32", [dot2(r) + r[2] & 0xFFFFFFFF for r in rows])], f"dp2a.{half}.s32.s32 %d0, %a0, %a1, %a2;")


def extended():
    m = 0xFFFFFFFF
    rows = pairs(U64, 4)
    for name, section, op, low, high in (
        ("add_cc_addc", "9.7.2.1 add.cc, 9.7.2.2 addc", lambda a, b: a + b, "add.cc.u32", "addc.u32"),
        ("sub_cc_subc", "9.7.2.3 sub.cc, 9.7.2.4 subc", lambda a, b: a - b, "sub.cc.u32", "subc.u32"),
    ):
        r = [op(a, b) & 0xFFFFFFFFFFFFFFFF for a, b in rows]
        emit("extended", name, section,
             [("u32", [a & m for a, _ in rows]), ("u32", [a >> 32 for a, _ in rows]),
              ("u32", [b & m for _, b in rows]), ("u32", [b >> 32 for _, b in rows])],
             [("u32", [x & m for x in r]), ("u32", [x >> 32 for x in r])],
             f"{low} %d0, %a0, %a2;\n{high} %d1, %a1, %a3;")
    # 64 x 64 -> 128 bits by the schoolbook method, with every carry.
    rows = pairs(U64, 4)
    r = [a * b for a, b in rows]
    emit("extended", "mad_cc_madc_mul128", "9.7.2.5 mad.cc, 9.7.2.6 madc",
         [("u32", [a & m for a, _ in rows]), ("u32", [a >> 32 for a, _ in rows]),
          ("u32", [b & m for _, b in rows]), ("u32", [b >> 32 for _, b in rows])],
         [("u32", [x >> 32 * k & m for x in r]) for k in range(4)],
         """mul.lo.u32 %d0, %a0, %a2;
            mul.hi.u32 %d1, %a0, %a2;
            mad.lo.cc.u32 %d1, %a0, %a3, %d1;
            madc.hi.u32 %d2, %a0, %a3, 0;
            mad.lo.cc.u32 %d1, %a1, %a2, %d1;
            madc.hi.cc.u32 %d2, %a1, %a2, %d2;
            addc.u32 %d3, 0, 0;
            mad.lo.cc.u32 %d2, %a1, %a3, %d2;
            madc.hi.u32 %d3, %a1, %a3, %d3;""")
    # The carry out of three steps in a row, read as a number.
    rows = [(a, b, c) for k, (a, b) in enumerate(pairs(U32, 3)) for c in [U32[(k * 3 + 7) % 16]]]
    a, b, c = columns(rows)
    emit("extended", "addc_cc_chain", "9.7.2.2 addc", [("u32", a), ("u32", b), ("u32", c)],
         [("u32", [(x + y & m) for x, y, z in rows]),
          ("u32", [(y + z + (x + y >> 32) & m) for x, y, z in rows]),
          ("u32", [(y + z + (x + y >> 32)) >> 32 for x, y, z in rows])],
         "add.cc.u32 %d0, %a0, %a1;\naddc.cc.u32 %d1, %a1, %a2;\naddc.u32 %d2, 0, 0;")
