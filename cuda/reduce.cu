// reduce: y[o, i] = the sum, product, ... over k of x[o, k, i]
//
// Parameters  x (outer, n, inner) row-major; y (outer, inner), T, i32 for argmax and argmin, i64 of integers; correction, what var takes off
//             n; lanes, a power of two up to 256: columns (o, i) that a block has side by side; chunk, what of n a block has;
//             parts, the states of all columns for each chunk, null where there is one
// Grid        (ceil(outer * inner / lanes), chunks) blocks of 256 threads: 256 / lanes of them to a column. reduce_finish: one
//             row of such blocks, over the parts
// Why         memory-bound: each element is read once, neighbours by neighbours: where inner is 1 the threads of a column lie along
//             it, else the lanes along the columns. Few long columns are cut in chunks, so that they fill a GPU. What is added up
//             in which order follows from shapes alone: the same bits on every run and every device.
// Limits      computed in f32, integers in i64, by trees over threads; NaN is the maximum and the minimum; columns and chunk below 2^31

#include "sums.cuh"

// A line each below: what stands for no elements, for one, for two parts together, and what comes out of n elements. Sums
// are sums.cuh's.
struct Norm : Sum {
    __device__ static Norm none() { return {}; }
    __device__ static Norm of(f32 x, unsigned) {
        Norm s;
        s.sum = x * x, s.rest = 0.0f;
        return s;
    }
    __device__ static Norm both(Norm a, Norm b) {
        Norm s;
        (Sum&)s = Sum::both(a, b);
        return s;
    }
    __device__ static f32 value(Norm s, f32, f32) { return sqrtf(s.sum + s.rest); }
};
struct Prod {
    f32 product;
    __device__ static Prod none() { return {1.0f}; }
    __device__ static Prod of(f32 x, unsigned) { return {x}; }
    __device__ static Prod both(Prod a, Prod b) { return {a.product * b.product}; }
    __device__ static f32 value(Prod s, f32, f32) { return s.product; }
};
struct Product {
    i64 product;
    __device__ static Product none() { return {1}; }
    __device__ static Product of(i64 x, unsigned) { return {x}; }
    __device__ static Product both(Product a, Product b) { return {a.product * b.product}; }
    __device__ static i64 value(Product s, f32, f32) { return s.product; }
};
struct Max {
    f32 most;
    __device__ static Max none() { return {-infinity()}; }
    __device__ static Max of(f32 x, unsigned) { return {x}; }
    __device__ static Max both(Max a, Max b) { return a.most > b.most || a.most != a.most ? a : b; }
    __device__ static f32 value(Max s, f32, f32) { return s.most; }
};
struct Min {
    f32 least;
    __device__ static Min none() { return {infinity()}; }
    __device__ static Min of(f32 x, unsigned) { return {x}; }
    __device__ static Min both(Min a, Min b) { return a.least < b.least || a.least != a.least ? a : b; }
    __device__ static f32 value(Min s, f32, f32) { return s.least; }
};
struct alignas(8) LogSumExp {
    f32 most, sum;  // of exp(x - most)
    __device__ static LogSumExp none() { return {-infinity(), 0.0f}; }
    __device__ static LogSumExp of(f32 x, unsigned) { return {x, 1.0f}; }
    __device__ static LogSumExp both(LogSumExp a, LogSumExp b) {
        const bool larger = a.most > b.most || a.most != a.most;
        const LogSumExp high = larger ? a : b, low = larger ? b : a;
        // of two infinities of one sign the difference is no number; both count whole
        const f32 share = low.most == high.most ? 1.0f : expf(low.most - high.most);
        return {high.most, fmaf(low.sum, share, high.sum)};
    }
    __device__ static f32 value(LogSumExp s, f32, f32) { return s.most + logf(s.sum); }
};
// Chan's way: counts, means and squares about them.
struct Var {
    f32 count, mean, squares;
    __device__ static Var none() { return {0.0f, 0.0f, 0.0f}; }
    __device__ static Var of(f32 x, unsigned) { return {1.0f, x, 0.0f}; }
    __device__ static Var both(Var a, Var b) {
        if (a.count == 0.0f) return b;
        if (b.count == 0.0f) return a;
        const f32 count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
        return {count, fmaf(apart, share, a.mean), a.squares + b.squares + apart * apart * a.count * share};
    }
    __device__ static f32 value(Var s, f32 n, f32 correction) { return s.squares / fmaxf(n - correction, 0.0f); }
};
struct Std : Var {
    __device__ static Std none() { return {}; }
    __device__ static Std of(f32 x, unsigned k) { return from(Var::of(x, k)); }
    __device__ static Std both(Std a, Std b) { return from(Var::both(a, b)); }
    __device__ static f32 value(Std s, f32 n, f32 correction) { return sqrtf(Var::value(s, n, correction)); }
    __device__ static Std from(Var v) {
        Std s;
        (Var&)s = v;
        return s;
    }
};
// The first of equal ones; NaN before all.
template <bool MOST> struct alignas(8) Place {
    f32 best;
    unsigned at;
    __device__ static Place none() { return {MOST ? -infinity() : infinity(), 0xffffffff}; }
    __device__ static Place of(f32 x, unsigned k) { return {x, k}; }
    __device__ static Place both(Place a, Place b) {
        const bool a_nan = a.best != a.best, b_nan = b.best != b.best;
        if (a_nan || b_nan) return a_nan && (!b_nan || a.at < b.at) ? a : b;
        if (a.best == b.best) return a.at < b.at ? a : b;
        return (MOST ? a.best > b.best : a.best < b.best) ? a : b;
    }
    __device__ static i32 value(Place s, f32, f32) { return (i32)s.at; }
};
typedef Place<true> Argmax;
typedef Place<false> Argmin;

