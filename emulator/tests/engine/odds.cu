// What ordinary kernels use beyond arithmetic: one kernel for each, checked in odds.rs.
extern "C" {
__device__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__global__ void recursion(int* out) { out[threadIdx.x] = fib(threadIdx.x % 10); }

typedef int (*Op)(int, int);
__device__ __noinline__ int plus(int a, int b) { return a + b; }
__device__ __noinline__ int minus(int a, int b) { return a - b; }
__device__ __noinline__ int times(int a, int b) { return a * b; }
__device__ Op table[3] = {plus, minus, times};
__global__ void indirect(int* out) { int t = threadIdx.x; out[t] = table[t % 3](t, 3); }

__global__ void local_array(const int* in, int* out) {
  int a[16]; int t = threadIdx.x;
  for (int i = 0; i < 16; i++) a[i] = in[(t + i) % 16] * i;
  int s = 0; for (int i = 0; i < 16; i++) s = s * 3 + a[in[i]];
  out[t] = s;
}
__global__ void lock(int* mutex, int* count) {
  bool done = false;
  while (!done) {
    if (atomicCAS(mutex, 0, 1) == 0) { __threadfence(); *(volatile int*)count = *(volatile int*)count + 1; __threadfence(); atomicExch(mutex, 0); done = true; }
  }
}
__global__ void plain_lock(int* mutex, int* count) {
  while (atomicCAS(mutex, 0, 1) != 0) {}
  *(volatile int*)count = *(volatile int*)count + 1;
  __threadfence();
  atomicExch(mutex, 0);
}
// every block waits for all of them, as a cooperative grid does
__global__ void grid_wait(int* arrived, int* out) {
  if (threadIdx.x == 0) {
    atomicAdd(arrived, 1);
    while (*(volatile int*)arrived < (int)gridDim.x) {}
    out[blockIdx.x] = *(volatile int*)arrived;
  }
}
__global__ void warp_ops(int* out) {
  int t = threadIdx.x, v = t * 7 % 32;
  out[t] = __shfl_down_sync(~0u, v, 3);
  out[32 + t] = __shfl_up_sync(~0u, v, 5, 16);
  out[64 + t] = __ballot_sync(~0u, v & 1);
  out[96 + t] = __match_any_sync(~0u, v & 3);
  out[128 + t] = __reduce_add_sync(~0u, v);
  if (t < 20) out[160 + t] = __shfl_xor_sync(0xfffff, v, 1) + __any_sync(0xfffff, v > 30); else out[160 + t] = __activemask();
  out[192 + t] = __syncthreads_count(v > 15);
}
__global__ void numbers(const float* x, float* y, double* z) {
  int t = threadIdx.x; float v = x[t]; double d = v;
  y[t] = sinf(v * 1000.f); y[32 + t] = expf(v); y[64 + t] = logf(fabsf(v) + 1e-3f); y[96 + t] = powf(fabsf(v) + .5f, 1.7f);
  y[128 + t] = __fdiv_rz(v, 3.f); y[160 + t] = __fadd_ru(v, 1e-9f); y[192 + t] = erff(v); y[224 + t] = sqrtf(fabsf(v));
  z[t] = exp(d); z[32 + t] = sin(d); z[64 + t] = __dadd_rd(d, 1e-20); z[96 + t] = d / 3.0;
}
__global__ void integers(const unsigned* a, unsigned* o, unsigned long long* w) {
  int t = threadIdx.x; unsigned x = a[t], y = a[(t + 1) % 32]; int s = (int)x, r = (int)y;
  o[t] = __popc(x) + __clz(x) * 100 + __ffs(x) * 10000; o[32 + t] = __brev(x); o[64 + t] = __byte_perm(x, y, 0x5140 + t);
  o[96 + t] = __funnelshift_l(x, y, t); o[128 + t] = s / (r | 1); o[160 + t] = s % (r | 1); o[192 + t] = __dp4a(s, r, 5);
  o[224 + t] = __umulhi(x, y); o[256 + t] = x >> (t + 20); o[288 + t] = s >> (t + 20);
  w[t] = (unsigned long long)x * y / (y | 1); w[32 + t] = __umul64hi((unsigned long long)x << 20 | y, (unsigned long long)y << 31 | x);
  unsigned __int128 p = (unsigned __int128)w[t] * w[32 + t] + x; w[64 + t] = (unsigned long long)(p >> 64);
}
__global__ void switches(int* out) {
  int t = threadIdx.x, r;
  switch (t % 9) { case 0: r = twice(t); break; case 1: r = t + 100; break; case 2: r = t * t; break; case 3: r = -t; break;
    case 4: r = t ^ 55; break; case 5: r = t / 3; break; case 6: for (r = 0; r * r < t; r++); break; case 7: r = fib(t % 7); break; default: r = 1; }
  out[t] = r;
}
struct Big { float v[20]; int n; };
__global__ void by_value(const __grid_constant__ Big b, float* out, int i) { out[threadIdx.x] = b.v[(threadIdx.x + i) % b.n]; }
__constant__ float weights[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__global__ void constants(float* out) { out[threadIdx.x] = weights[threadIdx.x % 8]; }
__global__ void histogram(const unsigned char* in, int n, unsigned* out) {
  __shared__ unsigned h[16]; if (threadIdx.x < 16) h[threadIdx.x] = 0; __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) atomicAdd(&h[in[i] & 15], 1u);
  __syncthreads(); if (threadIdx.x < 16) atomicAdd(&out[threadIdx.x], h[threadIdx.x]);
}
}
#include <cuda_fp16.h>
#include <cuda_bf16.h>
extern "C" __global__ void halves(const __half* a, __half* o, __nv_bfloat16* b) {
  int t = threadIdx.x; __half x = a[t], y = a[(t + 1) % 32];
  o[t] = __hfma(x, y, x); o[32 + t] = __hmax(x, y); o[64 + t] = x / y; o[96 + t] = hexp2(x);
  __half2 p = __hmul2(__halves2half2(x, y), __halves2half2(y, y)); o[128 + t] = __low2half(p) ; o[160 + t] = __high2half(p);
  b[t] = __float2bfloat16(__half2float(x)) * __float2bfloat16(1.5f);
}
extern "C" int printf(const char*, ...);
extern "C" __global__ void prints(int n) { if (threadIdx.x == 3) printf("%s has %d, %5.2f, %lld%%\n", "three", n, 2.5, 1ll << 40); }
