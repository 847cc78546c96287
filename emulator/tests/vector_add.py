"""Adds two vectors on whatever libcuda.so.1 is: a program that knows nothing of the emulator.

    scripts/emulate python3 emulator/tests/vector_add.py
"""

import ctypes
from pathlib import Path

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    if code:
        text = ctypes.c_char_p()
        cuda.cuGetErrorName(code, ctypes.byref(text))
        raise SystemExit(f"{name}: {code} {text.value}")


def main():
    count = 1000
    floats = ctypes.c_float * count
    device, context, module, add = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    name = ctypes.create_string_buffer(100)
    call("cuDeviceGetName", name, 100, device)
    call("cuCtxCreate_v2", ctypes.byref(context), 0, device)
    ptx = (Path(__file__).parent / "fixtures" / "vector.ptx").read_bytes()
    call("cuModuleLoadData", ctypes.byref(module), ptx)
    call("cuModuleGetFunction", ctypes.byref(add), module, b"add")
    pointers = [ctypes.c_uint64() for _ in range(3)]
    for pointer in pointers:
        call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(4 * count))
    out, a, b = pointers
    size = ctypes.c_size_t(4 * count)
    call("cuMemcpyHtoD_v2", a, floats(*range(count)), size)
    call("cuMemcpyHtoD_v2", b, floats(*(0.5 for _ in range(count))), size)
    arguments = [out, a, b, ctypes.c_uint(count)]
    addresses = (ctypes.c_void_p * 4)(*(ctypes.addressof(argument) for argument in arguments))
    call("cuLaunchKernel", add, (count + 255) // 256, 1, 1, 256, 1, 1, 0, None, addresses, None)
    result = floats()
    call("cuMemcpyDtoH_v2", result, out, size)
    assert list(result) == [i + 0.5 for i in range(count)], list(result)[:5]
    print(f"{count} sums are right on: {name.value.decode()}")


main()
