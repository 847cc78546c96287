// cumsum: y[o, k, i] = the sum of x[o, j, i] over j <= k; in reverse over j >= k
//
// Parameters  x, y (outer, n, inner) row-major, y of T, or i64 of integers; parts, the sums of all columns (o, i) for each chunk
//             as reduce_sum leaves them, null where there is one; lanes, a power of two up to 256: columns that a block has side
//             by side; chunk, what of n a block has; reverse, 0 or 1
// Grid        (ceil(outer * inner / lanes), chunks) blocks of 256 threads: 256 / lanes of them to a column, as in reduce
// Why         memory-bound: each element is read once, twice where columns are few and long and therefore cut in chunks, and
//             written once. A thread sums ITEMS neighbours itself, then threads of a column add up in log steps, then a step's
//             total is carried to the next.
// Limits      added up in f32 with what rounding leaves carried along, rounded once for each element; integers in i64

#include "sums.cuh"

constexpr int THREADS = 256, ITEMS = 4;

template <class S, class T, class Y>
__device__ __forceinline__ void cumsum(
    const T* x, const S* parts, Y* y, i64 outer, i64 n, i64 inner, int lanes, i64 chunk, int reverse) {
    __shared__ S states[THREADS];
    const bool along = inner == 1;
    const int depth = THREADS / lanes, pitch = along ? 1 : lanes;
    const int lane = along ? threadIdx.x / depth : threadIdx.x % lanes;
    const int rank = along ? threadIdx.x % depth : threadIdx.x / lanes;
    const i64 columns = outer * inner, column = blockIdx.x * (i64)lanes + lane;
    const i64 o = along ? column : column / inner, base = o * n * inner + (column - o * inner);
    const i64 first = blockIdx.y * chunk, end = first + chunk < n ? first + chunk : n;
    const i64 len = column < columns ? end - first : 0;
    S carry = S::none();
    if (parts && column < columns) {
        const int from = reverse ? blockIdx.y + 1 : 0, to = reverse ? gridDim.y : blockIdx.y;
        for (int c = from; c < to; c++) carry = S::both(carry, parts[c * columns + column]);
    }
    for (i64 at = 0; at < end - first; at += depth * ITEMS) {
        S run[ITEMS], own = S::none();
#pragma unroll
        for (int u = 0; u < ITEMS; u++) {
            const i64 j = at + rank * ITEMS + u, k = reverse ? end - 1 - j : first + j;
            if (j < len) own = S::both(own, S::of(wide(x[base + k * inner]), 0));
            run[u] = own;
        }
        states[threadIdx.x] = own;
        for (int step = 1; step < depth; step *= 2) {
            __syncthreads();
            if (rank >= step) own = S::both(states[threadIdx.x - step * pitch], own);
            __syncthreads();
            states[threadIdx.x] = own;
        }
        __syncthreads();
        const S before = rank > 0 ? S::both(carry, states[threadIdx.x - pitch]) : carry;
        carry = S::both(carry, states[threadIdx.x + (depth - 1 - rank) * pitch]);
#pragma unroll
        for (int u = 0; u < ITEMS; u++) {
            const i64 j = at + rank * ITEMS + u, k = reverse ? end - 1 - j : first + j;
            if (j < len) narrow(S::value(S::both(before, run[u]), 0.0f, 1.0f), y[base + k * inner]);
        }
        __syncthreads();
    }
}

#define CUMSUM(S, T, Y)                                                                                                \
    extern "C" __global__ void __launch_bounds__(256) cumsum_##T(                                                      \
        const T* x, const S* parts, Y* y, i64 outer, i64 n, i64 inner, int lanes, i64 chunk, int reverse) {            \
        cumsum(x, parts, y, outer, n, inner, lanes, chunk, reverse);                                                   \
    }
CUMSUM(Sum, f32, f32) CUMSUM(Sum, f16, f16) CUMSUM(Sum, bf16, bf16)
CUMSUM(Whole, i64, i64) CUMSUM(Whole, i32, i64) CUMSUM(Whole, u8, i64)
