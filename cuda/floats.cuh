// Entry points for each float, of which Ampere's bf16 has instructions of its own.
//
// Whoever includes this is compiled for Ampere too (build.rs looks for the question below); a kernel that rounds once for many
// elements that it reads, or not at all, does without, and lists its types.
#pragma once
#include "number.cuh"

// Stamps out one entry point per element type: DEFINE(T) uses T as the type and as the end of the name. Of these, Ampere has
// instructions of its own for bf16 alone: f32 and f16 would come out the same again, and the loader takes what Turing has.
#if __CUDA_ARCH__ < 800
#define FOR_EACH_FLOAT(DEFINE) DEFINE(f32) DEFINE(f16) DEFINE(bf16)
#else
#define FOR_EACH_FLOAT(DEFINE) DEFINE(bf16)
#endif
