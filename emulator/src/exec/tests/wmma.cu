#include <mma.h>
#include <cuda_fp16.h>
#include <cuda_bf16.h>
using namespace nvcuda;
template<class T, int M, int N, int K> __device__ void go(const T* a, const T* b, float* c, int lda, int ldb, int ldc) {
  wmma::fragment<wmma::matrix_a, M, N, K, T, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, M, N, K, T, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, M, N, K, float> fc;
  wmma::load_matrix_sync(fc, c, ldc, wmma::mem_row_major);
  wmma::load_matrix_sync(fa, a, lda); wmma::load_matrix_sync(fb, b, ldb);
  for (int i = 0; i < fc.num_elements; i++) fc.x[i] *= 2;
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, ldc, wmma::mem_row_major);
}
extern "C" __global__ void f16_16(const __half* a, const __half* b, float* c) { go<__half,16,16,16>(a,b,c,16,16,16); }
extern "C" __global__ void f16_32(const __half* a, const __half* b, float* c) { go<__half,32,8,16>(a,b,c,16,16,8); }
extern "C" __global__ void f16_8(const __half* a, const __half* b, float* c) { go<__half,8,32,16>(a,b,c,16,16,32); }
extern "C" __global__ void bf16_16(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) { go<__nv_bfloat16,16,16,16>(a,b,c,16,16,16); }
extern "C" __global__ void bf16_32(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) { go<__nv_bfloat16,32,8,16>(a,b,c,16,16,8); }
extern "C" __global__ void bf16_8(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) { go<__nv_bfloat16,8,32,16>(a,b,c,16,16,32); }
extern "C" __global__ void tf32_16(const float* a, const float* b, float* c) {
  __shared__ float sa[128];
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> fc;
  for (int i = threadIdx.x; i < 128; i += 32) sa[i] = a[i];
  __syncwarp();
  wmma::load_matrix_sync(fc, c, 16, wmma::mem_row_major);
  wmma::load_matrix_sync(fa, sa, 8); wmma::load_matrix_sync(fb, b, 8);
  for (int i = 0; i < fa.num_elements; i++) fa.x[i] = wmma::__float_to_tf32(fa.x[i]);
  for (int i = 0; i < fc.num_elements; i++) fc.x[i] *= 2;
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}
