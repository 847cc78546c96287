"""9.7.16.2: the SIMD video instructions, without selectors and masks of their operands."""

from files import *
from formats import *

OPERATIONS = {
    "vadd": lambda a, b: a + b,
    "vsub": lambda a, b: a - b,
    "vavrg": lambda a, b: a + b + 1 >> 1 if a + b >= 0 else a + b >> 1,
    "vabsdiff": lambda a, b: abs(a - b),
    "vmin": min,
    "vmax": max,
}


def video():
    rows = [(a ^ 0x5A5A * k, b, U32[(k * 7) % 16]) for k, (a, b) in enumerate(pairs(U32, 5))]
    a, b, c = columns(rows)
    for count in (2, 4):
        bits = 32 // count
        for name, operation in OPERATIONS.items():
            # the types of the result and of both operands
            for d_type, a_type, b_type, how in (("u32", "u32", "u32", ""), ("s32", "s32", "s32", ".sat"),
                                                ("u32", "s32", "u32", ".sat"), ("s32", "s32", "u32", ".add")):
                part = lambda v, i, ty: signed(v >> bits * i, bits) if ty == "s32" else v >> bits * i & (1 << bits) - 1
                low, high = (-1 << bits - 1, (1 << bits - 1) - 1) if d_type == "s32" else (0, (1 << bits) - 1)

                def result(row):
                    t = [operation(part(row[0], i, a_type), part(row[1], i, b_type)) for i in range(count)]
                    if how == ".add":
                        return row[2] + sum(t) & 0xFFFFFFFF
                    if how == ".sat":
                        t = [min(max(x, low), high) for x in t]
                    return sum((x & (1 << bits) - 1) << bits * i for i, x in enumerate(t))

                form = f"{name}{count}.{d_type}.{a_type}.{b_type}{how}"
                emit("video", form.replace(".", "_"), "9.7.16.2 SIMD video instructions", [("b32", a), ("b32", b), ("b32", c)],
                     [("b32", [result(row) for row in rows])], f"{form} %d0, %a0, %a1, %a2;")
