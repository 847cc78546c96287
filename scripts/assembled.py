"""What ptxas and nvdisasm make of every kernel's PTX: for the scripts beside this file.

Takes the texts of the newest build under target/. Answers are kept in target/warpsmith-sass by what went in, so that a
kernel that did not change is not assembled again. ptxas comes from $PTXAS, the PATH or the wheel that build.rs fetches,
nvdisasm from $NVDISASM, the PATH, or a wheel that pip installs into the same cache.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "warpsmith"
KEPT = ROOT / "target/warpsmith-sass"
# Texts that ptxas takes at once.
TOGETHER = 12
DISASSEMBLER = "nvidia-cuda-nvdisasm==13.2.51"

# The architectures whose texts a chip runs, newest first: it takes the first that has the kernel.
CHIPS = {"sm_75": ["sm_75"], **dict.fromkeys(("sm_80", "sm_86", "sm_89", "sm_100", "sm_120"), ["sm_80", "sm_75"]),
         "sm_90a": ["sm_90a", "sm_80", "sm_75"]}


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


@dataclass
class Assembled:
    """A kernel as one chip runs it, or what ptxas said against it."""

    registers: int = 0
    spilled: int = 0
    shared: int = 0
    cubin: str = ""
    refused: str = ""


def texts():
    """Every file `<kernel>.<architecture>.ptx` of the newest build."""
    folders = sorted((ROOT / "target").glob("*/build/warpsmith-*/out/ptx"), key=lambda p: p.stat().st_mtime)
    files = sorted(folders[-1].glob("*.ptx")) if folders else []
    return files or fail("no PTX under target: were the kernels built?")


def named(file):
    """(kernel, architecture) of a text."""
    return tuple(file.name.removesuffix(".ptx").rsplit(".", 1))


def runs(files, chips=tuple(CHIPS)):
    """(text, chip) for every kernel on each of these chips that has it."""
    by_name = {named(file): file for file in files}
    for kernel in sorted({kernel for kernel, _ in by_name}):
        for chip in chips:
            taken = [by_name[kernel, architecture] for architecture in CHIPS[chip] if (kernel, architecture) in by_name]
            yield from ((file, chip) for file in taken[:1])


def ptxas():
    wheel = CACHE / "nvrtc-12.8.93/nvidia/cuda_nvcc/bin/ptxas"
    found = Path(os.environ.get("PTXAS") or shutil.which("ptxas") or wheel)
    return found if found.exists() else fail("no ptxas (set PTXAS, or install nvidia-cuda-nvcc-cu12)")


def nvdisasm():
    found = os.environ.get("NVDISASM") or shutil.which("nvdisasm")
    if found:
        return found
    folder = CACHE / DISASSEMBLER.replace("==", "-")
    if not list(folder.glob("nvidia/*/bin/nvdisasm")):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), DISASSEMBLER]
        if subprocess.run(pip, stderr=subprocess.DEVNULL).returncode:
            fail(f"no nvdisasm (set NVDISASM, or install {DISASSEMBLER})")
    return next(folder.glob("nvidia/*/bin/nvdisasm"))


def bare(file):
    """A text without what tells of source lines: the machine code is the same, and a comment moved changes nothing."""
    text = re.sub(r"^\s*\.(?:loc|file)\b.*\n", "", file.read_text(), flags=re.MULTILINE)
    return re.sub(r"^\s*\.section\s+\.debug_str\s*\{.*?^\s*\}\n?", "", text, flags=re.MULTILINE | re.DOTALL)


def kept(file, text, chip, assembler):
    """Where what is made of a text for a chip is kept."""
    what = f"{text} {chip} {assembler} {assembler.stat().st_size}".encode()
    return KEPT / f"{file.name.removesuffix('.ptx')}.{chip}.{hashlib.sha256(what).hexdigest()[:16]}.json"


def joined(texts):
    """Texts as one, where none calls a function and so each is compiled as it is alone: starting ptxas and nvdisasm takes
    longer than most kernels do. None where they can't be joined."""
    head = re.compile(r"\A((?:\s*\.(?:version|target|address_size) .*\n)+)")
    heads = {head.match(text)[1] for text in texts}
    if len(heads) > 1 or any(re.search(r"^(?:\.weak|\.visible)?\s*\.(?:func|global|const)\b", text, re.MULTILINE) for text in texts):
        return None
    variable = re.compile(r"^(?:\.extern )?\.shared .*;\n", re.MULTILINE)
    variables = dict.fromkeys(line for text in texts for line in variable.findall(text))
    return heads.pop() + "".join(variables) + "".join(variable.sub("", head.sub("", text)) for text in texts)


