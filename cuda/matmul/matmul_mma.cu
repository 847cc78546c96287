// matmul_mma: y = activation(op(a) op(b) + bias) on Tensor Cores by mma.sync, for every matrix of a batch
//
// Parameters  as matmul_tiled's; T is f16, bf16 or f32. Sums are f32. Of an f32 operand's fraction Tensor Cores read the first 10
//             bits: it is cut there, not rounded as by matmul_wmma, since rounding would take two instructions for each
//             number and half the loop
// Entries     matmul_mma_<TILE>_<op of a><op of b>_<T>, with n for as it is and t for transposed; TILE is the side of a square
//             of outputs, or rows x columns. Of f32 there is tn for 64 alone
// Grid        batch * ceil(m / rows) * ceil(n / columns) blocks along x, one output tile each
// Shared      STAGES * (rows + columns) * 64 bytes, dynamic
// Why         What matmul_wmma leaves to the compiler is said here: which lane reads what (ldmatrix, from shared memory whose
//             banks no access meets twice), that the factors of the next half step are read while this one multiplies, and
//             that the loop holds what whole, aligned tiles need and nothing else. A warp's 64 x 64 outputs read 128
//             numbers from shared memory for 4096 products, which leaves the Tensor Cores the slower of the two. The loop
//             goes once round the ring of stages, so that where a stage lies costs no instruction: of 107 to 119 in a step
//             of 128 x 128, 64 multiply. f32 is less well served where its rows do not go along k: ldmatrix
//             cannot transpose them, so one factor comes as pairs, and of two such factors (tn) the second one by one: of
//             149 64 would multiply, and of 62 in a step of 64 x 64 16 do. So large tiles have no tn for f32: the binding
//             transposes a factor first. Loads of 16 bytes do not help, since mma.sync wants what lies together in
//             registers that do not; and its half as deep form, which takes them as they come, takes twice as many
//             instructions
// Limits      as matmul_tiled's; sm_80; a and b begin at multiples of 16 bytes, and so do all their rows and matrices; the
//             stored rows are a multiple of 16 bytes long

#include "matmul/epilogue.cuh"
#if __CUDA_ARCH__ >= 800
#include "matmul/mma.cuh"

template <class S, class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void matmul(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda,
                                       i64 ldb, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y, int activation) {
    using TileA = Tile<T, S::TILE_M, !TRANSPOSE_A>;
    using TileB = Tile<T, S::TILE_N, TRANSPOSE_B>;
    const Place at = place<S::TILE_M, S::TILE_N>(blockIdx.x, m, n);
    Stager<TileA, S::THREADS, T> from_a(a + at.batch * stride_a, lda, at.row, m);
    Stager<TileB, S::THREADS, T> from_b(b + at.batch * stride_b, ldb, at.col, n);
    product<S, T, TileA, TileB>(from_a, from_b, k, at, Rows<T>{y, bias, ldy, stride_y, m, n, activation});
}

using Shape128x256 = Shape<2, 4, 64, 3>;
using Shape128 = Shape<2, 2, 64, 3>;
using Shape64 = Shape<2, 2, 32, 4>;

#define ENTRY(TILE, BLOCKS, OPS, TA, TB, T)                                                                            \
    extern "C" __global__ void __launch_bounds__(Shape##TILE::THREADS, BLOCKS) matmul_mma_##TILE##_##OPS##_##T(        \
        const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 lda, i64 ldb, i64 ldy, i64 stride_a,     \
        i64 stride_b, i64 stride_y, int activation) {                                                                  \
        matmul<Shape##TILE, T, TA, TB>(a, b, bias, y, m, n, k, lda, ldb, ldy, stride_a, stride_b, stride_y,            \
                                       activation);                                                                    \
    }
#define OTHERS(TILE, BLOCKS, T)                                                                                        \
    ENTRY(TILE, BLOCKS, nn, false, false, T)                                                                           \
    ENTRY(TILE, BLOCKS, nt, false, true, T)                                                                            \
    ENTRY(TILE, BLOCKS, tt, true, true, T)
#define ENTRIES(TILE, BLOCKS, T) OTHERS(TILE, BLOCKS, T) ENTRY(TILE, BLOCKS, tn, true, false, T)
#define TILES(T) ENTRIES(128x256, 1, T) ENTRIES(128, 2, T) ENTRIES(64, 4, T)
TILES(f16)
TILES(bf16)
OTHERS(128x256, 1, f32)
OTHERS(128, 2, f32)
ENTRIES(64, 4, f32)
#endif
