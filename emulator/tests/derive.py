#!/usr/bin/env python3
"""Writes the conformance files tests/ptx/<family>/<name>.ptx.

The expected bits are derived here from the text of the PTX ISA (8.7; each file names its section), with integers and
exact fractions only: no floating-point arithmetic of this machine and nothing of the emulator takes part. Files that
are written by hand lie in families that this script does not name.

    python3 emulator/tests/derive.py
"""

import math
import shutil
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).parent / "ptx"
FAMILIES = ["integer", "extended", "float", "double", "half", "bfloat", "compare", "logic", "convert", "moves", "warp"]

# ---------------------------------------------------------------------------------------------- numbers


class Format:
    """A binary floating-point format: precision with the hidden bit, exponent bits."""

    def __init__(self, bits, precision):
        self.bits, self.p = bits, precision
        self.exponent_bits = bits - precision
        self.bias = (1 << (self.exponent_bits - 1)) - 1
        self.emin = 1 - self.bias
        self.top = (1 << self.exponent_bits) - 1
        self.inf = self.top << (precision - 1)
        self.sign = 1 << (bits - 1)
        self.max = self.inf - 1

    def is_nan(self, b):
        return b & (self.sign - 1) > self.inf

    def is_inf(self, b):
        return b & (self.sign - 1) == self.inf

    def is_zero(self, b):
        return b & (self.sign - 1) == 0

    def negative(self, b):
        return b & self.sign != 0

    def flush(self, b):
        """.ftz: a subnormal becomes zero of the same sign."""
        return b & self.sign if 0 < b & (self.sign - 1) < 1 << (self.p - 1) else b

    def value(self, b):
        magnitude = b & (self.sign - 1)
        e, m = magnitude >> (self.p - 1), magnitude & ((1 << (self.p - 1)) - 1)
        if e == 0:
            v = Fraction(m) * Fraction(2) ** (self.emin - self.p + 1)
        else:
            v = Fraction(m | 1 << (self.p - 1)) * Fraction(2) ** (e - self.bias - self.p + 1)
        return -v if self.negative(b) else v

    def round(self, v, mode="rn", negative_zero=False):
        """The bits of the exact value v, rounded: rn (ties to even), rz, rm (down), rp (up), rna (ties away)."""
        if v == 0:
            return self.sign if negative_zero else 0
        sign, a = (self.sign, -v) if v < 0 else (0, v)
        e = a.numerator.bit_length() - a.denominator.bit_length()
        while Fraction(2) ** e > a:
            e -= 1
        while Fraction(2) ** (e + 1) <= a:
            e += 1
        quantum = Fraction(2) ** (max(e, self.emin) - self.p + 1)
        n = math.floor(a / quantum)
        rest = a / quantum - n
        up = {
            "rn": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and n & 1),
            "rna": rest >= Fraction(1, 2),
            "rz": False,
            "rm": rest > 0 and sign != 0,
            "rp": rest > 0 and sign == 0,
        }[mode]
        n += bool(up)
        v = n * quantum
        if v == 0:
            return sign
        if v >= Fraction(2) ** (self.bias + 1):
            to_inf = mode in ("rn", "rna") or (mode == "rm" and sign) or (mode == "rp" and not sign)
            return sign | (self.inf if to_inf else self.max)
        e = v.numerator.bit_length() - v.denominator.bit_length()
        while Fraction(2) ** e > v:
            e -= 1
        while Fraction(2) ** (e + 1) <= v:
            e += 1
        if e < self.emin:
            return sign | int(v / Fraction(2) ** (self.emin - self.p + 1))
        m = int(v / Fraction(2) ** (e - self.p + 1)) & ((1 << (self.p - 1)) - 1)
        return sign | (e + self.bias) << (self.p - 1) | m


F16, BF16, F32, F64 = Format(16, 11), Format(16, 8), Format(32, 24), Format(64, 53)
NAN = "nan"


