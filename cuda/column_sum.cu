// column_sum:        parts[s, c] = sum over r = s, s + splits, ... in steps of whole blocks, of x[r, c]
// column_sum_activated: the same of dx = activation'(dy, y), from the activation's output y; dx is written on the way
// column_sum_finish: y[c] = sum_s parts[s, c]
//
// Parameters  x, dy, y, dx (rows, cols) row-major; activation 1 relu, 2 sigmoid, 3 tanh; parts (splits, cols) in f32; y (cols)
// Grid        (ceil(cols / lanes), splits), 256 threads: `lanes` of them (a power of two up to 32) side by side over
//             N columns each, the rest of them over rows; splits = 1 for column_sum_finish. N is 16 bytes of T where
//             cols and the pointer allow it, else 1; the grid is sized for 1, and blocks past the last column leave.
// Why         memory-bound: each byte is read once, a warp's access is up to 512 bytes of a row, or of several where
//             rows are short. Two passes instead of atomics: the same sum on every run and every device. A bias
//             and the activation behind it have their gradients in one pass: dx is summed where it is made.
// Limits      dx is another buffer than dy and y; adds in f32, whatever the type; the binding checks cols <= i32::MAX

#include "activation.cuh"
#include "floats.cuh"

// f(c, sum) for every column c of what `from` has, (rows, cols), whose rows gridDim.y blocks take in turn.
template <int N, class From, class F>
__device__ __forceinline__ void sum_columns(const From& from, i64 rows, int cols, int lanes, F f) {
    __shared__ f32 shared[N][256];
    const int lane = threadIdx.x % lanes, depth = 256 / lanes;
    const i64 column = (blockIdx.x * (i64)lanes + lane) * N;
    if (blockIdx.x * (i64)lanes * N >= cols) return;  // the whole block
    f32 sums[N] = {};
    if (column < cols) {
#pragma unroll From::UNROLL
        for (i64 row = blockIdx.y * (i64)depth + threadIdx.x / lanes; row < rows; row += gridDim.y * (i64)depth) {
            const i64 at = row * cols + column;
            if constexpr (N == 1) {
                sums[0] += to_f32(from.one(at));
            } else {
                const auto t = from.wide(at);
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

template <class T, template <class> class From, class F>
__device__ __forceinline__ void sum_columns(const From<T>& from, i64 rows, int cols, int lanes, F f) {
    if (cols % Vec<T>::N == 0 && from.vec()) {
        sum_columns<Vec<T>::N>(from, rows, cols, lanes, f);
    } else {
        sum_columns<1>(from, rows, cols, lanes, f);
    }
}

#define COLUMN_SUM(T)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        column_sum_##T(const T* x, f32* parts, i64 rows, int cols, int lanes) {                                        \
        sum_columns(Plain<T>{x}, rows, cols, lanes, [=](i64 c, f32 sum) { parts[blockIdx.y * (i64)cols + c] = sum; }); \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                               \
        column_sum_activated_##T(const T* __restrict__ dy, const T* __restrict__ y, T* __restrict__ dx, f32* parts,    \
                                 i64 rows, int cols, int lanes, int activation) {                                      \
        sum_columns(Activated<T>{dy, y, dx, activation}, rows, cols, lanes,                                            \
                    [=](i64 c, f32 sum) { parts[blockIdx.y * (i64)cols + c] = sum; });                                 \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        column_sum_finish_##T(const f32* parts, T* y, i64 splits, int cols, int lanes) {                               \
        sum_columns(Plain<f32>{parts}, splits, cols, lanes, [=](i64 c, f32 sum) { y[c] = from_f32<T>(sum); });         \
    }
FOR_EACH_FLOAT(COLUMN_SUM)
