// Grid-stride loops over n elements: 16 bytes at a time where every pointer allows it, then one by one.
//
// Consecutive threads take consecutive vectors, so that a warp's access is one run of 512 bytes. Input and output
// may be the same buffer: each element is read and written by one thread, in that order.
#pragma once
#include "vec.cuh"

// y[i] = f(x[i])
template <class T, class F> __device__ __forceinline__ void map(const T* x, T* y, i64 n, F f) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 vectors = aligned16(x, y) ? n / Vec<T>::N : 0;
    for (i64 v = thread; v < vectors; v += threads) {
        Vec<T> t = load_vec(x + v * Vec<T>::N);
#pragma unroll
        for (int i = 0; i < Vec<T>::N; i++) t.at[i] = from_f32<T>(f(to_f32(t.at[i])));
        store_vec(y + v * Vec<T>::N, t);
    }
    for (i64 i = vectors * Vec<T>::N + thread; i < n; i += threads) y[i] = from_f32<T>(f(to_f32(x[i])));
}

// y[i] = f(a[i], b[i])
template <class T, class F> __device__ __forceinline__ void zip(const T* a, const T* b, T* y, i64 n, F f) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 vectors = aligned16(a, b, y) ? n / Vec<T>::N : 0;
    for (i64 v = thread; v < vectors; v += threads) {
        Vec<T> s = load_vec(a + v * Vec<T>::N);
        const Vec<T> t = load_vec(b + v * Vec<T>::N);
#pragma unroll
        for (int i = 0; i < Vec<T>::N; i++) s.at[i] = from_f32<T>(f(to_f32(s.at[i]), to_f32(t.at[i])));
        store_vec(y + v * Vec<T>::N, s);
    }
    for (i64 i = vectors * Vec<T>::N + thread; i < n; i += threads) y[i] = from_f32<T>(f(to_f32(a[i]), to_f32(b[i])));
}

// Calls f(V, i) for the elements i to i + V - 1 that are this thread's: 16 bytes of them, or one,
// for what the elements' places decide. n is below 2^31.
template <int V> struct Width { static constexpr int N = V; };
template <class T, class F> __device__ __forceinline__ void each_vector(bool aligned, unsigned n, F f) {
    const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    const unsigned vectors = aligned ? n / Vec<T>::N : 0;
    for (unsigned v = thread; v < vectors; v += threads) f(Width<Vec<T>::N>(), v * Vec<T>::N);
    for (unsigned i = vectors * Vec<T>::N + thread; i < n; i += threads) f(Width<1>(), i);
}