def fma(f, a, b, c, mode="rn", ftz=False):
    """9.7.3.6: a*b+c in infinite precision, rounded once."""
    if ftz:
        a, b, c = f.flush(a), f.flush(b), f.flush(c)
    if f.is_nan(a) or f.is_nan(b) or f.is_nan(c):
        return NAN
    sign = f.negative(a) != f.negative(b)
    if f.is_inf(a) or f.is_inf(b):
        if f.is_zero(a) or f.is_zero(b) or (f.is_inf(c) and f.negative(c) != sign):
            return NAN
        return f.inf | (f.sign if sign else 0)
    if f.is_inf(c):
        return c
    product, addend = f.value(a) * f.value(b), f.value(c)
    total = product + addend
    if total == 0:
        if product == 0 and addend == 0:
            zero_negative = sign and f.negative(c) if sign == f.negative(c) else mode == "rm"
        else:
            zero_negative = mode == "rm"
        return f.sign if zero_negative else 0
    r = f.round(total, mode)
    return f.flush(r) if ftz else r


def one(f):
    return f.bias << (f.p - 1)


def add(f, a, b, mode="rn", ftz=False):
    return fma(f, a, one(f), b, mode, ftz)


def sub(f, a, b, mode="rn", ftz=False):
    if f.is_nan(b):
        return NAN
    return add(f, a, b ^ f.sign, mode, ftz)


def mul(f, a, b, mode="rn", ftz=False):
    # Adding a zero of the product's own sign changes nothing.
    zero = f.sign if f.negative(a) != f.negative(b) else 0
    return fma(f, a, b, zero, mode, ftz)


def div(f, a, b, mode="rn", ftz=False):
    if ftz:
        a, b = f.flush(a), f.flush(b)
    if f.is_nan(a) or f.is_nan(b) or (f.is_inf(a) and f.is_inf(b)) or (f.is_zero(a) and f.is_zero(b)):
        return NAN
    sign = f.sign if f.negative(a) != f.negative(b) else 0
    if f.is_inf(a) or f.is_zero(b):
        return sign | f.inf
    if f.is_inf(b) or f.is_zero(a):
        return sign
    r = f.round(f.value(a) / f.value(b), mode)
    return f.flush(r) if ftz else r


def sqrt(f, a, mode="rn", ftz=False):
    if ftz:
        a = f.flush(a)
    if f.is_zero(a):
        return a
    if f.is_nan(a) or f.negative(a):
        return NAN
    if f.is_inf(a):
        return a
    v = f.value(a)
    # A fraction so close to the root that both round alike: the root of a p-bit number is never nearer than this to
    # a rounding boundary unless it is exact.
    shift = 4 * f.p + 2 * max(0, -f.emin)
    scaled = v * Fraction(4) ** shift
    n = math.isqrt(math.floor(scaled))
    exact = scaled.denominator == 1 and n * n == scaled
    root = Fraction(n) / Fraction(2) ** shift
    if not exact:
        root += Fraction(1, 2) / Fraction(2) ** shift
    return f.round(root, mode)


def minmax(f, a, b, want_max, nan=False, ftz=False, magnitude=False):
    """9.7.3.11: the number wins over NaN; with .NaN the answer is the canonical NaN; -0 < +0."""
    if ftz:
        a, b = f.flush(a), f.flush(b)
    if f.is_nan(a) or f.is_nan(b):
        if nan or (f.is_nan(a) and f.is_nan(b)):
            return f.sign - 1
        return b if f.is_nan(a) else a

    def key(x):
        v = x & (f.sign - 1)
        return (-v, 0) if f.negative(x) else (v, 1)

    return max(a, b, key=key) if want_max else min(a, b, key=key)


def to_float(target, source, b, mode="rn", ftz=False, sat=False):
    if ftz:
        b = source.flush(b)
    if source.is_nan(b):
        return 0 if sat else NAN
    if sat:
        if source.negative(b):
            return 0
        if source.is_inf(b) or source.value(b) >= 1:
            return one(target)
    sign = target.sign if source.negative(b) else 0
    if source.is_inf(b):
        return sign | target.inf
    if source.is_zero(b):
        return sign
    r = target.round(source.value(b), mode)
    return target.flush(r) if ftz else r


def integral(v, mode):
    floor = math.floor(v)
    if mode == "rmi":
        return floor
    if mode == "rpi":
        return math.ceil(v)
    if mode == "rzi":
        return math.trunc(v)
    rest = v - floor
    if rest == Fraction(1, 2):
        return floor + (floor & 1)
    return floor + (rest > Fraction(1, 2))


def to_int(bits, signed, f, b, mode, ftz=False):
    """9.7.9 cvt: out of range clamps; NaN is 0 for 32 bits and below (the only widths tried with NaN here)."""
    if ftz:
        b = f.flush(b)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if f.is_nan(b):
        return 0
    if f.is_inf(b):
        return (low if f.negative(b) else high) & ((1 << bits) - 1)
    return min(max(integral(f.value(b), mode), low), high) & ((1 << bits) - 1)


