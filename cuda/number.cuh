// The element types of the kernels: f32, f16, bf16. Arithmetic is done in f32.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

typedef __half f16;
typedef __nv_bfloat16 bf16;
typedef float f32;
typedef long long i64;

__device__ __forceinline__ f32 to_f32(f32 x) { return x; }
__device__ __forceinline__ f32 to_f32(f16 x) { return __half2float(x); }
__device__ __forceinline__ f32 to_f32(bf16 x) { return __bfloat162float(x); }

// The nearest value of T, ties to even: from_f32<f16>(x).
template <class T> __device__ __forceinline__ T from_f32(f32 x);
template <> __device__ __forceinline__ f32 from_f32<f32>(f32 x) { return x; }
template <> __device__ __forceinline__ f16 from_f32<f16>(f32 x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ bf16 from_f32<bf16>(f32 x) { return __float2bfloat16_rn(x); }

// NVRTC has no host headers, so no <cmath> and no INFINITY.
__device__ __forceinline__ f32 infinity() { return __int_as_float(0x7f800000); }
