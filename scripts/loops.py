"""The loop where a kernel spends its time, in machine code: for the scripts beside this file."""

import collections
import re
from dataclasses import dataclass

from assembled import lines_of, split

# Kernels whose time is multiplications; the others are in kernel-report.md.
KERNELS = re.compile(r"^(matmul_(?!finish|thin)|conv2d_(tiled|wmma|mma))")
TENSOR = ("HMMA", "HGMMA", "IMMA", "QMMA")
FFMA = ("FFMA", "FFMA2")


def opcode(instruction):
    """Nothing of one that no lane ever runs."""
    return "" if instruction.startswith(("@!PT ", "@!UPT ")) else split(instruction)[0]


def loops(lines):
    """The instructions of every loop: from a label to a branch back to it."""
    at = {text: i for i, (kind, text) in enumerate(lines) if kind == "label"}
    for i, (kind, text) in enumerate(lines):
        target = re.search(r"\((\.L_x_\d+)\)", text) if kind == "code" and opcode(text).startswith("BRA") else None
        if target and at.get(target[1], i) < i:
            yield [text for kind, text in lines[at[target[1]]:i] if kind == "code"] + [text]


def steady(lines):
    """The loop with the largest share of multiplications, and how many it has; on Tensor Cores where the kernel uses them."""
    names = [opcode(text).split(".")[0] for kind, text in lines if kind == "code"]
    kinds = TENSOR if any(name in TENSOR for name in names) else FFMA
    best = ([], 0)
    for loop in loops(lines):
        count = sum(opcode(text).split(".")[0] in kinds for text in loop)
        if count >= 4 and count * max(1, len(best[0])) > best[1] * len(loop):
            best = (loop, count)
    return best


def of_one_bank(loop):
    """How many FFMAs read three registers of one of the two banks, and so wait, since none of them is kept from the
    instruction before (`.reuse`)."""
    count, kept = 0, {}
    for instruction in loop:
        name, operands = split(instruction)
        read = [re.match(r"[-|]*R(\d+)", operand) for operand in operands[1:4]]
        if not name.startswith("FFMA") or len(read) < 3 or not all(read):
            kept = {}
            continue
        registers = [int(register[1]) for register in read]
        fetched = {register for place, register in enumerate(registers) if kept.get(place) != register}
        count += len(fetched) == 3 and len({register % 2 for register in fetched}) == 1
        kept = {place: register for place, register in enumerate(registers) if ".reuse" in operands[1 + place]}
    return count


@dataclass(frozen=True)
class Loop:
    """How many instructions of a warp a steady loop has, how many of them multiply, and operations of one that does."""

    instructions: int
    multiplications: int
    flop: int


def loop_of(sass):
    """The steady loop of a kernel whose warps multiply; None where there is none, or a whole warpgroup multiplies."""
    loop, count = steady(list(lines_of(sass)))
    kinds = collections.Counter(opcode(text) for text in loop if opcode(text).split(".")[0] in TENSOR + FFMA)
    if not kinds:
        return None
    kind = kinds.most_common(1)[0][0].split(".")
    if kind[0] in FFMA:
        return Loop(len(loop), count, 64)
    # HMMA.16816 multiplies 16 x 8 x 16
    shape = re.fullmatch(r"(16)(8)(\d+)", kind[1]) if kind[0] == "HMMA" else None
    if not shape:
        return None
    m, n, k = map(int, shape.groups())
    return Loop(len(loop), count, 2 * m * n * k)
