"""Compiles the fixtures' `.cu` files with NVRTC, each as the line `nvrtc ...` of its opening comment says, to the `.ptx`
beside it.

    python3 emulator/tests/compile.py            # writes what has changed
    python3 emulator/tests/compile.py --check    # fails where a .ptx is not what its .cu compiles to

NVRTC 12.8.93 and the headers are looked for in WARPSMITH_NVRTC (a folder into which pip has installed the wheels that
the README names, or a CUDA toolkit), CUDA_HOME, CUDA_PATH and where the build has fetched them to. Exit code 77: not found.
"""

import ctypes
import os
import re
import sys
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
LIBRARIES = ["nvidia/cuda_nvrtc/lib/libnvrtc.so.12", "lib64/libnvrtc.so.12", "lib/libnvrtc.so.12"]
HEADERS = ["nvidia/cuda_runtime/include", "nvidia/cuda_nvcc/include", "include"]
VERSION = (12, 8)


def find():
    """NVRTC and the folders of its headers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warpsmith/nvrtc-12.8.93"
    roots = [os.environ.get(name) for name in ("WARPSMITH_NVRTC", "CUDA_HOME", "CUDA_PATH")]
    for root in [Path(r) for r in roots if r] + [cache, Path("/usr/local/cuda")]:
        library = next((root / l for l in LIBRARIES if (root / l).is_file()), None)
        headers = [str(root / h) for h in HEADERS if (root / h).is_dir()]
        if library and headers:
            nvrtc, major, minor = ctypes.CDLL(str(library)), ctypes.c_int(), ctypes.c_int()
            nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
            # another one emits another text
            if (major.value, minor.value) == VERSION:
                return nvrtc, headers
    return None


def compile_one(nvrtc, headers, source):
    text = source.read_bytes()
    line = re.search(r"^// +nvrtc (.*)$", text.decode(), re.M)
    options = line[1].split() + [f"-I{h}" for h in headers]
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, source.name.encode(), 0, None, None)
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*[o.encode() for o in options]))
    sized, get = ("GetProgramLogSize", "GetProgramLog") if failed else ("GetPTXSize", "GetPTX")
    getattr(nvrtc, f"nvrtc{sized}")(program, ctypes.byref(size))
    out = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtc{get}")(program, out)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    if failed:
        sys.exit(f"{source}:\n{out.value.decode()}")
    return out.value


def code(ptx):
    """Without comments, in which NVRTC says what build of it wrote them."""
    return [line for line in ptx.splitlines() if not line.startswith(b"//")]


def main():
    check, stale = sys.argv[1:] == ["--check"], 0
    found = find()
    if not found:
        print("NVRTC 12.8 was not found", file=sys.stderr)
        sys.exit(77)
    sources = sorted(FIXTURES.rglob("*.cu"))
    for source in sources:
        ptx, target = compile_one(*found, source), source.with_suffix(".ptx")
        if target.is_file() and code(target.read_bytes()) == code(ptx):
            continue
        stale += 1
        print(f"{target.relative_to(FIXTURES)} is not what {source.name} compiles to" if check else target.relative_to(FIXTURES))
        if not check:
            target.write_bytes(ptx)
    print(f"{len(sources)} sources, {stale} changed")
    sys.exit(1 if check and stale else 0)


main()
