// matmul_wmma: y = activation(op(a) op(b) + bias) on Tensor Cores through nvcuda::wmma, for every matrix of a batch
//
// Parameters  as matmul_tiled's; T is f16, bf16 or f32. Sums are f32. f32 operands are rounded to tf32 (10 bits of
//             fraction)
// Entries     matmul_wmma_<TILE>_<op of a><op of b>_<T>, with n for as it is and t for transposed
// Grid        batch * ceil(m / TILE) * ceil(n / TILE) blocks along x, one output tile each
// Shared      3 stages, dynamic; the binding computes their bytes as Stager does
// Why         An operand's tile keeps its layout in shared memory: wmma reads rows or columns alike, so no path
//             transposes anything. While one stage is multiplied, two more are on their way, by cp.async past the
//             registers where there is one. Rows of a stage are padded so that the 8 rows that one fragment load
//             touches lie on different banks. Sums pass through shared memory, since only wmma knows which lane
//             holds which, and leave as whole 32-byte sectors.
// Limits      as matmul_tiled's; bf16 and tf32 need sm_80. Operands may begin anywhere, for which there is a second loop: in
//             that of aligned ones the path would be more than half of all instructions. matmul_mma takes those in whole
//             pieces of 16 bytes alone, and is faster

#include "matmul/wmma.cuh"

template <class S, class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void matmul(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda,
                                       i64 ldb, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y, int activation) {
    const Place at = place<S::TILE>(blockIdx.x, m, n);
    Stager<S, T, !TRANSPOSE_A> from_a(a + at.batch * stride_a, lda, aligned(a, lda, stride_a, 16), at.row, m, k);
    Stager<S, T, TRANSPOSE_B> from_b(b + at.batch * stride_b, ldb, aligned(b, ldb, stride_b, 16), at.col, n, k);
    product<S, T, TRANSPOSE_A, TRANSPOSE_B>(from_a, from_b, k, at, Rows<T>{y, bias, ldy, stride_y, m, n, activation});
}

#define ENTRY(TILE, WARPS_M, WARPS_N, OPS, TA, TB, T)                                                                  \
    extern "C" __global__ void __launch_bounds__(32 * WARPS_M * WARPS_N, 256 / TILE)                                   \
        matmul_wmma_##TILE##_##OPS##_##T(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda,    \
                                         i64 ldb, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y, int activation) { \
        matmul<Shape<T, WARPS_M, WARPS_N>, T, TA, TB>(a, b, bias, y, m, n, k, lda, ldb, ldy, stride_a, stride_b,       \
                                                      stride_y, activation);                                           \
    }
#define ENTRIES(TILE, WARPS_M, WARPS_N, T)                                                                             \
    ENTRY(TILE, WARPS_M, WARPS_N, nn, false, false, T)                                                                 \
    ENTRY(TILE, WARPS_M, WARPS_N, nt, false, true, T)                                                                  \
    ENTRY(TILE, WARPS_M, WARPS_N, tn, true, false, T)                                                                  \
    ENTRY(TILE, WARPS_M, WARPS_N, tt, true, true, T)
#define BOTH(T) ENTRIES(128, 2, 4, T) ENTRIES(64, 2, 2, T)
BOTH(f16)
#if __CUDA_ARCH__ >= 800
BOTH(bf16)
BOTH(f32)
#endif
