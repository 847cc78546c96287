// conv2d on Tensor Cores by mma.sync, from channels-last operands:
// y[n, o, i, j] = activation(bias[o] + sum w[o, c, a, b] x[n, c, i s - p + a d, ...])
//
// Parameters  forward, and the input's gradient, which is the same sum over dy: a (groups, m, k), the weights with the channels
//             of a tap side by side (conv2d_pack); x, the tensor with its padding (conv2d_channels_last); bias or null; y (N,
//             groups * m, plane); n = N * plane positions, k = taps * padded channels
//             backward_weight: dy channels-last as well, of which the first position's place and a group's chunks are told, with
//             something readable behind it; of f32 (groups * m, ld), channels with the positions of all images side by side
//             (conv2d_rows); x as above; partial (splits, groups, m, n) in f32, n = taps * padded channels: each split sums
//             `chunk` of the `positions`, and conv2d_unpack adds them up
//             T is f16, bf16 or f32. Sums are f32. Of an f32 operand's fraction Tensor Cores read the first 10 bits, to which
//             those who bring it here have rounded it (conv2d_layout.cu)
// Entries     conv2d_mma_<TILE>_<T> and conv2d_mma_<TILE>_backward_weight_<T>; TILE as in matmul_mma. AlexNet's 96 and 192
//             outputs waste a quarter of squares of 128
// Grid        groups (* splits) * ceil(m / rows) * ceil(n / columns) blocks along x, one tile of the product each
// Shared      STAGES * (rows + columns) * 64 bytes, dynamic
// Why         The loop of matmul_mma, whose second operand comes from the tensor itself, window by window (windows.cuh). Both
//             operands come 16 bytes at a time by cp.async: that needs channels side by side, and padding written out, so that
//             no copy must be asked whether it is inside. A step along k moves a thread's place by nine instructions, and of
//             about 122 in a step 64 multiply.
// Limits      sm_80; fewer than 2^31 chunks of x; ld a multiple of 16 bytes, `chunk` one of a step (64 bytes of elements)

#include "conv2d/planes.cuh"
#if __CUDA_ARCH__ >= 800
#include "conv2d/windows.cuh"
#include "matmul/mma.cuh"

template <class S, class T>
__device__ __forceinline__ void conv(const T* a, const uint4* x, const T* bias, T* y, int m, int n, int k, int plane,
                                     int groups, int activation, const Ladder& positions, const Ladder& taps, const Step<1>& step) {
    using TileA = Tile<T, S::TILE_M, true>;
    using FromX = Windows<T, S::TILE_N, S::THREADS>;
    const Place at = place<S::TILE_M, S::TILE_N>(blockIdx.x, m, n);
    Stager<TileA, S::THREADS, T> from_a(a + (i64)at.batch * m * k, k, at.row, m);
    FromX from_x(x + at.batch * taps.lows, positions, taps, step, at.col, n);
    const Planes<T> planes{y + (i64)at.batch * m * plane, bias ? bias + at.batch * m : bias, m, n, plane, groups, activation};
    product<S, T, TileA, typename FromX::Tile>(from_a, from_x, k, at, planes);
}

template <class S, class T, class TileA, class FromDy, class FromX>
__device__ __forceinline__ void weight(FromDy& from_dy, FromX& from_x, f32* partial, int m, int n, int k, const Place& at) {
    product<S, T, TileA, typename FromX::Tile>(from_dy, from_x, k, at, Rows<f32>{partial, nullptr, n, (i64)m * n, m, n, 0});
}

template <class S, class T>
__device__ __forceinline__ void weight_of_rows(const T* dy, const uint4* x, f32* partial, int m, int n, i64 ld, int count,
                                               int chunk, int groups, const Ladder& positions, const Ladder& taps,
                                               const Step<1>& step) {
    using TileA = Tile<T, S::TILE_M, true>;
    const Place at = place<S::TILE_M, S::TILE_N>(blockIdx.x, m, n);
    const int group = at.batch % groups, first = at.batch / groups * chunk;
    Stager<TileA, S::THREADS, T> from_dy(dy + group * m * ld + first, ld, at.row, m);
    WindowsAcross<T, S::TILE_N, S::THREADS, 1> from_x(x + group * taps.lows, {positions}, taps, step, at.col, n, first);
    weight<S, T, TileA>(from_dy, from_x, partial, m, n, min(chunk, count - first), at);
}

