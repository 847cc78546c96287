// argmax: y[r] = the first c for which x[r, c] is maximal; a NaN counts as the maximum
//
// Parameters  x (rows, cols) row-major; y (rows) of i32; cols > 0
// Grid        argmax: up to 1024 columns, 256 threads, 1, 4 or 32 lanes a row (for_lanes)
//             argmax_block: any number of columns, a block a row, whole warps of threads, 64 to 1024 of them
// Why         memory-bound: each byte is read once. Value and column travel as one integer that is larger for a larger
//             value and, among equal ones, for the earlier column: the reduction is a plain maximum.
// Limits      the binding checks cols <= i32::MAX

#include "group.cuh"
#include "vec.cuh"

typedef unsigned long long u64;

__device__ __forceinline__ u64 key(f32 x, unsigned column) {
    const unsigned bits = __float_as_uint(x + 0.0f);  // -0 becomes 0, which it equals
    // negative numbers grow with falling bits, and lie below the positive
    const unsigned order = bits & 0x80000000 ? ~bits : bits | 0x80000000;
    return (u64)(x != x ? 0xffffffff : order) << 32 | ~column;
}

template <class Group, class T> __device__ __forceinline__ void argmax_row(const T* x, int* y, const RowOf& row) {
    constexpr int N = Vec<T>::N;
    const unsigned n = row.cols;
    x += row.start;
    const unsigned vectors = n % N == 0 && aligned16(x) ? n / N : 0;
    auto larger = [](u64 a, u64 b) { return a > b ? a : b; };
    u64 best = 0;
#pragma unroll 2
    for (unsigned v = Group::rank(); v < vectors; v += Group::size()) {
        const Vec<T> t = load_vec(x + v * N);
#pragma unroll
        for (int j = 0; j < N; j++) best = larger(best, key(to_f32(t.at[j]), v * N + j));
    }
#pragma unroll 2
    for (unsigned c = vectors * N + Group::rank(); c < n; c += Group::size()) best = larger(best, key(to_f32(x[c]), c));
    best = Group::reduce(best, (u64)0, larger);
    if (n > 0 && Group::rank() == 0) y[row.index] = (int)~(unsigned)best;
}

#define ARGMAX(T)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) argmax_##T(const T* x, int* y, i64 rows, int cols) {             \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            argmax_row<Group>(x, y, row_of<Group>(rows, cols));                                                        \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(1024) argmax_block_##T(const T* x, int* y, i64 rows, int cols) {      \
        argmax_row<Block>(x, y, row_of<Block>(rows, cols));                                                            \
    }
ARGMAX(f32) ARGMAX(f16) ARGMAX(bf16)
