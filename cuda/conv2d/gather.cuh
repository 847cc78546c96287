// The operand of an implicit GEMM: what a matrix of unfolded windows (im2col) would hold, fetched from the tensor itself.
//
// The matrix is (k, n); C neighbouring columns belong to a thread, which walks down the rows in steps. An element is
// found by adding what its row says to what its column says: a place down and across the plane, and an offset to the
// plane. Outside the plane is padding, zero.
//
//                     row                       column                      element
//   forward           (channel, tap)            (image, output)             x under the output's tap
//   backward_input    (output channel, tap)     (image, input)              dy of the output whose tap this input is
//   backward_weight   (image, output)           (channel, tap)              x under the output's tap
//
// Rows count in three digits, so that a step is three additions with carries instead of two divisions.
#pragma once
#include "vec.cuh"
#include "window.cuh"

// A number in mixed radix: high, then mid of `mids`, then low of `lows`.
struct Digits {
    int high, mid, low;
};
__device__ __forceinline__ Digits digits(int i, int mids, int lows) {
    const int rest = i / lows;
    return {rest / mids, rest % mids, i % lows};
}

// How a matrix of windows lies over planes of rows x cols: digits of k are weighted with per_high (elements), per_mid
// (rows of the plane) and per_low (columns of it).
struct Layout {
    int rows, cols, mids, lows, per_high, per_mid, per_low;
};

// Where the columns of a tile stand, in shared memory, since the product needs the registers: 65536 times the place down the plane
// and the one across it, which may be negative, in `place`, and the offset to that place (backward_input: to the plane). Threads
// have C neighbours each; the first four of all threads lie together, then the next four, so that a warp's reads of 16 bytes meet no
// bank twice.
template <int TILE> struct alignas(16) Columns {
    int place[TILE];
    unsigned base[TILE];
};

// The compiler computes x again where it is used, for each element, unless it does not know what x is; nor does it then know in which
// memory a pointer points, which __ldg says.
template <class X> __device__ __forceinline__ void keep(X*& x) { asm("" : "+l"(x)); }
__device__ __forceinline__ void keep(unsigned& x) { asm("" : "+r"(x)); }

// DIVIDE: places are divided by the strides and exist where that leaves nothing (backward_input; its weights of digits
// are negative).
template <class T, int C, int TILE, bool DIVIDE> struct Gather {
    const T* x;
    const int* place;
    Layout layout;
    Digits at, step;
    int highs, stride_down, stride_across; // at.high stays below highs in rows that exist

    // The C elements of this row.
    __device__ __forceinline__ void row(T (&to)[C]) const {
        const int add_down = at.mid * layout.per_mid, add_across = at.low * layout.per_low;
        const unsigned plane = (unsigned)at.high * layout.per_high;
        // a place that is not across the plane borrows from the one down it, and is outside whatever that is
        const unsigned add = add_down * 65536 + add_across;
        unsigned offset = plane + add_down * layout.cols + add_across;
        keep(offset);
        const unsigned end = at.high < highs ? layout.rows << 16 : 0;
        int places[C];
        unsigned bases[C];
#pragma unroll
        for (int i = 0; i < C; i += 4) {
            const int* const four = place + i * (TILE / C);
            *reinterpret_cast<int4*>(places + i) = *reinterpret_cast<const int4*>(four);
            *reinterpret_cast<uint4*>(bases + i) = *reinterpret_cast<const uint4*>(four + TILE);
        }
#pragma unroll
        for (int i = 0; i < C; i++) {
            if (!DIVIDE) {
                const unsigned place = places[i] + add;
                const bool inside = (place & 0xffff) < (unsigned)layout.cols && place < end;
                to[i] = inside ? __ldg(x + (bases[i] + offset)) : from_f32<T>(0.0f);
                continue;
            }
            const int across = (short)places[i], r = ((places[i] - across) >> 16) + add_down, c = across + add_across;
            const int whole_r = r / stride_down, whole_c = c / stride_across;
            const bool inside = at.high < highs && r >= 0 && c >= 0 && whole_r * stride_down == r &&
                                whole_c * stride_across == c && whole_r < layout.rows && whole_c < layout.cols;
            to[i] = inside ? __ldg(x + (bases[i] + plane + whole_r * layout.cols + whole_c)) : from_f32<T>(0.0f);
        }
    }

    __device__ __forceinline__ void advance() {
        at.low += step.low, at.mid += step.mid, at.high += step.high;
        if (at.low >= layout.lows) at.low -= layout.lows, at.mid++;
        if (at.mid >= layout.mids) at.mid -= layout.mids, at.high++;
    }
};

