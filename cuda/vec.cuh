// Vec<T>: 16 bytes of T, which one instruction loads or stores.
#pragma once
#include "number.cuh"

template <class T> struct alignas(16) Vec {
    static constexpr int N = 16 / sizeof(T);
    T at[N];
};

template <class T> __device__ __forceinline__ Vec<T> load_vec(const T* p) {
    const uint4 raw = *reinterpret_cast<const uint4*>(p);
    return *reinterpret_cast<const Vec<T>*>(&raw);
}

template <class T> __device__ __forceinline__ void store_vec(T* p, const Vec<T>& v) {
    *reinterpret_cast<uint4*>(p) = *reinterpret_cast<const uint4*>(&v);
}

// Whether all pointers stand at a multiple of 16 bytes. A view into a buffer may not.
__device__ __forceinline__ bool aligned16() { return true; }
template <class P, class... Rest> __device__ __forceinline__ bool aligned16(P p, Rest... rest) {
    return reinterpret_cast<unsigned long long>(p) % 16 == 0 && aligned16(rest...);
}
