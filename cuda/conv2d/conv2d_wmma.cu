// conv2d on Tensor Cores, as implicit GEMM: y[n, o, i, j] = activation(bias[o] + sum w[o, c, a, b] x[n, c, i s - p + a d, ...])
//
// Parameters  as conv2d_tiled's; T is f16, bf16 or f32. Sums are f32. f32 operands are rounded to tf32 (10 bits of
//             fraction)
// Grid        groups (* splits) * ceil(m / TILE) * ceil(n / TILE) blocks along x, one tile of the product each
// Shared      3 stages, dynamic; the binding computes their bytes
// Why         The loop of matmul_wmma, whose second operand comes from the tensor itself (gather.cuh). The weights go by
//             cp.async; what is gathered passes through registers while the stage before is multiplied, since cp.async
//             moves no less than 4 bytes and a window's neighbours need not lie side by side.
// Limits      as conv2d_tiled's; bf16 and tf32 need sm_80

#include "conv2d/gather.cuh"
#include "conv2d/planes.cuh"
#include "matmul/wmma.cuh"

// Stages the columns from `col` on of a matrix of windows as [BK][TILE].
template <Kind KIND, class S, class T> struct GatherStager {
    static constexpr int PER = 16 / sizeof(T), LD = S::TILE + 8, SIZE = LD * S::BK;
    static constexpr int ACROSS = S::TILE / PER, STEP = S::THREADS / ACROSS, CHUNKS = S::BK / STEP;

    static constexpr bool vec = true;

    Gather<T, PER, S::TILE, KIND == BACKWARD_INPUT> from;
    Vec<T> held[CHUNKS];

    __device__ __forceinline__ GatherStager(Columns<S::TILE>& columns, const T* x, const Geometry& g, int col, int n,
                                            int highs)
        : from(gather<KIND, PER, STEP>(columns, x, g, threadIdx.x % ACROSS, col, n, threadIdx.x / ACROSS, highs)) {}

    template <bool> __device__ __forceinline__ void fetch(T*) {
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            from.row(held[i].at);
            from.advance();
        }
    }

    __device__ __forceinline__ void put(T* stage) const {
#pragma unroll
        for (int i = 0; i < CHUNKS; i++)
            store_shared(stage + (threadIdx.x / ACROSS + i * STEP) * LD + threadIdx.x % ACROSS * PER, held[i]);
    }
};

template <Kind KIND, class S, class T>
__device__ __forceinline__ void conv(const T* a, const T* x, const T* bias, T* y, int m, int n, int k,
                                     int activation, const Geometry& g) {
    const bool forward = KIND == FORWARD;
    const int in = g.in_plane, out = g.out_plane;
    __shared__ Columns<S::TILE> columns;
    const Place at = place<S::TILE>(blockIdx.x, m, n);
    a += (i64)at.batch * m * k;
    x += (i64)at.batch * (forward ? g.inputs * in : g.outputs * out);
    y += (i64)at.batch * m * (forward ? out : in);
    Stager<S, T, true> from_a(a, k, aligned(a, k, 0, 16), at.row, m, k);
    GatherStager<KIND, S, T> from_x(columns, x, g, at.col, n, forward ? g.inputs : g.outputs);
    const Planes<T> planes{y, bias ? bias + at.batch * m : bias, m, n, forward ? out : in, g.groups, forward ? activation : 0};
    product<S, T, false, false>(from_a, from_x, k, at, planes);
}

template <class S, class T>
__device__ __forceinline__ void weight(const T* dy, const T* x, f32* partial, int images, int chunk,
                                       const Geometry& g) {
    const int in = g.inputs * g.in_plane, plane = g.out_plane;
    const int out = g.outputs * plane, m = g.outputs, n = g.inputs * g.down.kernel * g.across.kernel;
    __shared__ Columns<S::TILE> columns_dy, columns_x;
    const Place at = place<S::TILE>(blockIdx.x, m, n);
    const int group = at.batch % g.groups, first = at.batch / g.groups * chunk;
    const int summed = min(chunk, images - first);
    GatherStager<GRADIENT, S, T> from_dy(columns_dy, dy + ((i64)first * g.groups + group) * out, g, at.row,
                                                 m, summed);
    GatherStager<BACKWARD_WEIGHT, S, T> from_x(columns_x, x + ((i64)first * g.groups + group) * in, g, at.col,
                                                 n, summed);
    product<S, T, true, false>(from_dy, from_x, summed * plane, at, Rows<f32>{partial, nullptr, n, (i64)m * n, m, n, 0});
}

#define BOUNDS(TILE) __launch_bounds__(TILE == 128 ? 256 : 128, 256 / TILE)
#define CONV(TILE, WARPS_M, WARPS_N, T)                                                                                \
    extern "C" __global__ void BOUNDS(TILE) conv2d_wmma_##TILE##_##T(const T* a, const T* x, const T* bias, T* y,      \
                                                                     int m, int n, int k, int activation,              \
                                                                     CONV_PARAMETERS) {                                \
        conv<FORWARD, Shape<T, WARPS_M, WARPS_N>>(a, x, bias, y, m, n, k, activation, CONV_GEOMETRY);                  \
    }                                                                                                                  \
    extern "C" __global__ void BOUNDS(TILE) conv2d_wmma_##TILE##_backward_input_##T(                                   \
        const T* a, const T* x, const T* bias, T* y, int m, int n, int k, int activation, CONV_PARAMETERS) {           \
        conv<BACKWARD_INPUT, Shape<T, WARPS_M, WARPS_N>>(a, x, bias, y, m, n, k, activation, CONV_GEOMETRY);           \
    }
// One size is enough: splits are what fills the GPU.
#define WEIGHT(T)                                                                                                      \
    extern "C" __global__ void BOUNDS(64) conv2d_wmma_64_backward_weight_##T(                                          \
        const T* dy, const T* x, f32* partial, int images, int chunk, CONV_PARAMETERS) {                               \
        weight<Shape<T, 2, 2>>(dy, x, partial, images, chunk, CONV_GEOMETRY);                                          \
    }
// f32 has no tile of 128: that one runs out of registers.
#define CONV_64(T) CONV(64, 2, 2, T) WEIGHT(T)
CONV(128, 2, 4, f16)
CONV_64(f16)
#if __CUDA_ARCH__ >= 800
CONV(128, 2, 4, bf16)
CONV_64(bf16)
CONV_64(f32)
#endif