def round_to_integral(f, b, mode, sat=False):
    if f.is_nan(b):
        return 0 if sat else NAN
    if f.is_inf(b) or f.is_zero(b):
        v = b
    else:
        v = f.round(Fraction(integral(f.value(b), mode)), "rn", f.negative(b))
    if sat:
        return 0 if f.negative(v) else min(v, one(f))
    return v


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


# ---------------------------------------------------------------------------------------------- files

BYTES = {"8": 1, "16": 2, "32": 4, "64": 8}


def width(kind):
    return int("".join(c for c in kind if c.isdigit()))


def literal(kind, v):
    if v == NAN:
        return NAN
    digits = width(kind) // 4
    if kind == "f32":
        return f"0f{v:08x}"
    if kind == "f64":
        return f"0d{v:016x}"
    return f"0x{v & ((1 << width(kind)) - 1):0{digits}x}"


def register(kind):
    bits = width(kind)
    if kind in ("f32", "f64"):
        return f".{kind}"
    return f".b{max(bits, 16)}"


def access(kind):
    return kind if kind in ("f32", "f64") else f"b{width(kind)}"


def emit(family, name, section, ins, outs, body, extra="", target="sm_75", tolerance="", block=None):
    """One file. `ins` and `outs` are lists of (kind, values); the body has the inputs in %a0, %a1... and leaves the
    results in %d0, %d1...; thread i works on element i."""
    count = block or len((ins or outs)[0][1])
    lines = [f"// section: {section}", f"// launch: 1 {count}"]
    for i, (kind, values) in enumerate(ins):
        lines.append(f"// in{i}: {kind} " + " ".join(literal(kind, v) for v in values))
    for i, (kind, values) in enumerate(outs):
        lines.append(f"// out{i}: {kind} {tolerance}" + " ".join(literal(kind, v) for v in values))
    names = [f"in{i}" for i in range(len(ins))] + [f"out{i}" for i in range(len(outs))]
    lines += ["", ".version 8.7", f".target {target}", ".address_size 64", ""]
    lines.append(".visible .entry test(" + ", ".join(f".param .u64 {n}" for n in names) + ")")
    lines += ["{", "    .reg .b64 %p, %i;", "    .reg .b32 %t;"]
    for i, (kind, _) in enumerate(ins):
        lines.append(f"    .reg {register(kind)} %a{i};")
    for i, (kind, _) in enumerate(outs):
        lines.append(f"    .reg {register(kind)} %d{i};")
    lines += [f"    {line}" for line in extra.strip().splitlines()] if extra else []
    lines += ["", "    mov.u32 %t, %tid.x;", "    cvt.u64.u32 %i, %t;"]
    for i, (kind, _) in enumerate(ins):
        lines += [f"    ld.param.u64 %p, [in{i}];", f"    mad.lo.u64 %p, %i, {width(kind) // 8}, %p;"]
        lines.append(f"    ld.global.{access(kind)} %a{i}, [%p];")
    lines += [f"    {line.strip()}" for line in body.strip().splitlines()]
    for i, (kind, _) in enumerate(outs):
        lines += [f"    ld.param.u64 %p, [out{i}];", f"    mad.lo.u64 %p, %i, {width(kind) // 8}, %p;"]
        lines.append(f"    st.global.{access(kind)} [%p], %d{i};")
    lines += ["    ret;", "}", ""]
    folder = ROOT / family
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ptx").write_text("\n".join(lines))


U32 = [0, 1, 2, 3, 0x7F, 0x80, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x12345678, 0x7FFFFFFF, 0x80000000, 0x80000001,
       0xFFFFFFFE, 0xFFFFFFFF]
U64 = [0, 1, 2, 0xFFFFFFFF, 0x100000000, 0x123456789ABCDEF0, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000,
       0x8000000000000001, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF]
U16 = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x1234, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF]
CORNERS = {16: U16, 32: U32, 64: U64}

FLOATS = [0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F800001, 0x3FC00000, 0x00000001, 0x80000001, 0x007FFFFF,
          0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x3EAAAAAB, 0x4B800001, 0x33FFFFFF]
