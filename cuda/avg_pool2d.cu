// avg_pool2d: y[p, i, j] = sum / count of x[p, i sh - ph + a dh, j sw - pw + b dw] over the taps (a, b) inside the plane
// avg_pool2d_backward: dx[p, r, c] = the sum of dy / count over the outputs with a tap at (r, c)
//
// Parameters  x, dx (planes, h, w); y, dy (planes, oh, ow); n elements of the output (y or dx); kernel, stride, padding
//             and dilation; end_h, end_w: the padding below and to the right that counts, or -1 where only taps inside
//             the plane count
// Grid        n threads in blocks of 256, one output each
// Why         as max_pool2d: overlaps come from the cache, and backward gathers over the windows above an input
// Limits      n and the elements of every tensor below 2^31, checked by the binding

#include "floats.cuh"
#include "window.cuh"

// How many taps along a side count for an output.
__device__ __forceinline__ f32 count(const Side& side, int output, int end) {
    const Range inside = side.taps(output);
    if (end < 0) return inside.end - inside.first;
    return min(side.kernel, side.ceil_dilation(side.size + end - side.start(output)));
}

// Whether an output has a tap at an input that its window spans.
__device__ __forceinline__ bool taps_at(const Side& side, int output, int input) {
    return side.dilation == 1 || (input - side.start(output)) % side.dilation == 0;
}

template <class T>
__device__ __forceinline__ void forward(const T* x, T* y, int n, Side down, Side across, int end_h, int end_w) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Spot at = spot(i, down.outputs, across.outputs);
    const Range rows = down.taps(at.row), cols = across.taps(at.col);
    const int top = down.start(at.row), left = across.start(at.col);
    x += at.plane * (unsigned)(down.size * across.size);
    f32 sum = 0.0f;
    for (int a = rows.first; a < rows.end; a++) {
        const int row = (top + a * down.dilation) * across.size + left;
        for (int b = cols.first; b < cols.end; b++) sum += to_f32(x[row + b * across.dilation]);
    }
    y[i] = from_f32<T>(sum / (count(down, at.row, end_h) * count(across, at.col, end_w)));
}

template <class T>
__device__ __forceinline__ void backward(const T* dy, T* dx, int n, Side down, Side across, int end_h, int end_w) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Spot at = spot(i, down.size, across.size);
    const Range rows = down.windows(at.row), cols = across.windows(at.col);
    const unsigned plane = at.plane * (unsigned)(down.outputs * across.outputs);
    f32 sum = 0.0f;
    for (int o = rows.first; o < rows.end; o++) {
        if (!taps_at(down, o, at.row)) continue;
        const f32 counted = count(down, o, end_h);
        for (int p = cols.first; p < cols.end; p++)
            if (taps_at(across, p, at.col))
                sum += to_f32(dy[plane + o * across.outputs + p]) / (counted * count(across, p, end_w));
    }
    dx[i] = from_f32<T>(sum);
}

#define AVG_POOL2D(T)                                                                                                  \
    extern "C" __global__ void avg_pool2d_##T(const T* x, T* y, int n, WINDOW_PARAMETERS, int end_h, int end_w) {      \
        forward(x, y, n, WINDOW_DOWN, WINDOW_ACROSS, end_h, end_w);                                                    \
    }                                                                                                                  \
    extern "C" __global__ void avg_pool2d_backward_##T(const T* dy, T* dx, int n, WINDOW_PARAMETERS, int end_h,        \
                                                       int end_w) {                                                    \
        backward(dy, dx, n, WINDOW_DOWN, WINDOW_ACROSS, end_h, end_w);                                                 \
    }
FOR_EACH_FLOAT(AVG_POOL2D)
