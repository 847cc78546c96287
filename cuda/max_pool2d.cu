// max_pool2d: y[p, i, j] = the largest x[p, i sh - ph + a dh, j sw - pw + b dw] over the taps (a, b) inside the plane
// max_pool2d_backward: dx[p, r, c] = the sum of dy over the outputs whose largest is x[p, r, c]
//
// Parameters  x, dx (planes, h, w); y, dy, indices (planes, oh, ow): indices holds where in its plane each largest stands,
//             r * w + c, and may be null in forward; n elements of the output (y or dx); kernel, stride, padding and
//             dilation
// Grid        n threads in blocks of 256, one output each
// Why         memory-bound. Windows overlap, but neighbouring threads read neighbouring windows, so the cache serves what
//             is read again. Which taps are inside is settled before the loops over them. Backward gathers: a thread
//             looks through the windows over its input for those that chose it, which needs no atomics and has one
//             order of summation.
// Limits      n and the elements of every tensor below 2^31, checked by the binding. The first of equals is taken; NaN
//             counts as the largest; a window of padding alone (holes of a dilation) gives -infinity and index -1

#include "floats.cuh"
#include "window.cuh"

template <class T>
__device__ __forceinline__ void forward(const T* x, T* y, int* indices, int n, Side down, Side across) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Spot at = spot(i, down.outputs, across.outputs);
    const Range rows = down.taps(at.row), cols = across.taps(at.col);
    const int top = down.start(at.row), left = across.start(at.col);
    x += at.plane * (unsigned)(down.size * across.size);
    f32 most = -infinity();
    int where = -1;
    for (int a = rows.first; a < rows.end; a++) {
        const int row = (top + a * down.dilation) * across.size + left;
        for (int b = cols.first; b < cols.end; b++) {
            const int place = row + b * across.dilation;
            const f32 v = to_f32(x[place]);
            // the first tap stands even where it is -infinity; NaN is larger than all
            if (v > most || v != v || where < 0) most = v, where = place;
        }
    }
    y[i] = from_f32<T>(most);
    if (indices) indices[i] = where;
}

template <class T>
__device__ __forceinline__ void backward(const T* dy, const int* indices, T* dx, int n, Side down, Side across) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Spot at = spot(i, down.size, across.size);
    const Range rows = down.windows(at.row), cols = across.windows(at.col);
    const int own = at.row * across.size + at.col;
    const unsigned plane = at.plane * (unsigned)(down.outputs * across.outputs);
    f32 sum = 0.0f;
    for (int o = rows.first; o < rows.end; o++)
        for (int p = cols.first; p < cols.end; p++) {
            const unsigned window = plane + o * across.outputs + p;
            if (indices[window] == own) sum += to_f32(dy[window]);
        }
    dx[i] = from_f32<T>(sum);
}

#define MAX_POOL2D(T)                                                                                                  \
    extern "C" __global__ void max_pool2d_##T(const T* x, T* y, int* indices, int n, WINDOW_PARAMETERS) {              \
        forward(x, y, indices, n, WINDOW_DOWN, WINDOW_ACROSS);                                                         \
    }                                                                                                                  \
    extern "C" __global__ void max_pool2d_backward_##T(const T* dy, const int* indices, T* dx, int n,                  \
                                                       WINDOW_PARAMETERS) {                                            \
        backward(dy, indices, dx, n, WINDOW_DOWN, WINDOW_ACROSS);                                                      \
    }
FOR_EACH_FLOAT(MAX_POOL2D)
