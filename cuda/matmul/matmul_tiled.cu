// matmul_tiled: y = activation(op(a) op(b) + bias) on the ordinary cores, for every matrix of a batch
//
// Parameters  a (m, k), or (k, m) where op transposes it; b (k, n) or (n, k); y (m, n); all row-major, rows lda, ldb
//             and ldy elements apart, matrices of the batch stride_* elements apart (0: one matrix for all);
//             bias (n) or null; activation 0 none, 1 relu, 2 sigmoid, 3 tanh. m, n > 0; k may be 0
// Entries     matmul_tiled_<TILE>_<op of a><op of b>_<T>, with n for as it is and t for transposed
// Grid        batch * ceil(m / TILE) * ceil(n / TILE) blocks along x, one output tile each
// Why         Arithmetic must outweigh loads at each level. A block reads TILE x BK of a and b for TILE x TILE x BK
//             products. A thread of the largest tile reads 8 + 8 numbers from shared memory for 64 products. While
//             it multiplies one stage, the loads of the next are under way into registers, and these go to the
//             other of two stages: one barrier per stage. The smaller tiles give small outputs enough blocks.
// Limits      the largest tile takes only operands that are stored in whole fours, each at a multiple of 16 bytes;
//             the binding checks m, n, k against i32, that grid.x holds the blocks, and that rows do not overlap

#include "matmul/tiled.cuh"

template <class S, class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void matmul(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda,
                                       i64 ldb, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y, int activation) {
    constexpr bool WHOLE = S::TILE == 128;
    const Place at = place<S::TILE>(blockIdx.x, m, n);
    Stager<S, T, !TRANSPOSE_A, WHOLE> from_a(a + at.batch * stride_a, lda, aligned(a, lda, stride_a, 4 * sizeof(T)),
                                            at.row, m);
    Stager<S, T, TRANSPOSE_B, WHOLE> from_b(b + at.batch * stride_b, ldb, aligned(b, ldb, stride_b, 4 * sizeof(T)),
                                           at.col, n);

    product<S>(from_a, from_b, k, at, Rows<T>{y, bias, ldy, stride_y, m, n, activation});
}

// Two blocks of the largest tile to a multiprocessor, so at most 255 registers.
#define ENTRY(TILE, OPS, TA, TB, T)                                                                                    \
    extern "C" __global__ void __launch_bounds__(Shape##TILE::THREADS, 256 / TILE)                                   \
        matmul_tiled_##TILE##_##OPS##_##T(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda,   \
                                          i64 ldb, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y,                  \
                                          int activation) {                                                            \
        matmul<Shape##TILE, T, TA, TB>(a, b, bias, y, m, n, k, lda, ldb, ldy, stride_a, stride_b, stride_y,            \
                                       activation);                                                                    \
    }
#define ENTRIES(TILE, T)                                                                                               \
    ENTRY(TILE, nn, false, false, T)                                                                                   \
    ENTRY(TILE, nt, false, true, T)                                                                                    \
    ENTRY(TILE, tn, true, false, T)                                                                                    \
    ENTRY(TILE, tt, true, true, T)
// Turing's text serves every GPU. bf16 is for Turing itself, whose Tensor Cores do not know it.
#if __CUDA_ARCH__ < 800
ENTRIES(128, f32)
ENTRIES(64, f32)
ENTRIES(32, f32)
ENTRIES(64, bf16)
#endif
