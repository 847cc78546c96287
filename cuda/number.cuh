// The element types of the kernels. Arithmetic is done in f32, of integers in i64, whose high bits go.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

typedef __half f16;
typedef __nv_bfloat16 bf16;
typedef float f32;
typedef long long i64;
typedef int i32;
typedef unsigned char u8;

__device__ __forceinline__ f32 to_f32(f32 x) { return x; }
__device__ __forceinline__ f32 to_f32(f16 x) { return __half2float(x); }
__device__ __forceinline__ f32 to_f32(bf16 x) { return __bfloat162float(x); }

// The nearest value of T, ties to even: from_f32<f16>(x).
template <class T> __device__ __forceinline__ T from_f32(f32 x);
template <> __device__ __forceinline__ f32 from_f32<f32>(f32 x) { return x; }
template <> __device__ __forceinline__ f16 from_f32<f16>(f32 x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ bf16 from_f32<bf16>(f32 x) { return __float2bfloat16_rn(x); }

// A type's value in what it is computed in, and back.
template <class T> __device__ __forceinline__ f32 wide(T x) { return to_f32(x); }
__device__ __forceinline__ i64 wide(i64 x) { return x; }
__device__ __forceinline__ i64 wide(i32 x) { return x; }
__device__ __forceinline__ i64 wide(u8 x) { return x; }
__device__ __forceinline__ i64 wide(bool x) { return x; }
__device__ __forceinline__ void narrow(f32 x, f32& y) { y = x; }
__device__ __forceinline__ void narrow(f32 x, f16& y) { y = from_f32<f16>(x); }
__device__ __forceinline__ void narrow(f32 x, bf16& y) { y = from_f32<bf16>(x); }
__device__ __forceinline__ void narrow(i64 x, i64& y) { y = x; }
__device__ __forceinline__ void narrow(i64 x, i32& y) { y = (i32)x; }
__device__ __forceinline__ void narrow(i64 x, u8& y) { y = (u8)x; }
__device__ __forceinline__ void narrow(i64 x, bool& y) { y = x != 0; }
__device__ __forceinline__ void narrow(i32 x, i32& y) { y = x; }
__device__ __forceinline__ void narrow(bool x, bool& y) { y = x; }

// NVRTC has no host headers, so no <cmath> and no INFINITY.
__device__ __forceinline__ f32 infinity() { return __int_as_float(0x7f800000); }