def assemble(group, chip, assembler):
    """What ptxas says of some texts on a chip, kept for each: [(where, text)] in, and nothing where it refuses them as one."""
    text = group[0][1] if len(group) == 1 else joined([text for _, text in group])
    if text is None:
        return None
    source, cubin = (group[0][0].with_suffix(ending) for ending in (".ptx", ".cubin"))
    source.write_text(text)
    run = subprocess.run([assembler, f"-arch={chip}", "-v", source, "-o", cubin], capture_output=True, text=True)
    source.unlink()
    if run.returncode:
        return [Assembled(refused=run.stderr)] if len(group) == 1 else None
    said = {}
    for part in run.stderr.split("Compiling entry function '")[1:]:
        kernel = part.split("'", 1)[0]
        spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        shared = re.search(r"(\d+) bytes smem", part)
        said[kernel] = Assembled(
            registers=int(re.search(r"Used (\d+) registers", part)[1]),
            spilled=int(spills[1]) + int(spills[2]) if spills else 0,
            shared=int(shared[1]) if shared else 0,
            cubin=cubin.name,
        )
    answers = [said[place.name.split(".", 1)[0]] for place, _ in group]
    for (place, _), found in zip(group, answers):
        place.write_text(json.dumps(asdict(found)))
    return answers


def assemble_all(pairs):
    """[(file, chip, what is said)] for each pair of a text and a chip, on all cores."""
    assembler = ptxas()
    KEPT.mkdir(parents=True, exist_ok=True)
    pairs = list(pairs)
    texts = {file: bare(file) for file, _ in pairs}
    places = {(file, chip): kept(file, texts[file], chip, assembler) for file, chip in pairs}
    found = {}
    groups = {}
    for (file, chip), place in places.items():
        if place.exists():
            found[file, chip] = Assembled(**json.loads(place.read_text()))
        else:
            alone = joined([texts[file]]) is None
            groups.setdefault((chip, named(file)[1], file if alone else None), []).append(file)
    rooms = [(key[0], files[i : i + TOGETHER]) for key, files in groups.items() for i in range(0, len(files), TOGETHER)]

    def made(room):
        chip, files = room
        group = [(places[file, chip], texts[file]) for file in files]
        answers = assemble(group, chip, assembler) or [assemble([one], chip, assembler)[0] for one in group]
        return [((file, chip), answer) for file, answer in zip(files, answers)]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for answers in pool.map(made, rooms):
            found.update(answers)
    return [(file, chip, found[file, chip]) for file, chip in pairs]


def over_sass(row, assembled):
    """`row(file, chip, what ptxas said, SASS)` for each of what [`assemble_all`] gives, in any order."""
    disassembler = nvdisasm()
    by_cubin = {}
    for one in assembled:
        if one[2].refused:
            fail(one[2].refused)
        by_cubin.setdefault(one[2].cubin, []).append(one)

    def rows(cubin):
        sass = disassembled(KEPT / cubin, disassembler)
        parts = re.split(r"^//-+ \.text\.(\S+) +-+\n", sass, flags=re.MULTILINE)
        of = dict(zip(parts[1::2], parts[2::2]))
        return [row(*one, of[named(one[0])[0]]) for one in by_cubin[cubin]]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [row for found in pool.map(rows, by_cubin) for row in found]


def disassembled(cubin, disassembler):
    """The SASS of a cubin, kept beside it."""
    kept = cubin.with_suffix(".sass.gz")
    if kept.exists():
        return gzip.decompress(kept.read_bytes()).decode()
    sass = subprocess.run([disassembler, "-c", cubin], capture_output=True, text=True, check=True).stdout
    partial = cubin.with_suffix(".partial")
    partial.write_bytes(gzip.compress(sass.encode(), 1))
    partial.rename(kept)
    return sass


def lines_of(sass):
    """The lines of a kernel: ("label", name) or ("code", instruction)."""
    for line in sass.splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            yield "label", label[1]
        elif code := re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line):
            yield "code", code[1]


def unguarded(instruction):
    """`LDS.128 R4, [R2]` of `@!P0 LDS.128 R4, [R2]`."""
    return re.sub(r"^@!?U?P\w+\s+", "", instruction)


def split(instruction):
    """Opcode and operands, without the guard."""
    opcode, _, rest = unguarded(instruction).partition(" ")
    return opcode, [word.strip() for word in rest.split(",") if word.strip()]


def in_flight(sass):
    """The most bytes of global memory that a thread has asked for before it waits for any of them.

    A thread waits where an instruction reads what a load brings; a jump or an end begins anew. Copies into shared memory
    count until their groups are waited for.
    """
    most, asked, coming = 0, 0, set()
    for opcode, operands in (split(text) for of, text in lines_of(sass) if of == "code"):
        kind, *parts = opcode.split(".")
        bytes_of = {"128": 16, "64": 8, "U16": 2, "S16": 2, "U8": 1, "S8": 1}
        size = next((bytes_of[part] for part in parts if part in bytes_of), 4)
        is_store = kind.startswith(("ST", "RED"))
        read = {int(r) for word in operands[0 if is_store else 1 :] for r in re.findall(r"\bR(\d+)", word)}
        if read & coming or kind in ("DEPBAR", "BRA", "EXIT", "RET"):
            if kind != "BRA" or not coming:
                asked, coming = 0, set()
        if kind in ("LDG", "LD") and operands and (first := re.match(r"R(\d+)", operands[0])):
            coming |= {int(first[1]) + i for i in range(max(1, size // 4))}
            asked += size
        elif kind == "LDGSTS":
            asked += size
        most = max(most, asked)
    return most
