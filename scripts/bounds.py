"""The least time that a counted launch can take on a GPU: a bound from counts and data sheets, never a measurement.

The largest of what each part of the chip needs alone: memory for the bytes that must move, Tensor Cores and f32 units for
the arithmetic, the schedulers for the warps' instructions, shared memory for its passes, and one launch. Instructions are
the PTX's, which ptxas merges here and there, so that share is an estimate.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """A data sheet: bytes and operations a second, clocks, multiprocessors, f32 lanes of each."""

    name: str
    bandwidth: float
    clock: float
    multiprocessors: int
    lanes: int
    # Tensor Cores by type of the factors, dense, sums in f32
    tensor: dict

    def seconds(self, counts, factors):
        """What each part needs for a kernel's counts; `factors` is the type that Tensor Cores multiply."""
        cycles = self.multiprocessors * self.clock
        moved = 32 * sum(counts[side]["block_sectors"] for side in ("global_read", "global_written"))
        must = counts["global_read"]["unique"] + counts["global_written"]["unique"]
        passes = sum(counts[side]["wavefronts"] for side in ("shared_read", "shared_written"))
        instructions = counts["instructions"]
        parts = {
            "memory": min(must, moved) / self.bandwidth,
            "f32": 32 * instructions.get("float", 0) / (self.lanes * cycles),
            "issue": sum(instructions.values()) / (4 * cycles),
            "shared": passes / cycles,
            "launch": LAUNCH * counts["launches"],
        }
        if counts["tensor_flop"]:
            parts["tensor"] = counts["tensor_flop"] / self.tensor[factors]
        return parts


# A launch that follows another on a stream begins no sooner.
LAUNCH = 2e-6

GPUS = [
    Gpu("T4", 320e9, 1.59e9, 40, 64, {"f16": 65e12}),
    Gpu("RTX 4090", 1008e9, 2.52e9, 128, 128, {"f16": 165e12, "bf16": 165e12, "tf32": 82.6e12}),
    Gpu("A100", 1555e9, 1.41e9, 108, 64, {"f16": 312e12, "bf16": 312e12, "tf32": 156e12}),
    Gpu("H100", 3350e9, 1.83e9, 132, 128, {"f16": 989e12, "bf16": 989e12, "tf32": 494e12}),
]


def factors(kernel):
    """The type that a kernel's Tensor Cores multiply, by its name."""
    kind = kernel.rsplit("_", 1)[1]
    return {"f32": "tf32"}.get(kind, kind)


def bounds(kernel, counts):
    """(microseconds, what sets them) on each GPU; None where it lacks the Tensor Cores. One launch at least."""
    found = []
    for gpu in GPUS:
        if counts["tensor_flop"] and factors(kernel) not in gpu.tensor:
            found.append(None)
            continue
        part, seconds = max(gpu.seconds(counts, factors(kernel)).items(), key=lambda item: item[1])
        found.append((1e6 * seconds, part))
    return found
