"""Writing a conformance file, and the values that most of them try."""

from pathlib import Path

from formats import NAN

ROOT = Path(__file__).parent.parent / "ptx"


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


def write(family, name, lines):
    folder = ROOT / family
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ptx"
    assert not path.exists(), path
    path.write_text("\n".join(lines))


def raw(family, name, section, threads, ins, outs, body, before="", target="sm_75"):
    """A file whose kernel does its own loads and stores; %t is the thread, %i the same in 64 bits, %p is free."""
    lines = [f"// section: {section}", f"// launch: 1 {threads}"]
    for side, buffers in (("in", ins), ("out", outs)):
        for i, (kind, values) in enumerate(buffers):
            lines.append(f"// {side}{i}: {kind} " + " ".join(literal(kind, v) for v in values))
    names = [f"in{i}" for i in range(len(ins))] + [f"out{i}" for i in range(len(outs))]
    lines += ["", ".version 8.7", f".target {target}", ".address_size 64", ""] + ([before, ""] if before else [])
    lines.append(".visible .entry test(" + ", ".join(f".param .u64 {n}" for n in names) + ")")
    lines += ["{", "    .reg .b64 %p, %i;", "    .reg .b32 %t;", "    mov.u32 %t, %tid.x;", "    cvt.u64.u32 %i, %t;"]
    lines += [f"    {line.strip()}" for line in body.strip().splitlines()] + ["    ret;", "}", ""]
    write(family, name, lines)


def access(kind):
    return kind if kind in ("f32", "f64") else f"b{width(kind)}"


def emit(family, name, section, ins, outs, body, extra="", target="sm_75", tolerance="", before=""):
    """One file. `ins` and `outs` are lists of (kind, values); the body has the inputs in %a0, %a1... and leaves the
    results in %d0, %d1...; thread i works on element i."""
    count = len((ins or outs)[0][1])
    lines = [f"// section: {section}", f"// launch: 1 {count}"]
    for i, (kind, values) in enumerate(ins):
        lines.append(f"// in{i}: {kind} " + " ".join(literal(kind, v) for v in values))
    for i, (kind, values) in enumerate(outs):
        lines.append(f"// out{i}: {kind} {tolerance}" + " ".join(literal(kind, v) for v in values))
    names = [f"in{i}" for i in range(len(ins))] + [f"out{i}" for i in range(len(outs))]
    lines += ["", ".version 8.7", f".target {target}", ".address_size 64", ""] + ([before, ""] if before else [])
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
    write(family, name, lines)


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
