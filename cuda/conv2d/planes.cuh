// How the sums of a convolution leave: row r of the product is channel r, column c is (image, place in the plane).
#pragma once
#include "matmul/epilogue.cuh"

template <class T, int COLS, int LD> struct PlanesExit {
    static constexpr int QUADS = COLS / 4;

    T* y;
    const T* bias;
    int m, plane, count, activation;
    bool vec;
    unsigned at[4];

    // Writes the ROWS rows at `rows`, LD apart; the i-th is channel `row + i * step`.
    template <int ROWS> __device__ __forceinline__ void leave(const f32* rows, int row, int step) const {
        __syncwarp();
#pragma unroll 1
        for (int i = threadIdx.x % 32 / QUADS; i < ROWS; i += 32 / QUADS) {
            const Quad sum = shared_quad(rows + i * LD + threadIdx.x % QUADS * 4);
            const int channel = row + i * step;
            if (channel < m) {
                const f32 b = bias ? to_f32(bias[channel]) : 0.0f;
                T* const to = y + (unsigned)channel * plane;
                if (vec && count >= 4) {
                    finish(to + at[0], sum, {{b, b, b, b}}, activation, 4, true);
                } else {
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        if (j < count) to[at[j]] = from_f32<T>(activate(sum.at[j] + b, activation));
                }
            }
        }
        __syncwarp();
    }
};

// m channels of each of the groups; y begins at the block's group, and so does the bias, which may be null.
template <class T> struct Planes {
    T* y;
    const T* bias;
    int m, n, plane, groups, activation;

    template <int COLS, int LD> __device__ __forceinline__ PlanesExit<T, COLS, LD> exit(const Place&, int col) const {
        PlanesExit<T, COLS, LD> it;
        const int first = col + threadIdx.x % (COLS / 4) * 4;
        it.y = y, it.bias = bias, it.m = m, it.plane = plane, it.count = n - first;
        it.activation = activation;
        it.vec = plane % 4 == 0 && aligned(y, 0, 0, 4 * sizeof(T));
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const unsigned image = (unsigned)(first + i) / plane;
            it.at[i] = image * (unsigned)(groups * m * plane) + (first + i - image * plane);
        }
        return it;
    }
};
