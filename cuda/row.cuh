// A row kept in the registers of a group of threads, and the softmax of one.
//
// Where rows stand at multiples of 16 bytes, a thread holds runs of Vec<T>::N neighbours, else single columns, in both
// cases so that a warp's access is one run. Nothing is read or written at or past column n. Columns are unsigned, so
// that a loop's stride past a row of nearly 2^31 of them still fits.
#pragma once
#include "group.cuh"
#include "vec.cuh"

// The lowest finite value. As the start of a maximum it keeps -inf - -inf (NaN) out of the arithmetic; a row of
// nothing but -inf still ends with 0 / 0.
__device__ __forceinline__ f32 lowest() { return -3.402823466e38f; }

// e^d for d <= 0, where what counts is the error relative to e^0: that of __expf grows with |d|, but the result shrinks
// faster, and less than half a unit in the last place of 1 remains.
__device__ __forceinline__ f32 exp_below(f32 d) { return __expf(d); }

// Whether rows of n columns can be taken 16 bytes at a time. For one row the answer is one for all its threads.
template <class T, class... Rows> __device__ __forceinline__ bool wide_rows(unsigned n, Rows... rows) {
    return n % Vec<T>::N == 0 && aligned16(rows...);
}

// The first of the thread's columns that register i holds, where it holds them in runs of `run`.
template <class Group> __device__ __forceinline__ unsigned column_of(int i, int run) {
    return (i / run * Group::size() + Group::rank()) * run;
}

// v = the thread's columns of x; `beyond` where the row has none.
template <int K, class Group, class T>
__device__ __forceinline__ void load_row(const T* x, unsigned n, bool wide, f32 (&v)[K], f32 beyond) {
    constexpr int N = Vec<T>::N;
#pragma unroll
    for (int i = 0; i < K; i++) v[i] = beyond;
    if (wide) {
#pragma unroll
        for (int i = 0; i < K; i += N) {
            const unsigned column = column_of<Group>(i, N);
            if (column < n) {
                const Vec<T> t = load_vec(x + column);
#pragma unroll
                for (int j = 0; j < N; j++) v[i + j] = to_f32(t.at[j]);
            }
        }
    } else {
#pragma unroll
        for (int i = 0; i < K; i++) {
            const unsigned column = column_of<Group>(i, 1);
            if (column < n) v[i] = to_f32(x[column]);
        }
    }
}

// y[column] = f(i, column) for the column that register i holds
template <int K, class Group, class T, class F>
__device__ __forceinline__ void store_row(T* y, unsigned n, bool wide, F f) {
    constexpr int N = Vec<T>::N;
    if (wide) {
#pragma unroll
        for (int i = 0; i < K; i += N) {
            const unsigned column = column_of<Group>(i, N);
            if (column < n) {
                Vec<T> t;
#pragma unroll
                for (int j = 0; j < N; j++) t.at[j] = from_f32<T>(f(i + j, column + j));
                store_vec(y + column, t);
            }
        }
    } else {
#pragma unroll
        for (int i = 0; i < K; i++) {
            const unsigned column = column_of<Group>(i, 1);
            if (column < n) y[column] = from_f32<T>(f(i, column));
        }
    }
}

// The maximum of a row and the sum of exp(x - maximum), in one pass: a new maximum rescales the sum so far.
struct Online {
    f32 max, sum;

    template <int N> __device__ __forceinline__ void take(const f32 (&v)[N]) {
        f32 top = max;
#pragma unroll
        for (int j = 0; j < N; j++) top = fmaxf(top, v[j]);
        sum *= exp_below(max - top);
#pragma unroll
        for (int j = 0; j < N; j++) sum += exp_below(v[j] - top);
        max = top;
    }
};

template <class Group, class T> __device__ __forceinline__ Online online(const T* x, unsigned n) {
    constexpr int N = Vec<T>::N;
    const unsigned vectors = wide_rows<T>(n, x) ? n / N : 0;
    Online row = {lowest(), 0.0f};
#pragma unroll 2
    for (unsigned i = Group::rank(); i < vectors; i += Group::size()) {
        const Vec<T> t = load_vec(x + i * N);
        f32 v[N];
#pragma unroll
        for (int j = 0; j < N; j++) v[j] = to_f32(t.at[j]);
        row.take(v);
    }
#pragma unroll 2
    for (unsigned column = vectors * N + Group::rank(); column < n; column += Group::size()) {
        const f32 v[1] = {to_f32(x[column])};
        row.take(v);
    }
    const f32 max = group_max<Group>(row.max);
    return {max, group_sum<Group>(row.sum * exp_below(row.max - max))};
}

// y[c] = finish(v, scale, c), where v = exp(x - max) and scale = 1 / sum, or, for `log`, v = x - max and
// scale = log(sum). Every column of the row is in a register: x is read once.
template <class Group, class T, class F>
__device__ __forceinline__ void softmax_in_registers(const T* x, T* y, unsigned n, bool log, bool wide, F finish) {
    constexpr int K = Group::REGISTERS;
    f32 v[K];
    load_row<K, Group>(x, n, wide, v, -infinity());
    f32 max = lowest();
#pragma unroll
    for (int i = 0; i < K; i++) max = fmaxf(max, v[i]);
    max = group_max<Group>(max);
    f32 sum = 0.0f;
#pragma unroll
    for (int i = 0; i < K; i += 8) {
        if (i * Group::size() >= n) break;  // eight registers that no thread has columns in
#pragma unroll
        for (int j = i; j < i + 8; j++) {
            v[j] -= max;
            const f32 e = exp_below(v[j]);
            sum += e;
            v[j] = log ? v[j] : e;
        }
    }
    sum = group_sum<Group>(sum);
    const f32 scale = log ? logf(sum) : 1.0f / sum;
    store_row<K, Group>(y, n, wide, [&](int i, unsigned column) { return finish(v[i], scale, column); });
}

// The same for rows that do not fit: x is read twice, the second time mostly from a cache.
template <class Group, class T, class F>
__device__ __forceinline__ void softmax_in_two_passes(const T* x, T* y, unsigned n, bool log, bool wide, F finish) {
    constexpr int N = Vec<T>::N;
    const Online row = online<Group>(x, n);
    const f32 scale = log ? logf(row.sum) : 1.0f / row.sum;
    auto value = [&](f32 x, unsigned column) {
        const f32 d = x - row.max;
        return finish(log ? d : exp_below(d), scale, column);
    };
    const unsigned vectors = wide ? n / N : 0;
    for (unsigned i = Group::rank(); i < vectors; i += Group::size()) {
        Vec<T> t = load_vec(x + i * N);
#pragma unroll
        for (int j = 0; j < N; j++) t.at[j] = from_f32<T>(value(to_f32(t.at[j]), i * N + j));
        store_vec(y + i * N, t);
    }
    for (unsigned column = vectors * N + Group::rank(); column < n; column += Group::size())
        y[column] = from_f32<T>(value(to_f32(x[column]), column));
}

template <class Group, class T, class F>
__device__ __forceinline__ void softmax_row(const T* x, T* y, unsigned n, bool log, F finish) {
    const bool wide = wide_rows<T>(n, x, y);
    // single columns in a block's registers would double its code, for rows that a cache holds
    if (!Group::MANY_WARPS || (wide && n <= Group::REGISTERS * Group::size())) {
        softmax_in_registers<Group>(x, y, n, log, wide, finish);
    } else {
        softmax_in_two_passes<Group>(x, y, n, log, wide, finish);
    }
}
