"""9.7.9: mov, prmt."""

import math
from fractions import Fraction

from files import *
from formats import *


def move():
    rows = [(a, b, s) for a, b in ((0x33221100, 0x77665544), (0x80FF7F00, 0xFE018081))
            for s in (0x3210, 0x7654, 0x0123, 0x7362, 0xFEDC, 0x89AB, 0x0000, 0xBA98, 0xC3D2, 0x12345410)]
    a, b, s = columns(rows)

    def prmt(a, b, s):
        octets = [(b << 32 | a) >> 8 * k & 0xFF for k in range(8)]
        out = 0
        for k in range(4):
            n = s >> 4 * k & 0xF
            v = octets[n & 7]
            out |= ((0xFF if v & 0x80 else 0) if n & 8 else v) << 8 * k
        return out

    emit("moves", "prmt_b32", "9.7.9.7 prmt", [("b32", a), ("b32", b), ("u32", s)], [("b32", [prmt(*r) for r in rows])],
         "prmt.b32 %d0, %a0, %a1, %a2;")
    picks = {
        "f4e": [(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 6)],
        "b4e": [(0, 7, 6, 5), (1, 0, 7, 6), (2, 1, 0, 7), (3, 2, 1, 0)],
        "rc8": [(k, k, k, k) for k in range(4)],
        "ecl": [(0, 1, 2, 3), (1, 1, 2, 3), (2, 2, 2, 3), (3, 3, 3, 3)],
        "ecr": [(0, 0, 0, 0), (0, 1, 1, 1), (0, 1, 2, 2), (0, 1, 2, 3)],
        "rc16": [(0, 1, 0, 1), (2, 3, 2, 3), (0, 1, 0, 1), (2, 3, 2, 3)],
    }
    rows = [(a, b, s) for a, b in ((0x33221100, 0x77665544), (0x80FF7F00, 0xFE018081)) for s in range(6)]
    a, b, s = columns(rows)
    modes = [(m, [sum(((y << 32 | x) >> 8 * n & 0xFF) << 8 * k for k, n in enumerate(picks[m][z & 3])) for x, y, z in rows])
             for m in picks]
    emit("moves", "prmt_modes_b32", "9.7.9.7 prmt", [("b32", a), ("b32", b), ("u32", s)], [("b32", v) for _, v in modes],
         "\n".join(f"prmt.b32.{m} %d{k}, %a0, %a1, %a2;" for k, (m, _) in enumerate(modes)))
    v = U64
    emit("moves", "mov_unpack_b64", "9.7.9.4 mov", [("b64", v)],
         [("b32", [x & 0xFFFFFFFF for x in v]), ("b32", [x >> 32 for x in v]), ("b64", [x >> 32 | (x & 0xFFFFFFFF) << 32 for x in v])],
         "mov.b64 {%d0, %d1}, %a0;\nmov.b64 %d2, {%d1, %d0};")
    emit("moves", "mov_unpack_b32", "9.7.9.4 mov", [("b32", U32)],
         [("b16", [x & 0xFFFF for x in U32]), ("b16", [x >> 16 for x in U32]), ("b32", [x >> 16 | (x & 0xFFFF) << 16 for x in U32])],
         "mov.b32 {%d0, %d1}, %a0;\nmov.b32 %d2, {%d1, %d0};")
