// fill: y[i] = value
//
// Parameters  y (n); value as its bits; b32 fills f32 and i32, b16 fills f16 and bf16
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is written once and nothing is read. The type does not matter, only its width.
// Limits      b16 takes the low half of `bits`

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

extern "C" __global__ void fill_b32(unsigned* y, i64 n, int bits) { fill(y, n, (unsigned)bits); }
extern "C" __global__ void fill_b16(unsigned short* y, i64 n, int bits) { fill(y, n, (unsigned short)bits); }
