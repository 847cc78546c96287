"""The least time that a counted launch can take on a GPU: a bound from counts and data sheets, never a measurement.

The largest of what each part of the chip needs alone: memory for the bytes that must move, Tensor Cores and f32 units for
the arithmetic, the schedulers for the warps' instructions, shared memory for its passes, and one launch. Instructions are
the PTX's, which ptxas merges here and there, or, where a kernel's steady loop is known (`loops.py`), those of the loop that go
with each multiplication; so that share is an estimate.
"""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Gpu:
    """A data sheet: bytes and operations a second, clocks, multiprocessors, f32 lanes of each; what a multiprocessor holds."""

    name: str
    bandwidth: float
    clock: float
    multiprocessors: int
    lanes: int
    # Tensor Cores by type of the factors, dense, sums in f32
    tensor: dict
    # compute capability, the PTX that the loader takes for it, what ptxas is told
    capability: str
    architecture: str
    chip: str
    # threads, blocks and bytes of shared memory of a multiprocessor, and bytes that each block costs besides its own
    threads: int
    blocks: int
    shared: int
    reserved: int

    def resident(self, threads, registers, shared):
        """Blocks of a kernel that a multiprocessor holds at once."""
        warps = -(-threads // 32)
        by_registers = REGISTERS // (-(-registers // 8) * 8 * 32) // 4 * 4 // warps
        block = shared + self.reserved
        by_shared = self.shared // (-(-block // 128) * 128) if block else self.blocks
        return min(self.blocks, self.threads // (32 * warps), by_registers, by_shared)

    def waves(self, blocks, threads, registers, shared):
        """How often a launch fills the device: 1.2 are a full wave, and one that fills a fifth."""
        return blocks / (self.multiprocessors * max(1, self.resident(threads, registers, shared)))

    def seconds(self, counts, factors, loop=None):
        """What each part needs for a kernel's counts; `factors` is the type that Tensor Cores multiply, `loop` the kernel's."""
        cycles = self.multiprocessors * self.clock
        moved = 32 * sum(counts[side]["block_sectors"] for side in ("global_read", "global_written"))
        must = counts["global_read"]["unique"] + counts["global_written"]["unique"]
        passes = sum(counts[side]["wavefronts"] for side in ("shared_read", "shared_written"))
        instructions = counts["instructions"]
        issued = sum(instructions.values())
        if loop:
            multiplications = counts["tensor_flop"] / loop.flop if counts["tensor_flop"] else instructions.get("float", 0)
            issued = multiplications * loop.instructions / loop.multiplications
        parts = {
            "memory": min(must, moved) / self.bandwidth,
            "f32": 32 * instructions.get("float", 0) / (self.lanes * cycles),
            "issue": issued / (4 * cycles),
            "shared": passes / cycles,
            "launch": LAUNCH * counts["launches"],
        }
        if counts["tensor_flop"]:
            parts["tensor"] = counts["tensor_flop"] / self.tensor[factors]
        return parts


# Of each multiprocessor.
REGISTERS = 65536

# A launch that follows another on a stream begins no sooner.
LAUNCH = 2e-6

GPUS = [
    Gpu("T4", 320e9, 1.59e9, 40, 64, {"f16": 65e12}, "7.5", "sm_75", "sm_75", 1024, 16, 64 << 10, 0),
    Gpu("RTX 4090", 1008e9, 2.52e9, 128, 128, {"f16": 165e12, "bf16": 165e12, "tf32": 82.6e12},
        "8.9", "sm_80", "sm_89", 1536, 24, 100 << 10, 1 << 10),
    Gpu("A100", 1555e9, 1.41e9, 108, 64, {"f16": 312e12, "bf16": 312e12, "tf32": 156e12},
        "8.0", "sm_80", "sm_80", 2048, 32, 164 << 10, 1 << 10),
    Gpu("H100", 3350e9, 1.83e9, 132, 128, {"f16": 989e12, "bf16": 989e12, "tf32": 494e12},
        "9.0", "sm_90a", "sm_90a", 2048, 32, 228 << 10, 1 << 10),
]


def factors(kernel):
    """The type that a kernel's Tensor Cores multiply, by its name."""
    kind = kernel.rsplit("_", 1)[1]
    return {"f32": "tf32"}.get(kind, kind)


def bound(gpu, kernel, counts, loop=None):
    """(microseconds, what sets them) on a GPU; None where it lacks the Tensor Cores. One launch at least."""
    if counts["tensor_flop"] and factors(kernel) not in gpu.tensor:
        return None
    part, seconds = max(gpu.seconds(counts, factors(kernel), loop).items(), key=lambda item: item[1])
    return 1e6 * seconds, part


def bounds(kernel, counts):
    """`bound` on each GPU."""
    return [bound(gpu, kernel, counts) for gpu in GPUS]
