#include <cuda_fp16.h>
extern "C" __global__ void vadd(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}
extern "C" __global__ void tiled(const float* A, const float* B, float* C, int M, int N, int K) {
  __shared__ float As[16][16], Bs[16][16];
  int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y*16+ty, col = blockIdx.x*16+tx;
  float acc = 0;
  for (int k0 = 0; k0 < K; k0 += 16) {
    As[ty][tx] = row < M && k0+tx < K ? A[row*K + k0+tx] : 0.f;
    Bs[ty][tx] = col < N && k0+ty < K ? B[(k0+ty)*N + col] : 0.f;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < 16; k++) acc += As[ty][k]*Bs[k][tx];
    __syncthreads();
  }
  if (row < M && col < N) C[row*N+col] = acc;
}
extern "C" __global__ void softmax(const float* x, float* y, int cols) {
  __shared__ float red[32];
  const float* r = x + (size_t)blockIdx.x*cols; float* o = y + (size_t)blockIdx.x*cols;
  float m = -3.0e38f, s = 0;
  for (int i = threadIdx.x; i < cols; i += blockDim.x) { float v = r[i]; float mn = fmaxf(m, v); s = s*expf(m-mn) + expf(v-mn); m = mn; }
  for (int d = 16; d; d >>= 1) { float m2 = __shfl_xor_sync(~0u, m, d), s2 = __shfl_xor_sync(~0u, s, d); float mn = fmaxf(m,m2); s = s*expf(m-mn)+s2*expf(m2-mn); m = mn; }
  __shared__ float rm[32];
  if (threadIdx.x%32==0) { red[threadIdx.x/32] = s; rm[threadIdx.x/32] = m; }
  __syncthreads();
  float M = -3.0e38f, S = 0;
  for (int w = 0; w < blockDim.x/32; w++) { float mn = fmaxf(M, rm[w]); S = S*expf(M-mn)+red[w]*expf(rm[w]-mn); M = mn; }
  float inv = 1.f/S;
  for (int i = threadIdx.x; i < cols; i += blockDim.x) o[i] = expf(r[i]-M)*inv;
}
