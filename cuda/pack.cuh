// Pack<T, N>: N elements that one instruction loads or stores, for kernels whose buffers differ in element type.
#pragma once
#include "vec.cuh"

template <class T, int N> struct alignas(N * sizeof(T)) Pack {
    static_assert(N * sizeof(T) <= 16, "the widest access is 16 bytes");
    T at[N];
};

// The widest word of a pack: what its one access moves.
template <int BYTES> struct Word;
template <> struct Word<2> { typedef unsigned short type; };
template <> struct Word<4> { typedef unsigned int type; };
template <> struct Word<8> { typedef uint2 type; };
template <> struct Word<16> { typedef uint4 type; };

template <int N, class T> __device__ __forceinline__ Pack<T, N> load_pack(const T* p) {
    typedef typename Word<N * sizeof(T)>::type W;
    const W raw = *reinterpret_cast<const W*>(p);
    return *reinterpret_cast<const Pack<T, N>*>(&raw);
}

template <class T, int N> __device__ __forceinline__ void store_pack(T* p, const Pack<T, N>& v) {
    typedef typename Word<N * sizeof(T)>::type W;
    *reinterpret_cast<W*>(p) = *reinterpret_cast<const W*>(&v);
}

// Whether p stands at a multiple of N elements, as load_pack<N> needs.
template <int N, class T> __device__ __forceinline__ bool aligned_pack(const T* p) {
    return reinterpret_cast<unsigned long long>(p) % (N * sizeof(T)) == 0;
}
