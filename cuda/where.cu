// where: y[i] = condition[i] ? a[i] : b[i], all three broadcast to y's shape
//
// Parameters  condition, a and b from their first elements on, a or b null for one value; y (n); the bits of these values;
//             strides of all three (strides.cuh), none where they lie as y does. b64 to b8 move elements of so many bits
// Grid        any; each thread strides over the elements
// Why         memory-bound, and only widths matter. What is not taken is not read: whole warps skip it where a mask has
//             runs, as a padding's has.
// Limits      y may be a or b where that is not broadcast

#include "strides.cuh"

template <class W>
__device__ __forceinline__ void where(
    const bool* condition, const W* a, const W* b, W* y, i64 n, W of_a, W of_b, const Strides<3>& strides) {
    constexpr int UNROLL = 4;
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x, threads = gridDim.x * (i64)blockDim.x;
    for (i64 first = thread; first < n; first += threads * UNROLL) {
        W taken[UNROLL];
#pragma unroll
        for (int k = 0; k < UNROLL; k++) {
            const i64 i = first + k * threads;
            if (i < n) {
                i64 place[3] = {i, i, i};
                if (strides.dims > 0) strides.places((unsigned)i, place);
                if (condition[place[0]])
                    taken[k] = a ? a[place[1]] : of_a;
                else
                    taken[k] = b ? b[place[2]] : of_b;
            }
        }
#pragma unroll
        for (int k = 0; k < UNROLL; k++)
            if (first + k * threads < n) y[first + k * threads] = taken[k];
    }
}

#define WHERE(BITS, WORD)                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) where_b##BITS(                                                   \
        const bool* condition, const WORD* a, const WORD* b, WORD* y, i64 n, i64 of_a, i64 of_b,                       \
        const Strides<3> strides) {                                                                                    \
        where(condition, a, b, y, n, (WORD)of_a, (WORD)of_b, strides);                                                 \
    }
WHERE(64, unsigned long long)
WHERE(32, unsigned)
WHERE(16, unsigned short)
WHERE(8, unsigned char)
