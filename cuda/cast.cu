// cast: y[i] = (Y)x[i]
//
// Parameters  x, y (n)
// Grid        any; each thread strides over packs as long as 16 bytes of the wider type
// Why         memory-bound: each byte is read once and written once; the wider side in 16-byte accesses
// Limits      To a float: the nearest value, ties to even, an integer by way of f32. From a float to an integer: towards
//             zero, saturating, 0 for NaN. Between integers the high bits go. To bool: whether it is not 0.

#include "pack.cuh"

// Either side of a cast: how it comes to the f32 between, and back.
template <class T> struct Cast {
    static constexpr bool INTEGER = false;
    __device__ __forceinline__ static f32 single(T x) { return to_f32(x); }
    __device__ __forceinline__ static T of(f32 x) { return from_f32<T>(x); }
};
template <> struct Cast<i64> {
    static constexpr bool INTEGER = true;
    __device__ __forceinline__ static f32 single(i64 x) { return __ll2float_rn(x); }
    __device__ __forceinline__ static i64 of(f32 x) { return x == x ? __float2ll_rz(x) : 0; }
};
template <> struct Cast<i32> {
    static constexpr bool INTEGER = true;
    __device__ __forceinline__ static f32 single(i32 x) { return __int2float_rn(x); }
    __device__ __forceinline__ static i32 of(f32 x) { return x == x ? __float2int_rz(x) : 0; }
};
template <> struct Cast<u8> {
    static constexpr bool INTEGER = true;
    __device__ __forceinline__ static f32 single(u8 x) { return __int2float_rn(x); }
    __device__ __forceinline__ static u8 of(f32 x) { return (u8)__float2int_rz(fminf(fmaxf(x, 0.0f), 255.0f)); }
};
template <> struct Cast<bool> {
    static constexpr bool INTEGER = true;
    __device__ __forceinline__ static f32 single(bool x) { return x ? 1.0f : 0.0f; }
    __device__ __forceinline__ static bool of(f32 x) { return x != 0.0f; }
};

template <class X, class Y> __device__ __forceinline__ Y cast_one(X x) {
    if constexpr (Cast<X>::INTEGER && Cast<Y>::INTEGER) {
        Y y;
        narrow(wide(x), y);
        return y;
    } else {
        return Cast<Y>::of(Cast<X>::single(x));
    }
}

template <class X, class Y> __device__ __forceinline__ void cast(const X* x, Y* y, i64 n) {
    constexpr int N = 16 / (sizeof(X) > sizeof(Y) ? sizeof(X) : sizeof(Y));
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 packs = aligned_pack<N>(x) && aligned_pack<N>(y) ? n / N : 0;
    for (i64 v = thread; v < packs; v += threads) {
        const Pack<X, N> from = load_pack<N>(x + v * N);
        Pack<Y, N> to;
#pragma unroll
        for (int i = 0; i < N; i++) to.at[i] = cast_one<X, Y>(from.at[i]);
        store_pack(y + v * N, to);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) y[i] = cast_one<X, Y>(x[i]);
}

#define CAST(X, Y)                                                                                                     \
    extern "C" __global__ void cast_##X##_##Y(const X* x, Y* y, i64 n) { cast(x, y, n); }
CAST(f32, f16) CAST(f32, bf16) CAST(f32, i64) CAST(f32, i32) CAST(f32, u8) CAST(f32, bool)
CAST(f16, f32) CAST(f16, bf16) CAST(f16, i64) CAST(f16, i32) CAST(f16, u8) CAST(f16, bool)
CAST(bf16, f32) CAST(bf16, f16) CAST(bf16, i64) CAST(bf16, i32) CAST(bf16, u8) CAST(bf16, bool)
CAST(i64, f32) CAST(i64, f16) CAST(i64, bf16) CAST(i64, i32) CAST(i64, u8) CAST(i64, bool)
CAST(i32, f32) CAST(i32, f16) CAST(i32, bf16) CAST(i32, i64) CAST(i32, u8) CAST(i32, bool)
CAST(u8, f32) CAST(u8, f16) CAST(u8, bf16) CAST(u8, i64) CAST(u8, i32) CAST(u8, bool)
CAST(bool, f32) CAST(bool, f16) CAST(bool, bf16) CAST(bool, i64) CAST(bool, i32) CAST(bool, u8)
