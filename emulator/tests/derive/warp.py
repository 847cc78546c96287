"""9.7.9, 9.7.13: shfl, vote, match, redux."""

import functools
import math
from fractions import Fraction

from files import *
from formats import *


def warp():
    lanes = list(range(32))
    values = [(k * 0x9E3779B1 + 0x1234567) & 0xFFFFFFFF for k in lanes]
    for name, instruction, b, c in (
        ("bfly_1", "bfly", 1, 31), ("bfly_16", "bfly", 16, 31), ("bfly_8_width_8", "bfly", 8, 31 | 24 << 8),
        ("down_3", "down", 3, 31), ("down_1_width_8", "down", 1, 31 | 24 << 8), ("up_2", "up", 2, 0),
        ("up_5_width_16", "up", 5, 16 << 8), ("idx_7", "idx", 7, 31), ("idx_3_width_4", "idx", 3, 31 | 28 << 8),
        ("idx_40_wraps", "idx", 40, 31),
    ):
        bval, cval, segment = b & 31, c & 31, c >> 8 & 31

        def source(lane):
            most = (lane & segment) | (cval & ~segment & 31)
            least = lane & segment
            if instruction == "up":
                j, inside = lane - bval, lane - bval >= most
            elif instruction == "down":
                j, inside = lane + bval, lane + bval <= most
            elif instruction == "bfly":
                j, inside = lane ^ bval, lane ^ bval <= most
            else:
                j = least | (bval & ~segment & 31)
                inside = j <= most
            return (j, 1) if inside else (lane, 0)

        emit("warp", f"shfl_{name}", "9.7.9.6 shfl.sync", [("b32", values)],
             [("b32", [values[source(k)[0]] for k in lanes]), ("u32", [source(k)[1] for k in lanes])],
             f"shfl.sync.{instruction}.b32 %d0|%q, %a0, {b}, {c:#x}, 0xffffffff;\nselp.u32 %d1, 1, 0, %q;",
             ".reg .pred %q;")
    flags = [int(k in (0, 3, 4, 17, 31)) for k in lanes]
    ballot = sum(f << k for k, f in enumerate(flags))
    vote = ".reg .pred %q, %r;"
    body = """setp.ne.u32 %q, %a0, 0;
        vote.sync.ballot.b32 %d0, %q, 0xffffffff;
        vote.sync.any.pred %r, %q, 0xffffffff;
        selp.u32 %d1, 1, 0, %r;
        vote.sync.all.pred %r, %q, 0xffffffff;
        selp.u32 %d2, 1, 0, %r;
        vote.sync.uni.pred %r, %q, 0xffffffff;
        selp.u32 %d3, 1, 0, %r;
        vote.sync.ballot.b32 %d4, !%q, 0xffffffff;"""
    for name, f in (("mixed", flags), ("none", [0] * 32), ("all", [1] * 32)):
        mask = sum(x << k for k, x in enumerate(f))
        emit("warp", f"vote_{name}", "9.7.13 vote.sync", [("u32", f)],
             [("b32", [mask] * 32), ("u32", [int(mask != 0)] * 32), ("u32", [int(mask == 0xFFFFFFFF)] * 32),
              ("u32", [int(mask in (0, 0xFFFFFFFF))] * 32), ("b32", [mask ^ 0xFFFFFFFF] * 32)], body, vote)
    keys = [(7, 9, 7, 0xFFFFFFFF)[k % 4] if k < 30 else k for k in lanes]
    same = [sum(1 << j for j in lanes if keys[j] == keys[k]) for k in lanes]
    emit("warp", "match_any_b32", "9.7.13 match.sync", [("b32", keys)], [("b32", same)],
         "match.any.sync.b32 %d0, %a0, 0xffffffff;")
    emit("warp", "match_all_b32", "9.7.13 match.sync", [("b32", keys)], [("b32", [0] * 32), ("u32", [0] * 32)],
         "match.all.sync.b32 %d0|%q, %a0, 0xffffffff;\nselp.u32 %d1, 1, 0, %q;", ".reg .pred %q;")
    emit("warp", "match_all_b64_equal", "9.7.13 match.sync", [("b64", [0x123456789] * 32)],
         [("b32", [0xFFFFFFFF] * 32), ("u32", [1] * 32)],
         "match.all.sync.b64 %d0|%q, %a0, 0xffffffff;\nselp.u32 %d1, 1, 0, %q;", ".reg .pred %q;")
    total = lambda op: [op] * 32
    s = [signed(v, 32) for v in values]
    reduce = lambda op: functools.reduce(op, values)
    for name, kind, v in (("add_u32", "u32", sum(values)), ("add_s32", "s32", sum(values)), ("min_u32", "u32", min(values)),
                          ("max_u32", "u32", max(values)), ("min_s32", "s32", min(s)), ("max_s32", "s32", max(s)),
                          ("and_b32", "b32", reduce(lambda a, b: a & b)), ("or_b32", "b32", reduce(lambda a, b: a | b)),
                          ("xor_b32", "b32", reduce(lambda a, b: a ^ b))):
        emit("warp", f"redux_{name}", "9.7.13 redux.sync", [(kind, values)], [(kind, total(v & 0xFFFFFFFF))],
             f"redux.sync.{name.replace('_', '.')} %d0, %a0, 0xffffffff;", target="sm_80")
    # Half of the warp votes by itself: the mask names who takes part, the others branch around.
    emit("warp", "ballot_partial", "9.7.13 vote.sync, activemask", [("u32", flags)],
         [("b32", [ballot & 0xFFFF if k < 16 else 0 for k in lanes]), ("b32", [0xFFFF if k < 16 else 0 for k in lanes])],
         """mov.u32 %d0, 0;
            mov.u32 %d1, 0;
            setp.ne.u32 %q, %a0, 0;
            setp.ge.u32 %r, %t, 16;
            @%r bra DONE;
            vote.sync.ballot.b32 %d0, %q, 0xffff;
            mov.u32 %d1, 0xffff;
            DONE:
            bar.warp.sync 0xffffffff;""", ".reg .pred %q, %r;")
