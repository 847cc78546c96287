"""Floating-point formats and the ISA's operations on them, in exact fractions."""

import math
from fractions import Fraction


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
        if nan:
            return f.sign - 1
        if f.is_nan(a) and f.is_nan(b):
            return NAN
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
