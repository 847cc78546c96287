// cast: y[i] = (Y)x[i]
//
// Parameters  x, y (n)
// Grid        any; each thread strides over packs as long as 16 bytes of the wider type
// Why         memory-bound: each byte is read once and written once; the wider side in 16-byte accesses
// Limits      To a float: the nearest value, ties to even. To i32: towards zero, saturating, 0 for NaN. Everything goes
//             through f32, so an i32 beyond 2^24 is rounded to f32 first.

#include "pack.cuh"

typedef int i32;

__device__ __forceinline__ f32 to_f32(i32 x) { return __int2float_rn(x); }
template <> __device__ __forceinline__ i32 from_f32<i32>(f32 x) { return x == x ? __float2int_rz(x) : 0; }

template <class X, class Y> __device__ __forceinline__ void cast(const X* x, Y* y, i64 n) {
    constexpr int N = 16 / (sizeof(X) > sizeof(Y) ? sizeof(X) : sizeof(Y));
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 packs = aligned_pack<N>(x) && aligned_pack<N>(y) ? n / N : 0;
    for (i64 v = thread; v < packs; v += threads) {
        const Pack<X, N> from = load_pack<N>(x + v * N);
        Pack<Y, N> to;
#pragma unroll
        for (int i = 0; i < N; i++) to.at[i] = from_f32<Y>(to_f32(from.at[i]));
        store_pack(y + v * N, to);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) y[i] = from_f32<Y>(to_f32(x[i]));
}

#define CAST(X, Y)                                                                                                     \
    extern "C" __global__ void cast_##X##_##Y(const X* x, Y* y, i64 n) { cast(x, y, n); }
CAST(f32, f16) CAST(f32, bf16) CAST(f32, i32)
CAST(f16, f32) CAST(f16, bf16) CAST(f16, i32)
CAST(bf16, f32) CAST(bf16, f16) CAST(bf16, i32)
CAST(i32, f32) CAST(i32, f16) CAST(i32, bf16)