constexpr int THREADS = 256, UNROLL = 4;

// One block's columns over `n` of what read(column, k) gives, those of chunk blockIdx.y; write(column, state) takes what comes out.
template <class S, class Read, class Write>
__device__ __forceinline__ void reduce(i64 columns, i64 n, bool along, int lanes, i64 chunk, Read read, Write write) {
    __shared__ S states[THREADS];
    const int depth = THREADS / lanes;
    const int lane = along ? threadIdx.x / depth : threadIdx.x % lanes;
    const int rank = along ? threadIdx.x % depth : threadIdx.x / lanes;
    const i64 column = blockIdx.x * (i64)lanes + lane;
    const i64 first = blockIdx.y * chunk, end = first + chunk < n ? first + chunk : n;
    S own = S::none();
    if (column < columns) {
        i64 k = first + rank;
        for (; k + (UNROLL - 1) * depth < end; k += UNROLL * depth) {
            S step[UNROLL];
#pragma unroll
            for (int u = 0; u < UNROLL; u++) step[u] = read(column, k + u * depth);
#pragma unroll
            for (int u = 0; u < UNROLL; u++) own = S::both(own, step[u]);
        }
        for (; k < end; k += depth) own = S::both(own, read(column, k));
    }
    // ranks of a column stand `pitch` apart
    const int pitch = along ? 1 : lanes;
    states[threadIdx.x] = own;
    for (int half = depth / 2; half > 0; half /= 2) {
        __syncthreads();
        if (rank < half) states[threadIdx.x] = own = S::both(own, states[threadIdx.x + half * pitch]);
    }
    if (rank == 0 && column < columns) write(column, own);
}

template <class S, class T, class Y>
__device__ __forceinline__ void first_pass(
    const T* x, S* parts, Y* y, i64 outer, i64 n, i64 inner, int lanes, i64 chunk, f32 number) {
    const i64 columns = outer * inner;
    const auto read = [=](i64 column, i64 k) {
        const i64 o = inner == 1 ? column : column / inner;
        return S::of(wide(x[(o * n + k) * inner + (column - o * inner)]), (unsigned)k);
    };
    const auto write = [=](i64 column, S state) {
        if (parts)
            parts[blockIdx.y * columns + column] = state;
        else
            narrow(S::value(state, (f32)n, number), y[column]);
    };
    reduce<S>(columns, n, inner == 1, lanes, chunk, read, write);
}

template <class S, class Y>
__device__ __forceinline__ void second_pass(const S* parts, Y* y, i64 columns, i64 n, i64 chunks, int lanes, f32 number) {
    const auto read = [=](i64 column, i64 k) { return parts[k * columns + column]; };
    const auto write = [=](i64 column, S state) { narrow(S::value(state, (f32)n, number), y[column]); };
    reduce<S>(columns, chunks, false, lanes, chunks, read, write);
}

#define FIRST(NAME, S, T, Y)                                                                                           \
    extern "C" __global__ void __launch_bounds__(256) reduce_##NAME##_##T(                                             \
        const T* x, S* parts, Y* y, i64 outer, i64 n, i64 inner, int lanes, i64 chunk, f32 number) {                   \
        first_pass(x, parts, y, outer, n, inner, lanes, chunk, number);                                                \
    }
#define ENTRY(NAME, S, T, Y)                                                                                           \
    FIRST(NAME, S, T, Y)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256) reduce_##NAME##_finish_##T(                                      \
        const S* parts, Y* y, i64 columns, i64 n, i64 chunks, int lanes, f32 number) {                                 \
        second_pass(parts, y, columns, n, chunks, lanes, number);                                                      \
    }
#define OF_TYPE(T)                                                                                                     \
    ENTRY(sum, Sum, T, T)                                                                                              \
    ENTRY(prod, Prod, T, T)                                                                                            \
    ENTRY(max, Max, T, T)                                                                                              \
    ENTRY(min, Min, T, T)                                                                                              \
    ENTRY(norm, Norm, T, T)                                                                                            \
    ENTRY(logsumexp, LogSumExp, T, T)                                                                                  \
    ENTRY(var, Var, T, T)                                                                                              \
    ENTRY(std, Std, T, T)                                                                                              \
    ENTRY(argmax, Argmax, T, i32)                                                                                      \
    ENTRY(argmin, Argmin, T, i32)
OF_TYPE(f32) OF_TYPE(f16) OF_TYPE(bf16)
// of integers, and of bool as u8
ENTRY(sum, Whole, i64, i64) FIRST(sum, Whole, i32, i64) FIRST(sum, Whole, u8, i64)
ENTRY(prod, Product, i64, i64) FIRST(prod, Product, i32, i64) FIRST(prod, Product, u8, i64)
