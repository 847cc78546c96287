// sum:        parts[b] = the sum of block b's share of x, parts[blocks + b] = the same of 2^-64 x
// sum_finish: y[0] = sum_b parts[b] / divisor, or, where that is not finite, 2^64 sum_b parts[blocks + b] / divisor
//
// Parameters  x (n); parts (2 blocks) in f32; y (1)
// Grid        sum: any number of blocks of 256 threads; sum_finish: one block of 256 threads
// Why         memory-bound: each byte is read once, 16 at a time. Two passes instead of atomics, and a grid that
//             follows from n alone: the same sum on every run and every device. A thread adds up few values, threads are
//             added as a tree, so rounding grows with the logarithm of n. A sum may leave the range of f32 where the
//             mean does not, or only on the way: so it is made a second time of numbers 2^64 smaller, whose smallest
//             do not count where it is taken. Arithmetic is free here.
// Limits      adds in f32, whatever the type; divisor 1 for the sum, n for the mean (n = 0 gives 0 and NaN)

#include "floats.cuh"
#include "group.cuh"
#include "vec.cuh"

__device__ constexpr f32 SMALL = 1.0f / 18446744073709551616.0f;  // 2^-64

template <class T> __device__ __forceinline__ void sum_parts(const T* x, f32* parts, i64 n) {
    constexpr int N = Vec<T>::N;
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 vectors = aligned16(x) ? n / N : 0;
    f32 sums[N] = {}, small[N] = {};
#pragma unroll 4
    for (i64 v = thread; v < vectors; v += threads) {
        const Vec<T> t = load_vec(x + v * N);
#pragma unroll
        for (int i = 0; i < N; i++) {
            sums[i] += to_f32(t.at[i]);
            small[i] = fmaf(to_f32(t.at[i]), SMALL, small[i]);
        }
    }
    for (i64 i = vectors * N + thread; i < n; i += threads) {
        sums[0] += to_f32(x[i]);
        small[0] = fmaf(to_f32(x[i]), SMALL, small[0]);
    }
#pragma unroll
    for (int half = N / 2; half > 0; half /= 2) {
#pragma unroll
        for (int i = 0; i < half; i++) {
            sums[i] += sums[i + half];
            small[i] += small[i + half];
        }
    }
    const f32 sum = group_sum<Block>(sums[0]);
    const f32 smaller = group_sum<Block>(small[0]);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = sum;
        parts[gridDim.x + blockIdx.x] = smaller;
    }
}

template <class T> __device__ __forceinline__ void finish(const f32* parts, T* y, int count, f32 divisor) {
    f32 sum = 0.0f, small = 0.0f;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        sum += parts[i];
        small += parts[count + i];
    }
    sum = group_sum<Block>(sum);
    small = group_sum<Block>(small);
    // written so that NaN, as of two infinities on the way, counts as too large
    const f32 quotient = fabsf(sum) < infinity() ? sum / divisor : small / divisor * (1.0f / SMALL);
    if (threadIdx.x == 0) y[0] = from_f32<T>(quotient);
}

#define SUM(T)                                                                                                         \
    extern "C" __global__ void __launch_bounds__(256) sum_##T(const T* x, f32* parts, i64 n) {                         \
        sum_parts(x, parts, n);                                                                                        \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        sum_finish_##T(const f32* parts, T* y, int count, f32 divisor) {                                               \
        finish(parts, y, count, divisor);                                                                              \
    }
FOR_EACH_FLOAT(SUM)
