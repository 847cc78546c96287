// column_sum:        parts[s, c] = sum over r = s, s + splits, ... in steps of whole blocks, of x[r, c]
// column_sum_finish: y[c] = sum_s parts[s, c]
//
// Parameters  x (rows, cols) row-major; parts (splits, cols) in f32; y (cols)
// Grid        (ceil(cols / lanes), splits), 256 threads: `lanes` of them (a power of two up to 32) side by side over
//             N columns each, the rest of them over rows; splits = 1 for column_sum_finish. N is 16 bytes of T where
//             cols and the pointer allow it, else 1; the grid is sized for 1, and blocks past the last column leave.
// Why         memory-bound: each byte is read once, a warp's access is up to 512 bytes of a row, or of several where
//             rows are short. Two passes instead of atomics: the same sum on every run and every device.
// Limits      adds in f32, whatever the type; the binding checks cols <= i32::MAX

#include "vec.cuh"

// f(c, sum) for every column c of x, where x's first rows are skipped and taken by gridDim.y blocks in turn.
template <int N, class T, class F>
__device__ __forceinline__ void sum_columns(const T* x, i64 rows, int cols, int lanes, F f) {
    __shared__ f32 shared[N][256];
    const int lane = threadIdx.x % lanes, depth = 256 / lanes;
    const i64 column = (blockIdx.x * (i64)lanes + lane) * N;
    if (blockIdx.x * (i64)lanes * N >= cols) return;  // the whole block
    f32 sums[N] = {};
    if (column < cols) {
#pragma unroll 4
        for (i64 row = blockIdx.y * (i64)depth + threadIdx.x / lanes; row < rows; row += gridDim.y * (i64)depth) {
            const T* at = x + row * cols + column;
            if constexpr (N == 1) {
                sums[0] += to_f32(*at);
            } else {
                const Vec<T> t = load_vec(at);
#pragma unroll
                for (int i = 0; i < N; i++) sums[i] += to_f32(t.at[i]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < N; i++) shared[i][threadIdx.x] = sums[i];
    for (int half = depth / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half * lanes) {
#pragma unroll
            for (int i = 0; i < N; i++) shared[i][threadIdx.x] += shared[i][threadIdx.x + half * lanes];
        }
    }
    if (threadIdx.x < lanes && column < cols) {
#pragma unroll
        for (int i = 0; i < N; i++) f(column + i, shared[i][threadIdx.x]);
    }
}

template <class T, class F>
__device__ __forceinline__ void sum_columns(const T* x, i64 rows, int cols, int lanes, F f) {
    if (cols % Vec<T>::N == 0 && aligned16(x)) {
        sum_columns<Vec<T>::N>(x, rows, cols, lanes, f);
    } else {
        sum_columns<1>(x, rows, cols, lanes, f);
    }
}

#define COLUMN_SUM(T)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        column_sum_##T(const T* x, f32* parts, i64 rows, int cols, int lanes) {                                        \
        sum_columns(x, rows, cols, lanes, [=](i64 c, f32 sum) { parts[blockIdx.y * (i64)cols + c] = sum; });           \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        column_sum_finish_##T(const f32* parts, T* y, i64 splits, int cols, int lanes) {                               \
        sum_columns(parts, splits, cols, lanes, [=](i64 c, f32 sum) { y[c] = from_f32<T>(sum); });                     \
    }
FOR_EACH_FLOAT(COLUMN_SUM)