// `dy` begins at the first position; a group of it has `chunks`.
template <class S, class T>
__device__ __forceinline__ void weight_of_channels(const uint4* dy, const uint4* x, f32* partial, int m, int n, int chunks, int count,
                                                   int chunk, int groups, const Ladder (&positions)[2], const Ladder& taps,
                                                   const Step<2>& step) {
    using FromX = WindowsAcross<T, S::TILE_N, S::THREADS, 2>;
    using FromDy = Channels<T, S::TILE_M, S::THREADS, FromX>;
    const Place at = place<S::TILE_M, S::TILE_N>(blockIdx.x, m, n);
    const int group = at.batch % groups, first = at.batch / groups * chunk;
    FromX from_x(x + group * taps.lows, positions, taps, step, at.col, n, first);
    FromDy from_dy(dy + group * chunks, positions[1], at.row, from_x);
    weight<S, T, typename FromDy::Tile>(from_dy, from_x, partial, m, n, min(chunk, count - first), at);
}

using Shape128 = Shape<2, 2, 64, 3>;
using Shape96x128 = Shape<2, 2, 48, 3, 64>;
using Shape64 = Shape<2, 2, 32, 4>;

#define LADDER(NAME) int NAME##_lows, int NAME##_mids, int NAME##_per_low, int NAME##_per_mid, int NAME##_per_high
#define LADDER_OF(NAME)                                                                                                \
    Ladder { NAME##_lows, NAME##_mids, NAME##_per_low, NAME##_per_mid, NAME##_per_high }
#define STEP int step_low, int step_mid, int minus_lows, int minus_mids, int step, int carry_low, int carry_mid
#define LADDER_PARAMETERS LADDER(position), LADDER(tap), STEP
#define LADDERS                                                                                                        \
    LADDER_OF(position), LADDER_OF(tap),                                                                               \
        Step<1> {                                                                                                      \
        step_low, step_mid, minus_lows, minus_mids, {step}, {carry_low}, { carry_mid }                                 \
    }
// The same positions in dy, and what a step is there.
#define DY_PARAMETERS int dy_per_low, int dy_per_mid, int dy_per_high, int dy_step, int dy_carry_low, int dy_carry_mid
#define LADDERS_WITH_DY                                                                                                \
    {LADDER_OF(position), Ladder{position_lows, position_mids, dy_per_low, dy_per_mid, dy_per_high}},                  \
        LADDER_OF(tap), Step<2> {                                                                                      \
        step_low, step_mid, minus_lows, minus_mids, {step, dy_step}, {carry_low, dy_carry_low}, { carry_mid, dy_carry_mid } \
    }
#define BOUNDS(TILE) __launch_bounds__(Shape##TILE::THREADS, Shape##TILE::TILE_N == 128 ? 2 : 4)
#define CONV(TILE, T)                                                                                                  \
    extern "C" __global__ void BOUNDS(TILE) conv2d_mma_##TILE##_##T(const T* a, const uint4* x, const T* bias, T* y,   \
                                                                    int m, int n, int k, int plane, int groups,        \
                                                                    int activation, LADDER_PARAMETERS) {               \
        conv<Shape##TILE>(a, x, bias, y, m, n, k, plane, groups, activation, LADDERS);                                 \
    }
#define WEIGHT_OF_ROWS(TILE, T)                                                                                        \
    extern "C" __global__ void BOUNDS(TILE) conv2d_mma_##TILE##_backward_weight_##T(                                   \
        const T* dy, const uint4* x, f32* partial, int m, int n, i64 ld, int positions, int chunk, int groups,         \
        LADDER_PARAMETERS) {                                                                                           \
        weight_of_rows<Shape##TILE>(dy, x, partial, m, n, ld, positions, chunk, groups, LADDERS);                      \
    }
#define WEIGHT_OF_CHANNELS(TILE, T)                                                                                    \
    extern "C" __global__ void BOUNDS(TILE) conv2d_mma_##TILE##_backward_weight_##T(                                   \
        const uint4* dy, const uint4* x, f32* partial, int m, int n, int dy_first, int dy_chunks, int positions,       \
        int chunk, int groups, LADDER_PARAMETERS, DY_PARAMETERS) {                                                     \
        weight_of_channels<Shape##TILE, T>(dy + dy_first, x, partial, m, n, dy_chunks, positions, chunk, groups,       \
                                           LADDERS_WITH_DY);                                                           \
    }
#define CONVS(T, WEIGHT) CONV(128, T) CONV(96x128, T) CONV(64, T) WEIGHT(128, T) WEIGHT(96x128, T) WEIGHT(64, T)
CONVS(f16, WEIGHT_OF_CHANNELS)
CONVS(bf16, WEIGHT_OF_CHANNELS)
CONVS(f32, WEIGHT_OF_ROWS)
#endif
