// fill: y[i] = value
//
// Parameters  y (n); value as its bits; b64, b32, b16, b8 fill elements of so many bits
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is written once and nothing is read. The type does not matter, only its width.
// Limits      `bits` has the value in its low part

#include "vec.cuh"

template <class T> __device__ __forceinline__ void fill(T* y, i64 n, T value) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 vectors = aligned16(y) ? n / Vec<T>::N : 0;
    Vec<T> all;
#pragma unroll
    for (int i = 0; i < Vec<T>::N; i++) all.at[i] = value;
    for (i64 v = thread; v < vectors; v += threads) store_vec(y + v * Vec<T>::N, all);
    for (i64 i = vectors * Vec<T>::N + thread; i < n; i += threads) y[i] = value;
}

#define FILL(BITS, WORD)                                                                                               \
    extern "C" __global__ void fill_b##BITS(WORD* y, i64 n, i64 bits) { fill(y, n, (WORD)bits); }
FILL(64, unsigned long long)
FILL(32, unsigned)
FILL(16, unsigned short)
FILL(8, unsigned char)
