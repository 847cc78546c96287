// softmax:          y[r, c] = exp(x[r, c] - max_c x) / sum_c exp(x[r, c] - max_c x)
// log_softmax:      y[r, c] = x[r, c] - max_c x - log(sum_c exp(x[r, c] - max_c x))
// their gradients:  dx[r, c] = y[r, c] * dy[r, c] - y[r, c] * sum_c dy[r, c] * y[r, c]
//                   dx[r, c] = dy[r, c] - exp(y[r, c]) * sum_c dy[r, c]
//
// Parameters  x, y, dy, dx (rows, cols) row-major; log: 0 for softmax, else log_softmax
// Grid        softmax, softmax_backward: up to 1024 columns, 256 threads, 1, 4 or 32 lanes a row (for_lanes)
//             softmax_block, softmax_backward_block: any number of columns, a block a row, 64 to 512 threads
// Why         memory-bound: a row stays in its threads' registers, 32 columns each, so that x is read once. A block
//             holds 16384 columns at most; longer rows, and its rows that do not stand at multiples of 16 bytes, are
//             read twice, the first time for maximum and sum together, the second time mostly from a cache.
// Limits      x and y may be one buffer, dy and dx too; the binding checks cols <= i32::MAX

#include "floats.cuh"
#include "row.cuh"

template <class Group, class T>
__device__ __forceinline__ void forward(const T* x, T* y, const RowOf& row, bool log) {
    softmax_row<Group>(x + row.start, y + row.start, row.cols, log,
                       [=](f32 v, f32 scale, unsigned) { return log ? v - scale : v * scale; });
}

// With p the probability and t what the row's sum adds up, both gradients are t - p * sum.
struct Terms {
    f32 t, p;
    __device__ __forceinline__ Terms(f32 dy, f32 y, bool log) {
        p = log ? exp_below(y) : y;
        t = log ? dy : dy * p;
    }
};

template <class Group, class T>
__device__ __forceinline__ void backward_in_registers(const T* dy, const T* y, T* dx, unsigned n, bool log, bool wide) {
    constexpr int K = Group::REGISTERS;
    f32 t[K], p[K];
    load_row<K, Group>(dy, n, wide, t, 0.0f);
    load_row<K, Group>(y, n, wide, p, 0.0f);
    f32 sum = 0.0f;
#pragma unroll
    for (int i = 0; i < K; i += 8) {
        if (i * Group::size() >= n) break;  // eight registers that no thread has columns in
#pragma unroll
        for (int j = i; j < i + 8; j++) {
            const Terms terms(t[j], p[j], log);
            t[j] = terms.t;
            p[j] = terms.p;
            sum += t[j];
        }
    }
    sum = group_sum<Group>(sum);
    store_row<K, Group>(dx, n, wide, [&](int i, unsigned) { return t[i] - p[i] * sum; });
}

template <class Group, class T>
__device__ __forceinline__ void backward_in_two_passes(const T* dy, const T* y, T* dx, unsigned n, bool log, bool wide) {
    constexpr int N = Vec<T>::N;
    const unsigned vectors = wide ? n / N : 0;
    f32 sum = 0.0f;
#pragma unroll 2
    for (unsigned i = Group::rank(); i < vectors; i += Group::size()) {
        const Vec<T> g = load_vec(dy + i * N), v = load_vec(y + i * N);
#pragma unroll
        for (int j = 0; j < N; j++) sum += Terms(to_f32(g.at[j]), to_f32(v.at[j]), log).t;
    }
#pragma unroll 2
    for (unsigned c = vectors * N + Group::rank(); c < n; c += Group::size())
        sum += Terms(to_f32(dy[c]), to_f32(y[c]), log).t;
    sum = group_sum<Group>(sum);
    auto gradient = [&](const T& g, const T& v) {
        const Terms terms(to_f32(g), to_f32(v), log);
        return from_f32<T>(terms.t - terms.p * sum);
    };
    for (unsigned i = Group::rank(); i < vectors; i += Group::size()) {
        Vec<T> g = load_vec(dy + i * N);
        const Vec<T> v = load_vec(y + i * N);
#pragma unroll
        for (int j = 0; j < N; j++) g.at[j] = gradient(g.at[j], v.at[j]);
        store_vec(dx + i * N, g);
    }
    for (unsigned c = vectors * N + Group::rank(); c < n; c += Group::size()) dx[c] = gradient(dy[c], y[c]);
}

template <class Group, class T>
__device__ __forceinline__ void backward(const T* dy, const T* y, T* dx, const RowOf& row, bool log) {
    dy += row.start, y += row.start, dx += row.start;
    const unsigned n = row.cols;
    const bool wide = wide_rows<T>(n, dy, y, dx);
    if (!Group::MANY_WARPS || (wide && n <= Group::REGISTERS * Group::size())) {
        backward_in_registers<Group>(dy, y, dx, n, log, wide);
    } else {
        backward_in_two_passes<Group>(dy, y, dx, n, log, wide);
    }
}

#define SOFTMAX(T)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) softmax_##T(const T* x, T* y, i64 rows, int cols, int log) {     \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            forward<Group>(x, y, row_of<Group>(rows, cols), log != 0);                                                 \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        softmax_block_##T(const T* x, T* y, i64 rows, int cols, int log) {                                             \
        forward<Block>(x, y, row_of<Block>(rows, cols), log != 0);                                                     \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        softmax_backward_##T(const T* dy, const T* y, T* dx, i64 rows, int cols, int log) {                            \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            backward<Group>(dy, y, dx, row_of<Group>(rows, cols), log != 0);                                           \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        softmax_backward_block_##T(const T* dy, const T* y, T* dx, i64 rows, int cols, int log) {                      \
        backward<Block>(dy, y, dx, row_of<Block>(rows, cols), log != 0);                                               \
    }
FOR_EACH_FLOAT(SOFTMAX)