// The three matrices of windows, and the gradient as a matrix of (image, output) by channel.
enum Kind { FORWARD, BACKWARD_INPUT, BACKWARD_WEIGHT, GRADIENT };

// Everything that a kernel is told about a convolution; channels of one group. `step` is the digits of the rows that
// `row` and `advance` step over: with the taps' digits known to the host, they need no registers.
struct Geometry {
    Side down, across;
    int inputs, outputs, groups, in_plane, out_plane;
    Digits step;
};

template <Kind KIND> __device__ __forceinline__ Layout layout(const Geometry& g) {
    const int h = g.down.size, w = g.across.size, oh = g.down.outputs, ow = g.across.outputs;
    if (KIND == FORWARD)
        return {h, w, g.down.kernel, g.across.kernel, g.in_plane, g.down.dilation, g.across.dilation};
    if (KIND == BACKWARD_INPUT)
        return {oh, ow, g.down.kernel, g.across.kernel, g.out_plane, -g.down.dilation, -g.across.dilation};
    if (KIND == BACKWARD_WEIGHT)
        return {h, w, oh, ow, g.groups * g.inputs * g.in_plane, g.down.stride, g.across.stride};
    return {oh, ow, oh, ow, g.groups * g.outputs * g.out_plane, 1, 1};
}

// Writes down where column i of the matrix stands; one past the end stands outside every plane.
template <Kind KIND, int TILE>
__device__ __forceinline__ void put_column(Columns<TILE>& to, int at, const Geometry& g, int i, bool exists) {
    Spot spot_of;
    int row = 0, col = 0;
    unsigned base;
    if (KIND == FORWARD) {
        spot_of = spot(i, g.down.outputs, g.across.outputs);
        row = g.down.start(spot_of.row), col = g.across.start(spot_of.col);
        base = spot_of.plane * (g.groups * g.inputs * g.in_plane);
    } else if (KIND == BACKWARD_INPUT) {
        spot_of = spot(i, g.down.size, g.across.size);
        row = spot_of.row + g.down.padding, col = spot_of.col + g.across.padding;
        base = spot_of.plane * (g.groups * g.outputs * g.out_plane);
    } else if (KIND == BACKWARD_WEIGHT) {
        spot_of = spot(i, g.down.kernel, g.across.kernel);
        row = spot_of.row * g.down.dilation - g.down.padding, col = spot_of.col * g.across.dilation - g.across.padding;
        base = spot_of.plane * g.in_plane;
    } else {
        base = i * (unsigned)g.out_plane;
    }
    const int outside = KIND == BACKWARD_INPUT ? -1 : -32768;
    to.place[at] = exists ? row * 65536 + col : outside * 65536;
    to.base[at] = KIND == BACKWARD_INPUT ? base : base + row * g.across.size + col;
}

// A gather of C columns, the `of`-th C of those of a tile that begins at `col` of the `n` that there are, from row
// `first` on of the rows whose high digit is below `highs`, STEP rows at a time. All threads of the block call it together.
template <Kind KIND, int C, int STEP, class T, int TILE>
__device__ __forceinline__ Gather<T, C, TILE, KIND == BACKWARD_INPUT> gather(Columns<TILE>& columns, const T* x,
                                                                       const Geometry& g, int of, int col, int n,
                                                                       int first, int highs) {
    for (int at = threadIdx.x; at < TILE; at += blockDim.x) {
        const int four = at / 4, i = four % (TILE / C) * C + four / (TILE / C) * 4 + at % 4;
        put_column<KIND>(columns, at, g, col + i, col + i < n);
    }
    __syncthreads();
    const Layout matrix = layout<KIND>(g);
    keep(x);
    const Digits step = KIND == FORWARD || KIND == BACKWARD_INPUT ? g.step : digits(STEP, matrix.mids, matrix.lows);
    return {x,    columns.place + of * 4, matrix, digits(first, matrix.mids, matrix.lows),
            step, highs, g.down.stride, g.across.stride};
}

// What the kernels take: channels of a group in and out, elements of a plane, the step's digits, and the window.
#define CONV_PARAMETERS                                                                                                \
    int inputs, int outputs, int groups, int in_plane, int out_plane, int step_high, int step_mid, int step_low,       \
        WINDOW_PARAMETERS
#define CONV_GEOMETRY                                                                                                  \
    Geometry {                                                                                                         \
        WINDOW_DOWN, WINDOW_ACROSS, inputs, outputs, groups, in_plane, out_plane, { step_high, step_mid, step_low }    \
    }
