// y[i] = f(a[place of i in a], b[place of i in b]), where either may be one number.
//
// Without strides all three lie side by side and move 16 bytes at a time; with them (strides.cuh) each thread works out
// places, and consecutive threads write consecutive elements.
#pragma once
#include "pack.cuh"
#include "strides.cuh"

// What a type is computed in, and such a number of 64 bits.
template <class T> struct Number {
    typedef decltype(wide(T())) Wide;
    __device__ __forceinline__ static Wide of_bits(i64 bits) {
        if constexpr (sizeof(Wide) == sizeof(f32))
            return __int_as_float((int)bits);
        else
            return bits;
    }
};

// The same number, of which the compiler knows nothing: else it makes each loop anew for what is null.
__device__ __forceinline__ int unknown(int x) {
    asm volatile("" : "+r"(x));
    return x;
}

// a or b null: its number instead. The number is an f32's bits or an i64.
template <class T, class Y, class F>
__device__ __forceinline__ void broadcast(const T* a, const T* b, Y* y, i64 n, i64 bits, const Strides<2>& strides, F f) {
    constexpr int N = 16 / (sizeof(T) > sizeof(Y) ? sizeof(T) : sizeof(Y)), UNROLL = 4;
    typedef Number<T> As;
    const typename As::Wide number = As::of_bits(bits);
    const int has = (a ? 1 : 0) | (b ? 2 : 0);
    const auto compute = [&](T p, T q, int has) {
        return f(has & 1 ? wide(p) : number, has & 2 ? wide(q) : number);
    };
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x, threads = gridDim.x * (i64)blockDim.x;
    if (strides.dims > 0) {
        for (i64 first = thread; first < n; first += threads * UNROLL) {
            T p[UNROLL] = {}, q[UNROLL] = {};
            const int which = unknown(has);
#pragma unroll
            for (int k = 0; k < UNROLL; k++) {
                const i64 i = first + k * threads;
                if (i < n) {
                    i64 place[2];
                    strides.places((unsigned)i, place);
                    if (which & 1) p[k] = a[place[0]];
                    if (which & 2) q[k] = b[place[1]];
                }
            }
#pragma unroll
            for (int k = 0; k < UNROLL; k++) {
                const i64 i = first + k * threads;
                if (i < n) narrow(compute(p[k], q[k], which), y[i]);
            }
        }
        return;
    }
    const i64 packs = aligned_pack<N>(a) && aligned_pack<N>(b) && aligned_pack<N>(y) ? n / N : 0;
    for (i64 v = thread; v < packs; v += threads) {
        Pack<T, N> p = {}, q = {};
        const int which = unknown(has);
        if (which & 1) p = load_pack<N>(a + v * N);
        if (which & 2) q = load_pack<N>(b + v * N);
        Pack<Y, N> r;
#pragma unroll
        for (int i = 0; i < N; i++) narrow(compute(p.at[i], q.at[i], which), r.at[i]);
        store_pack(y + v * N, r);
    }
    for (i64 i = packs * N + thread; i < n; i += threads)
        narrow(compute(a ? a[i] : T(), b ? b[i] : T(), has), y[i]);
}
