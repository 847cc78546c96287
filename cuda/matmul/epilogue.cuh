// What the matmul kernels share: which tile of the output a block computes, and what becomes of a finished sum.
#pragma once
#include "activation.cuh"

template <bool, class Yes, class No> struct Pick {
    typedef Yes Type;
};
template <class Yes, class No> struct Pick<false, Yes, No> {
    typedef No Type;
};

struct Place {
    int batch, row, col;
};

// Blocks are numbered along x alone, since y and z stop at 65535. Consecutive blocks, which run at the same time,
// walk down 8 tiles before they step to the right: together they then read few rows and columns, which stay in L2.
template <int TILE_M, int TILE_N = TILE_M> __device__ __forceinline__ Place place(unsigned block, int m, int n) {
    const unsigned down = (m + TILE_M - 1) / TILE_M, across = (n + TILE_N - 1) / TILE_N;
    const unsigned tile = block % (down * across), group = tile / (8 * across);
    const unsigned height = min(8u, down - group * 8), within = tile % (8 * across);
    return {(int)(block / (down * across)), (int)((group * 8 + within % height) * TILE_M),
            (int)(within / height * TILE_N)};
}

// Four neighbours in a row of a matrix.
struct Quad {
    f32 at[4];
};

__device__ __forceinline__ Quad shared_quad(const f32* p) {
    const float4 v = *reinterpret_cast<const float4*>(p);
    return {{v.x, v.y, v.z, v.w}};
}

// Four aligned elements, or zeros.
template <class T> __device__ __forceinline__ Quad load_whole_quad(const T* p, bool there) {
    struct alignas(4 * sizeof(T)) Four {
        T at[4];
    } four = {};
    if (there) four = *reinterpret_cast<const Four*>(p);
    return {{to_f32(four.at[0]), to_f32(four.at[1]), to_f32(four.at[2]), to_f32(four.at[3])}};
}

// The first `count` elements at p, then zeros; in one access where `vec` says that p is aligned to four elements.
template <class T> __device__ __forceinline__ Quad load_quad(const T* p, int count, bool vec) {
    Quad q;
    if (vec && count >= 4) {
        struct alignas(4 * sizeof(T)) Four {
            T at[4];
        } const four = *reinterpret_cast<const Four*>(p);
#pragma unroll
        for (int i = 0; i < 4; i++) q.at[i] = to_f32(four.at[i]);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) q.at[i] = i < count ? to_f32(p[i]) : 0.0f;
    }
    return q;
}

// Whether accesses of `bytes` are aligned in every row of every matrix of a batch.
template <class T> __device__ __forceinline__ bool aligned(const T* p, i64 ld, i64 stride, int bytes) {
    const i64 elements = bytes / (int)sizeof(T);
    return reinterpret_cast<unsigned long long>(p) % bytes == 0 && ld % elements == 0 && stride % elements == 0;
}

// y[i] = activation(sum[i] + bias[i]) for the first `count` of four.
template <class T>
__device__ __forceinline__ void finish(T* y, const Quad& sum, const Quad& bias, int activation, int count, bool vec) {
    struct alignas(4 * sizeof(T)) Four {
        T at[4];
    } four;
#pragma unroll
    for (int i = 0; i < 4; i++) four.at[i] = from_f32<T>(activate(sum.at[i] + bias.at[i], activation));
    if (vec && count >= 4) {
        *reinterpret_cast<Four*>(y) = four;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < count) y[i] = four.at[i];
    }
}

// How a warp's sums leave: they pass through shared memory, so that whole rows of COLS columns are written, with
// bias and activation, by code that stands there once.
template <class T, int COLS, int LD> struct Exit {
    static constexpr int QUADS = COLS / 4;

    T* y;
    i64 ldy;
    int m, count, activation;
    bool vec;
    Quad added;

    // Columns from `col` on.
    __device__ __forceinline__ Exit(T* y_, i64 ldy, i64 stride_y, const T* bias, int batch, int m, int n, int col,
                                    int activation)
        : ldy(ldy), m(m), activation(activation), vec(aligned(y_, ldy, stride_y, 4 * sizeof(T))) {
        const int first = col + threadIdx.x % QUADS * 4;
        y = y_ + batch * stride_y + first;
        count = n - first;
        added = load_quad(bias + first, bias ? count : 0, false);
    }

    // Writes the ROWS rows at `rows`, LD apart; the i-th is row `row + i * step` of y.
    template <int ROWS> __device__ __forceinline__ void leave(const f32* rows, int row, int step) const {
        __syncwarp();
#pragma unroll 1
        for (int i = threadIdx.x % 32 / QUADS; i < ROWS; i += 32 / QUADS) {
            const Quad sum = shared_quad(rows + i * LD + threadIdx.x % QUADS * 4);
            if (row + i * step < m) finish(y + (row + i * step) * ldy, sum, added, activation, count, vec);
        }
        __syncwarp();
    }
};

// The output of a matmul: row-major matrices stride_y apart, a bias for each column.
template <class T> struct Rows {
    T* y;
    const T* bias;
    i64 ldy, stride_y;
    int m, n, activation;

    template <int COLS, int LD> __device__ __forceinline__ Exit<T, COLS, LD> exit(const Place& at, int col) const {
        return Exit<T, COLS, LD>(y, ldy, stride_y, bias, at.batch, m, n, col, activation);
    }
};
