// conv2d on the ordinary cores, as implicit GEMM: y[n, o, i, j] = activation(bias[o] + sum w[o, c, a, b] x[n, c, i s - p + a d, ...])
//
// Parameters  forward: a = w (groups, outputs, inputs * kh * kw), x (N, groups * inputs, h, w), bias or null, y (N, groups
//             * outputs, oh, ow); activation 0 none, 1 relu, 2 sigmoid, 3 tanh; m = outputs, n = N oh ow, k = inputs kh kw
//             backward_input: a = w as (groups, inputs, outputs * kh * kw), see conv2d_repack; x is dy, y is dx, no bias, no activation;
//             m = inputs, n = N h w, k = outputs kh kw
//             backward_weight: dy, x, partial (splits, groups, outputs, inputs * kh * kw) in f32: each split sums `chunk`
//             of the images, and conv2d_finish adds them up
//             inputs and outputs are channels of one group
// Grid        groups (* splits) * ceil(m / TILE) * ceil(n / TILE) blocks along x, one tile of the product each
// Why         A matrix of unfolded windows would be kh kw times as large as x, written and read again. Here the loop of
//             matmul_tiled fetches its second operand from the tensor itself (gather.cuh). All images are the columns of
//             one product, so small planes waste no tiles. Splits give the weights' gradient, a small output with very
//             long sums, enough blocks; added up in one order, they give the same bits on every run.
// Limits      tensors of less than 2^31 elements, checked by the binding. With a stride s, backward_input multiplies
//             s^2 - 1 zeros for each product that counts

#include "conv2d/gather.cuh"
#include "conv2d/planes.cuh"
#include "matmul/tiled.cuh"

// Puts what a thread has fetched, quads of columns of a stage ROWS rows apart.
template <int R, int ROWS, int COUNT, class T>
__device__ __forceinline__ void put_quads(f32 (*stage)[R + 4], const T (&fetched)[COUNT][4]) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        const T(&v)[4] = fetched[i];
        float4* to = reinterpret_cast<float4*>(&stage[threadIdx.x / (R / 4) + ROWS * i][threadIdx.x % (R / 4) * 4]);
        *to = make_float4(to_f32(v[0]), to_f32(v[1]), to_f32(v[2]), to_f32(v[3]));
    }
}

// Stages the columns from `col` on of a matrix of windows as [BK][R].
template <Kind KIND, class T, int R, int BK, int THREADS> struct GatherStager {
    // rows of quads that the block's threads bring at a time
    static constexpr int ROWS = THREADS / (R / 4);

    Gather<T, 4, R, KIND == BACKWARD_INPUT> from;
    T fetched[BK / ROWS][4];

    __device__ __forceinline__ GatherStager(Columns<R>& columns, const T* x, const Geometry& g, int col, int n,
                                            int highs)
        : from(gather<KIND, 4, ROWS>(columns, x, g, threadIdx.x % (R / 4), col, n, threadIdx.x / (R / 4), highs)) {}

    __device__ __forceinline__ void fetch(int) {
#pragma unroll
        for (int i = 0; i < BK / ROWS; i++) {
            from.row(fetched[i]);
            from.advance();
        }
    }

    __device__ __forceinline__ void put(f32 (*stage)[R + 4]) const { put_quads<R, ROWS>(stage, fetched); }
};

