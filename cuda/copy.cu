// copy: y[place of i in y] = x[place of i in x] for every i of a box of indices
//
// Parameters  x, y each from the box's first element on; n, the elements of the box; strides, of both (strides.cuh). b128 to
//             b8 move words of so many bits: the binding takes the widest that sizes, strides and addresses allow
// Grid        any; each thread strides over the box, UNROLL words at a time
// Why         memory-bound: each word is read once and written once. Consecutive threads take consecutive indices, so that the
//             side whose innermost stride is 1 is coalesced; the binding orders the box by y, and turns to transpose where
//             x would be read across its rows. Loads of a step come before its stores, so that they wait together.
// Limits      places in y differ; n below 2^31

#include "strides.cuh"

constexpr int UNROLL = 4;

template <class W> __device__ __forceinline__ void copy(const W* x, W* y, i64 n, const Strides<2>& strides) {
    const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    for (i64 first = thread; first < n; first += (i64)threads * UNROLL) {
        W words[UNROLL];
        i64 to[UNROLL];
#pragma unroll
        for (int k = 0; k < UNROLL; k++) {
            const i64 i = first + (i64)k * threads;
            i64 place[2];
            if (i < n) {
                strides.places((unsigned)i, place);
                words[k] = x[place[0]];
                to[k] = place[1];
            }
        }
#pragma unroll
        for (int k = 0; k < UNROLL; k++)
            if (first + (i64)k * threads < n) y[to[k]] = words[k];
    }
}

#define COPY(BITS, WORD)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        copy_b##BITS(const WORD* x, WORD* y, i64 n, const Strides<2> strides) {                                        \
        copy(x, y, n, strides);                                                                                        \
    }
COPY(128, uint4)
COPY(64, unsigned long long)
COPY(32, unsigned)
COPY(16, unsigned short)
COPY(8, unsigned char)
