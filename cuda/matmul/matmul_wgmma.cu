// matmul_wgmma: y = activation(op(a) op(b) + bias) by Hopper's warpgroup products, for every matrix of a batch
//
// Parameters  a, b, y tensor maps over (batch, rows, cols) as stored, in rows of 128 bytes with that swizzle: boxes that go
//             along k have 128 rows (64 in the 128 x 128 tile), others as many as a step has terms, y's have 64; bias (n)
//             or null; batch_a and batch_b are 0 where one matrix serves the whole batch; tiles, all that clusters compute
//             (times parts); part, the steps along k that one sum has; across, whether a cluster's tiles lie side by side.
//             T is f16, bf16 or f32, of which the maps of a and b make tf32; sums are f32
// Entries     matmul_wgmma_<op of a><op of b>_<T>, with n for as it is and t for transposed; f32 has nt alone
//             matmul_wgmma_128_<op of a><op of b>_<T>, for products of few tiles
//             matmul_wgmma_split_<op of a><op of b>_<T>, the same to sums in f32: y's matrices are (parts, batch), and bias and
//             activation come after the sum of parts. For f32 the entry above does it
// Grid        any even number of blocks, in clusters of two; each cluster walks over tiles of 256 x 256 outputs, its blocks
//             over the upper and the lower 128 rows; or over pairs of 128 x 128, one below the other or side by side
// Shared      sizeof(Shared<Tile>), dynamic
// Why         One thread of a block does nothing but ask for boxes, a ring of stages ahead; two warpgroups multiply, 64 rows
//             each, straight from shared memory. A cluster's blocks need the same columns of b (or rows of a): each loads
//             half and sends it to both. Blocks stay for many tiles, so that the copies for the next one run while sums
//             leave: through shared memory, by copies too, 128 bytes of a row at a time.
// Limits      as matmul_tiled's; sm_90a; all rows and matrices begin at multiples of 16 bytes, which the maps ask for

#include "number.cuh"
#if __CUDA_ARCH__ == 900
#include "matmul/wgmma.cuh"

template <class T, class Y> struct Large : Tile<T, Y, 256, 4> {};
template <class T, class Y> struct Small : Tile<T, Y, 128, 6> {};

#define ENTRY(NAME, KIND, TA, TB, T, Y)                                                                                \
    extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1) __launch_bounds__(THREADS, 1) matmul_wgmma_##NAME##_##T( \
        const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const __grid_constant__ TensorMap y, \
        const T* bias, int m, int n, int k, int batch, int batch_a, int batch_b, int tiles, int part, int across,      \
        int activation) {                                                                                              \
        const Problem problem = {m, n, k, batch, batch_a, batch_b, tiles, part, across, activation};                   \
        matmul<KIND<T, Y>, TA, TB>(a, b, y, bias, problem);                                                            \
    }
#define LAYOUTS(NAME, KIND, T, Y)                                                                                      \
    ENTRY(NAME##nn, KIND, false, false, T, Y) ENTRY(NAME##nt, KIND, false, true, T, Y)                                 \
    ENTRY(NAME##tn, KIND, true, false, T, Y) ENTRY(NAME##tt, KIND, true, true, T, Y)
#define HALVES_ENTRIES(T) LAYOUTS(, Large, T, T) LAYOUTS(128_, Small, T, T) LAYOUTS(split_, Small, T, f32)
HALVES_ENTRIES(f16)
HALVES_ENTRIES(bf16)
ENTRY(nt, Large, false, true, f32, f32)
ENTRY(128_nt, Small, false, true, f32, f32)
#endif
