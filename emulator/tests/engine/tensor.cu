#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>
using namespace nvcuda;

template <class L> constexpr bool ROWS = false;
template <> constexpr bool ROWS<wmma::row_major> = true;

// c[m, n] = a[m, k] b[k, n], one warp to a tile; rows of a and c, and columns (LB = col) or rows of b are contiguous
template <class T, class P, class Sum, int M, int N, int K, class LA, class LB>
__device__ void product(const T* a, const T* b, Sum* c, int n, int k, int lda, int ldb) {
    const int row = blockIdx.y * M, col = blockIdx.x * N;
    wmma::fragment<wmma::accumulator, M, N, K, Sum> sum;
    wmma::fill_fragment(sum, Sum(0));
#pragma unroll 1
    for (int i = 0; i < k; i += K) {
        wmma::fragment<wmma::matrix_a, M, N, K, P, LA> fa;
        wmma::fragment<wmma::matrix_b, M, N, K, P, LB> fb;
        wmma::load_matrix_sync(fa, a + (ROWS<LA> ? row * lda + i : i * lda + row), lda);
        wmma::load_matrix_sync(fb, b + (ROWS<LB> ? i * ldb + col : col * ldb + i), ldb);
        wmma::mma_sync(sum, fa, fb, sum);
    }
    // a fragment may be changed element by element, alike in all lanes
    for (int i = 0; i < sum.num_elements; i++) sum.x[i] = sum.x[i] + Sum(1);
    wmma::store_matrix_sync(c + row * n + col, sum, n, wmma::mem_row_major);
}
#define ROW wmma::row_major
#define COL wmma::col_major
#define KERNEL(NAME, T, P, SUM, M, N, K, LA, LB)                                                                       \
    extern "C" __global__ void NAME(const T* a, const T* b, SUM* c, int n, int k, int lda, int ldb) {                  \
        product<T, P, SUM, M, N, K, LA, LB>(a, b, c, n, k, lda, ldb);                                                  \
    }
KERNEL(wmma_f16, half, half, float, 16, 16, 16, ROW, ROW)
KERNEL(wmma_f16_cols, half, half, float, 16, 16, 16, COL, COL)
KERNEL(wmma_f16_32x8, half, half, float, 32, 8, 16, ROW, COL)
KERNEL(wmma_f16_8x32, half, half, float, 8, 32, 16, COL, ROW)
KERNEL(wmma_f16_f16, half, half, half, 16, 16, 16, ROW, COL)
KERNEL(wmma_bf16, __nv_bfloat16, __nv_bfloat16, float, 16, 16, 16, ROW, ROW)
KERNEL(wmma_bf16_32x8, __nv_bfloat16, __nv_bfloat16, float, 32, 8, 16, COL, COL)
KERNEL(wmma_tf32, float, wmma::precision::tf32, float, 16, 16, 8, ROW, ROW)
KERNEL(wmma_tf32_cols, float, wmma::precision::tf32, float, 16, 16, 8, COL, COL)
KERNEL(wmma_s8, signed char, signed char, int, 16, 16, 16, ROW, COL)
KERNEL(wmma_u8_8x32, unsigned char, unsigned char, int, 8, 32, 16, ROW, COL)
KERNEL(wmma_s8_32x8, signed char, signed char, int, 32, 8, 16, COL, ROW)
KERNEL(wmma_f64, double, double, double, 8, 8, 4, ROW, COL)

// f16 through shared memory: cp.async, ldmatrix, mma.m16n8k16; a block of two warps has 32 x 8 of c, b in rows
extern "C" __global__ void ldmatrix_mma(const half* a, const half* b, float* c, int n, int k, int lda, int ldb) {
    __shared__ __align__(16) half sa[32][24], sb[16][8];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = blockIdx.y * 32, col = blockIdx.x * 8;
    float sum[4] = {0, 0, 0, 0};
#pragma unroll 1
    for (int i = 0; i < k; i += 16) {
        const int r = threadIdx.x / 2, e = threadIdx.x % 2 * 8;
        const unsigned to_a = __cvta_generic_to_shared(&sa[r][e]);
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(to_a), "l"(a + (row + r) * lda + i + e));
        if (threadIdx.x < 16) *(uint4*)&sb[threadIdx.x][0] = *(const uint4*)(b + (i + threadIdx.x) * ldb + col);
        asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;" ::: "memory");
        __syncthreads();
        unsigned fa[4], fb[2];
        const unsigned from_a = __cvta_generic_to_shared(&sa[warp * 16 + lane % 16][lane / 16 * 8]);
        const unsigned from_b = __cvta_generic_to_shared(&sb[lane % 16][0]);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3])
                     : "r"(from_a));
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                     : "=r"(fb[0]), "=r"(fb[1])
                     : "r"(from_b));
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                     "{%0, %1, %2, %3};"
                     : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                     : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
#ifndef FORGET_THE_BARRIER
        __syncthreads();
#endif
    }
    for (int i = 0; i < 4; i++) c[(row + warp * 16 + lane / 4 + i / 2 * 8) * n + col + lane % 4 * 2 + i % 2] = sum[i] + 1;
}

// the first 16 x 16 of a, through shared memory and a fragment of C to c: shared stores of a warp need no more than a
// __syncwarp
extern "C" __global__ void through_shared(const float* a, float* c, int skip) {
    __shared__ __align__(32) float tile[16 * 24];
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> x;
    wmma::load_matrix_sync(x, a, 16, wmma::mem_col_major);
    wmma::store_matrix_sync(tile, x, 24, wmma::mem_row_major);
    if (!skip) __syncwarp();
    for (int i = threadIdx.x; i < 256; i += 32) c[i] = tile[i % 16 * 24 + i / 16];
}

// half of the warp multiplies
extern "C" __global__ void half_a_warp(const half* a, float* c) {
    if (threadIdx.x >= 16) return;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> x;
    wmma::load_matrix_sync(x, c, 16, wmma::mem_row_major);
    wmma::store_matrix_sync(c, x, 16, wmma::mem_row_major);
}