// Stages channels of dy from `row` on, of `m`, with the places of all planes along k. Rows past the end are the last channel again
// (what they give is not stored), and there is no padding: nothing is asked but whether there is a place.
template <class T, int R, int BK, int THREADS> struct GradientStager {
    static constexpr int ROWS = THREADS / (R / 4);

    const T* dy;
    unsigned base[4], offset;
    int low, plane, step_low, step, carry;
    T fetched[BK / ROWS][4];

    __device__ __forceinline__ GradientStager(const T* dy_, const Geometry& g, int row, int m)
        : dy(dy_), plane(g.out_plane) {
        const int first = threadIdx.x / (R / 4), image = g.groups * g.outputs * plane;
        keep(dy);
#pragma unroll
        for (int i = 0; i < 4; i++) base[i] = min(row + (int)threadIdx.x % (R / 4) * 4 + i, m - 1) * plane;
        low = first % plane, offset = first / plane * image + low;
        step_low = ROWS % plane, step = ROWS / plane * image + step_low, carry = image - plane;
    }

    __device__ __forceinline__ void fetch(int left) {
#pragma unroll
        for (int i = 0; i < BK / ROWS; i++) {
            const bool there = (int)threadIdx.x / (R / 4) + i * ROWS < left;
#pragma unroll
            for (int j = 0; j < 4; j++) fetched[i][j] = there ? __ldg(dy + (base[j] + offset)) : from_f32<T>(0.0f);
            low += step_low, offset += step;
            if (low >= plane) low -= plane, offset += carry;
        }
    }

    __device__ __forceinline__ void put(f32 (*stage)[R + 4]) const { put_quads<R, ROWS>(stage, fetched); }
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
    Stager<S, T, true, false> from_a(a, k, aligned(a, k, 0, 4 * sizeof(T)), at.row, m);
    GatherStager<KIND, T, S::TILE, S::BK, S::THREADS> from_x(columns, x, g, at.col, n, forward ? g.inputs : g.outputs);
    const Planes<T> planes{y, bias ? bias + at.batch * m : bias, m, n, forward ? out : in, g.groups, forward ? activation : 0};
    product<S>(from_a, from_x, k, at, planes);
}

template <class S, class T>
__device__ __forceinline__ void weight(const T* dy, const T* x, f32* partial, int images, int chunk,
                                       const Geometry& g) {
    const int in = g.inputs * g.in_plane, plane = g.out_plane;
    const int out = g.outputs * plane, m = g.outputs, n = g.inputs * g.down.kernel * g.across.kernel;
    __shared__ Columns<S::TILE> columns;
    const Place at = place<S::TILE>(blockIdx.x, m, n);
    const int group = at.batch % g.groups, first = at.batch / g.groups * chunk;
    const int summed = min(chunk, images - first);
    GradientStager<T, S::TILE, S::BK, S::THREADS> from_dy(dy + ((i64)first * g.groups + group) * out, g, at.row, m);
    GatherStager<BACKWARD_WEIGHT, T, S::TILE, S::BK, S::THREADS> from_x(columns, x + ((i64)first * g.groups + group) * in, g, at.col, n,
                                                                        summed);
    product<S>(from_dy, from_x, summed * plane, at, Rows<f32>{partial, nullptr, n, (i64)m * n, m, n, 0});
}

#define BOUNDS(TILE) __launch_bounds__(Shape##TILE::THREADS, 256 / TILE)
#define CONV(TILE, T)                                                                                                  \
    extern "C" __global__ void BOUNDS(TILE) conv2d_tiled_##TILE##_##T(const T* a, const T* x, const T* bias, T* y,     \
                                                                      int m, int n, int k, int activation,             \
                                                                      CONV_PARAMETERS) {                               \
        conv<FORWARD, Shape##TILE>(a, x, bias, y, m, n, k, activation, CONV_GEOMETRY);                                 \
    }                                                                                                                  \
    extern "C" __global__ void BOUNDS(TILE) conv2d_tiled_##TILE##_backward_input_##T(                                  \
        const T* a, const T* x, const T* bias, T* y, int m, int n, int k, int activation, CONV_PARAMETERS) {           \
        conv<BACKWARD_INPUT, Shape##TILE>(a, x, bias, y, m, n, k, activation, CONV_GEOMETRY);                          \
    }
// Splits are what fills the GPU, so no tile is smaller.
#define WEIGHT(TILE, T)                                                                                                \
    extern "C" __global__ void BOUNDS(TILE) conv2d_tiled_##TILE##_backward_weight_##T(                                 \
        const T* dy, const T* x, f32* partial, int images, int chunk, CONV_PARAMETERS) {                               \
        weight<Shape##TILE>(dy, x, partial, images, chunk, CONV_GEOMETRY);                                                 \
    }
// Turing's text serves every GPU. bf16 is for Turing itself, whose Tensor Cores do not know it.
#if __CUDA_ARCH__ < 800
CONV(128, f32)
CONV(64, f32)
CONV(32, f32)
WEIGHT(128, f32)
WEIGHT(64, f32)
CONV(64, bf16)
WEIGHT(64, bf16)
#endif