DOUBLES = [0, 1 << 63, 0x3FF << 52, 0xBFF << 52, (0x3FF << 52) + 1, 1, (1 << 52) - 1, 1 << 52, 0x7FEFFFFFFFFFFFFF,
           0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, 0x3FD5555555555555, 0x4340000000000001]
HALVES = [0, 0x8000, 0x3C00, 0xBC00, 0x3C01, 0x3E00, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00,
          0x7E00, 0x3555, 0x6401]
BFLOATS = [0, 0x8000, 0x3F80, 0xBF80, 0x3F81, 0x3FC0, 0x0001, 0x8001, 0x007F, 0x0080, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80,
           0x7FC0, 0x3EAB, 0x4381]


def pairs(values, step=5, start=0):
    """Every value against a spread of the others: enough to meet each corner on both sides."""
    n = len(values)
    return [(values[i], values[(i * k + i + k + start) % n]) for k in range(0, step) for i in range(n)]


def columns(rows):
    return [list(column) for column in zip(*rows)]


def binary(family, name, section, kind, values, op, instruction, out=None, target="sm_75", keep=lambda a, b: True):
    rows = [(a, b) for a, b in pairs(values) if keep(a, b)]
    a, b = columns(rows)
    emit(family, name, section, [(kind, a), (kind, b)], [(out or kind, [op(x, y) for x, y in rows])],
         f"{instruction} %d0, %a0, %a1;", target=target)


def unary(family, name, section, kind, values, op, instruction, out=None, target="sm_75", tolerance=""):
    emit(family, name, section, [(kind, values)], [(out or kind, [op(x) for x in values])],
         f"{instruction} %d0, %a0;", target=target, tolerance=tolerance)


# ---------------------------------------------------------------------------------------------- families


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
    binary("integer", "mul24_lo_u32", "9.7.1.5 mul24", "u32", U32,
           lambda a, b: low24(a) * low24(b) & 0xFFFFFFFF, "mul24.lo.u32")
    binary("integer", "mul24_hi_s32", "9.7.1.5 mul24", "s32", U32,
           lambda a, b: s24(a) * s24(b) >> 16 & 0xFFFFFFFF, "mul24.hi.s32")
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
         "ex2.approx.ftz.f32 %d0, %a0;", tolerance="rel=-22 ")
    powers = [(p[1], p[0]) for p in powers[:8]] + [(0, 0xFF800000), (0x7F800000, 0x7F800000), (0xBF800000, NAN)]
    emit("float", "lg2_approx_f32", "9.7.3.20 lg2", [("f32", [p[0] for p in powers])], [("f32", [p[1] for p in powers])],
         "lg2.approx.ftz.f32 %d0, %a0;", tolerance="abs=-22 ")
    tanh = [(0, 0), (0x80000000, 0x80000000), (0x7F800000, 0x3F800000), (0xFF800000, 0xBF800000), (0x7FC00000, NAN),
            (0x41A00000, 0x3F800000)]
    emit("float", "tanh_approx_f32", "9.7.3.22 tanh", [("f32", [p[0] for p in tanh])], [("f32", [p[1] for p in tanh])],
         "tanh.approx.f32 %d0, %a0;", tolerance="rel=-11 ")


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
        relu = lambda x, f=f: f.sign - 1 if x == NAN else 0 if f.negative(x) else x
        emit(family, f"fma_rn_relu_{kind}", f"{sections['fma']} fma", [(bits, a), (bits, b), (bits, c)],
             [(bits, [relu(x) for x in r])], f"fma.rn.relu.{kind} %d0, %a0, %a1, %a2;", target="sm_80")
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


