// matmul_split: matmul_mma for few outputs and long sums, each sum cut into parts that blocks of their own compute
// matmul_finish: y = activation(the sum of the parts, in one order, + bias)
//
// Parameters  as matmul_mma's; partial (parts, batch, m, n) in f32, dense; part_k terms to a part, a multiple of 64 bytes of them
//             (the last part may have fewer), tiles = batch * ceil(m / 64) * ceil(n / 64)
// Entries     matmul_split_64_<op of a><op of b>_<T>, matmul_finish_<T>
// Grid        parts * tiles blocks along x; finish: a thread for each element of y, in blocks of 256
// Shared      4 * (64 + 64) * 64 bytes, dynamic
// Why         A fully connected layer and a small batch have one row of tiles, which leaves multiprocessors idle and few bytes
//             of the weights on their way. Parts give every multiprocessor blocks, and cost one pass over the parts of y. They
//             are added in one order: the same bits on every run.
// Limits      matmul_mma's; batch * m * n below 2^31

#include "floats.cuh"
#include "matmul/epilogue.cuh"

template <class T>
__device__ __forceinline__ void finish(const f32* partial, const T* bias, T* y, int batch, int m, int n, int parts, i64 ldy,
                                       i64 stride_y, int activation) {
    const unsigned count = batch * m * n, i = blockIdx.x * 256 + threadIdx.x;
    if (i >= count) return;
    const unsigned col = i % n, row = i / n % m, matrix = i / n / m;
    f32 sum = 0.0f;
    for (int part = 0; part < parts; part++) sum += partial[(i64)part * count + i];
    if (bias) sum += to_f32(bias[col]);
    y[matrix * stride_y + row * ldy + col] = from_f32<T>(activate(sum, activation));
}

#define FINISH(T)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) matmul_finish_##T(                                               \
        const f32* partial, const T* bias, T* y, int batch, int m, int n, int parts, i64 ldy, i64 stride_y,            \
        int activation) {                                                                                              \
        finish(partial, bias, y, batch, m, n, parts, ldy, stride_y, activation);                                       \
    }
FOR_EACH_FLOAT(FINISH)

#if __CUDA_ARCH__ >= 800
#include "matmul/mma.cuh"

using S = Shape<2, 2, 32, 4>;

template <class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void split(const T* a, const T* b, f32* partial, int m, int n, int k, i64 lda, i64 ldb,
                                      i64 stride_a, i64 stride_b, int batch, int tiles, int part_k) {
    using TileA = Tile<T, S::TILE_M, !TRANSPOSE_A>;
    using TileB = Tile<T, S::TILE_N, TRANSPOSE_B>;
    const int part = blockIdx.x / tiles, begin = part * part_k;
    const Place at = place<S::TILE_M>(blockIdx.x % tiles, m, n);
    a += at.batch * stride_a + begin * (TRANSPOSE_A ? lda : 1);
    b += at.batch * stride_b + begin * (TRANSPOSE_B ? 1 : ldb);
    const i64 matrix = (i64)m * n;
    const Rows<f32> out = {partial + part * batch * matrix, nullptr, n, matrix, m, n, 0};
    Stager<TileA, S::THREADS, T> from_a(a, lda, at.row, m);
    Stager<TileB, S::THREADS, T> from_b(b, ldb, at.col, n);
    product<S, T, TileA, TileB>(from_a, from_b, min(k - begin, part_k), at, out);
}

#define ENTRY(OPS, TA, TB, T)                                                                                          \
    extern "C" __global__ void __launch_bounds__(S::THREADS, 4) matmul_split_64_##OPS##_##T(                           \
        const T* a, const T* b, f32* partial, int m, int n, int k, i64 lda, i64 ldb, i64 stride_a, i64 stride_b,       \
        int batch, int tiles, int part_k) {                                                                            \
        split<T, TA, TB>(a, b, partial, m, n, k, lda, ldb, stride_a, stride_b, batch, tiles, part_k);                  \
    }
#define ENTRIES(T)                                                                                                     \
    ENTRY(nn, false, false, T) ENTRY(nt, false, true, T) ENTRY(tn, true, false, T) ENTRY(tt, true, true, T)
ENTRIES(f32)
ENTRIES(f16)
ENTRIES(bf16)
#endif