def convert():
    near = [Fraction(n, 4) for n in range(-11, 12)] + [Fraction(2) ** 31, Fraction(2) ** 32, -Fraction(2) ** 31,
            Fraction(2) ** 31 - 128, Fraction(255), Fraction(256), Fraction(-129), Fraction(65535), Fraction(3 * 10 ** 9)]
    floats32 = [F32.round(v) for v in near] + [0x80000000, 0x00000001, 0x7F800000, 0xFF800000, 0x7FC00000]
    for mode in ("rni", "rzi", "rmi", "rpi"):
        for kind, bits, sg in (("s32", 32, True), ("u32", 32, False)):
            unary("convert", f"cvt_{mode}_{kind}_f32", "9.7.9 cvt", "f32", floats32,
                  lambda a, b=bits, g=sg, m=mode: to_int(b, g, F32, a, m), f"cvt.{mode}.{kind}.f32", kind)
        unary("convert", f"cvt_{mode}_f32_f32", "9.7.9 cvt", "f32", floats32,
              lambda a, m=mode: round_to_integral(F32, a, m), f"cvt.{mode}.f32.f32", "f32")
        doubles = [F64.round(v) for v in near]
        unary("convert", f"cvt_{mode}_s64_f64", "9.7.9 cvt", "f64", doubles + [F64.round(Fraction(2) ** 63), F64.inf],
              lambda a, m=mode: to_int(64, True, F64, a, m), f"cvt.{mode}.s64.f64", "s64")
        halves16 = [F16.round(v) for v in near[:23]] + [0x7BFF, 0xFBFF, 0x7C00, 0x7E00]
        unary("convert", f"cvt_{mode}_s16_f16", "9.7.9 cvt", "f16", halves16,
              lambda a, m=mode: to_int(16, True, F16, a, m), f"cvt.{mode}.s16.f16", "s16")
    unary("convert", "cvt_sat_f32_f32", "9.7.9 cvt", "f32", floats32,
          lambda a: to_float(F32, F32, a, sat=True), "cvt.sat.f32.f32", "f32")
    unary("convert", "cvt_ftz_f32_f32", "9.7.9 cvt", "f32", [v for v in FLOATS if not F32.is_nan(v)],
          F32.flush, "cvt.ftz.f32.f32", "f32")
    wide = [0, 1, 1 << 24, (1 << 24) + 1, (1 << 24) + 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF7F, 0xFFFFFF80]
    wide64 = [0, 1, (1 << 53) + 1, (1 << 53) + 3, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 40) + 1, 0x7FFFFFBFFFFFFFFF]
    for mode in ("rn", "rz", "rm", "rp"):
        for kind, bits, sg, values in (("u32", 32, 0, wide), ("s32", 32, 1, wide), ("u64", 64, 0, wide64), ("s64", 64, 1, wide64)):
            unary("convert", f"cvt_{mode}_f32_{kind}", "9.7.9 cvt", kind, values,
                  lambda a, m=mode, b=bits, g=sg: F32.round(Fraction(signed(a, b) if g else a), m),
                  f"cvt.{mode}.f32.{kind}", "f32")
        unary("convert", f"cvt_{mode}_f64_u64", "9.7.9 cvt", "u64", wide64,
              lambda a, m=mode: F64.round(Fraction(a), m), f"cvt.{mode}.f64.u64", "f64")
        # Ties and near ties between neighbours of the smaller format, its overflow and its subnormals.
        edges = [Fraction(2049, 2048), Fraction(4097, 4096), Fraction(4099, 4096), Fraction(65519), Fraction(65520),
                 Fraction(65504), Fraction(2) ** -24, Fraction(2) ** -25, Fraction(3) * Fraction(2) ** -26,
                 Fraction(2) ** -14 - Fraction(2) ** -26, Fraction(1, 3)]
        from32 = [F32.round(s * v) for v in edges for s in (1, -1)] + FLOATS
        if mode in ("rn", "rz"):
            unary("convert", f"cvt_{mode}_f16_f32", "9.7.9 cvt", "f32", from32,
                  lambda a, m=mode: to_float(F16, F32, a, m), f"cvt.{mode}.f16.f32", "f16")
            bf_edges = [F32.round(s * v) for v in (Fraction(257, 256), Fraction(513, 512), Fraction(515, 512),
                        Fraction(2) ** 127 * Fraction(511, 256)) for s in (1, -1)] + [0x7F7F8000, 0x7F7F7FFF, 0x00008000, 0x00018000]
            unary("convert", f"cvt_{mode}_bf16_f32", "9.7.9 cvt", "f32", bf_edges + FLOATS,
                  lambda a, m=mode: to_float(BF16, F32, a, m), f"cvt.{mode}.bf16.f32", "bf16", "sm_80")
        from64 = [F64.round(v) for v in (1 + Fraction(2) ** -24, 1 + Fraction(3) * Fraction(2) ** -24, Fraction(1, 3),
                  Fraction(2) ** 128, Fraction(2) ** 128 - Fraction(2) ** 103, Fraction(2) ** -150, Fraction(2) ** -149,
                  -Fraction(2) ** -151)] + DOUBLES
        unary("convert", f"cvt_{mode}_f32_f64", "9.7.9 cvt", "f64", from64,
              lambda a, m=mode: to_float(F32, F64, a, m), f"cvt.{mode}.f32.f64", "f32")
    unary("convert", "cvt_f32_f16", "9.7.9 cvt", "f16", HALVES, lambda a: to_float(F32, F16, a), "cvt.f32.f16", "f32")
    unary("convert", "cvt_f32_bf16", "9.7.9 cvt", "bf16", BFLOATS, lambda a: to_float(F32, BF16, a), "cvt.f32.bf16",
          "f32", "sm_90")
    unary("convert", "cvt_f64_f32", "9.7.9 cvt", "f32", FLOATS, lambda a: to_float(F64, F32, a), "cvt.f64.f32", "f64")
    rows = [(a, b) for a, b in pairs([v for v in FLOATS if not F32.is_nan(v)], 3)]
    a, b = columns(rows)
    # The first source goes to the upper half.
    for kind, f in (("f16x2", F16), ("bf16x2", BF16)):
        emit("convert", f"cvt_rn_{kind}_f32", "9.7.9 cvt", [("f32", a), ("f32", b)],
             [("b32", [to_float(f, F32, x) << 16 | to_float(f, F32, y) for x, y in rows])],
             f"cvt.rn.{kind}.f32 %d0, %a0, %a1;", target="sm_80")
        relu = lambda x, f=f: 0 if f.negative(x) else x
        emit("convert", f"cvt_rn_relu_{kind}_f32", "9.7.9 cvt", [("f32", a), ("f32", b)],
             [("b32", [relu(to_float(f, F32, x)) << 16 | relu(to_float(f, F32, y)) for x, y in rows])],
             f"cvt.rn.relu.{kind}.f32 %d0, %a0, %a1;", target="sm_80")
    tf = [v for v in FLOATS if not F32.is_nan(v) and F32.flush(v) == v] + [0x3F801000, 0x3F800FFF, 0x3F803000, 0xBF801000]
    tf32 = lambda a: a if F32.is_inf(a) else (a + 0x1000) & ~0x1FFF & 0xFFFFFFFF
    unary("convert", "cvt_rna_tf32_f32", "9.7.9 cvt", "f32", tf, tf32, "cvt.rna.tf32.f32", "b32", "sm_80")
    sat = lambda v, low, high: min(max(v, low), high)
    unary("convert", "cvt_sat_s8_s32", "9.7.9 cvt", "s32", U32,
          lambda a: sat(signed(a, 32), -128, 127) & 0xFFFFFFFF, "cvt.sat.s8.s32", "s32")
    unary("convert", "cvt_sat_u8_s32", "9.7.9 cvt", "s32", U32, lambda a: sat(signed(a, 32), 0, 255), "cvt.sat.u8.s32", "u32")
    unary("convert", "cvt_sat_u16_s32", "9.7.9 cvt", "s32", U32,
          lambda a: sat(signed(a, 32), 0, 65535), "cvt.sat.u16.s32", "u16")
    unary("convert", "cvt_sat_u32_s32", "9.7.9 cvt", "s32", U32, lambda a: sat(signed(a, 32), 0, 1 << 32), "cvt.sat.u32.s32", "u32")
    for to, source in (("s32", "s8"), ("u32", "u8"), ("s32", "s16"), ("u32", "u16"), ("s64", "s32"), ("u64", "u32"),
                       ("s64", "s16"), ("u32", "u64"), ("u16", "u32"), ("s64", "s8"), ("u64", "u8")):
        bits, wide_bits = width(source), width(to)
        holder = max(bits, 32 if bits == 8 else bits)
        conv = lambda a, b=bits, w=wide_bits, s=source: (signed(a, b) if s[0] == "s" else a & (1 << b) - 1) & (1 << w) - 1
        unary("convert", f"cvt_{to}_{source}", "9.7.9 cvt", f"b{holder}", CORNERS[holder], conv, f"cvt.{to}.{source}", to)


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
    reduce = lambda op: __import__("functools").reduce(op, values)
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


def main():
    for family in FAMILIES:
        shutil.rmtree(ROOT / family, ignore_errors=True)
    integer()
    extended()
    float_family()
    halves()
    compare()
    logic()
    convert()
    move()
    warp()
    print(sum(1 for _ in ROOT.glob("*/*.ptx")), "files")


main()
