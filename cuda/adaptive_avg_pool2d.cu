// adaptive_avg_pool2d: y[p, i, j] = the mean of x[p, r, c] over floor(i h / oh) <= r < ceil((i + 1) h / oh) and the columns likewise
// adaptive_avg_pool2d_backward: dx[p, r, c] = the sum of dy / count over the outputs whose windows hold (r, c): by the same
//                               rule floor(r oh / h) <= i < ceil((r + 1) oh / h), and the columns likewise
//
// Parameters  x, dx (planes, h, w); y, dy (planes, oh, ow); n elements of the output (y or dx); elements: those of
//             the first window
// Grid        adaptive_avg_pool2d: blocks of 256 threads, 1, 4 or 32 lanes an output by `elements` (for_lanes)
//             adaptive_avg_pool2d_backward: any; each thread strides over 16 bytes of dx at a time, whatever the planes are
// Why         Memory-bound. A network ends with one output a plane, whose window is the plane: a thread for each would read far
//             apart from its neighbour, so neighbouring lanes take neighbouring elements, 16 bytes where planes allow
//             it, and add up at the end. Lanes walk a window of any width by additions and carries, after one division.
// Limits      n, the elements of every tensor and the product of a side and its outputs below 2^31, checked by the binding

#include "elementwise.cuh"
#include "floats.cuh"
#include "group.cuh"
#include "pack.cuh"
#include "window.cuh"

struct Axis {
    unsigned size, outputs;
    __device__ __forceinline__ Range window(unsigned output) const {
        return {(int)(output * size / outputs), (int)(((output + 1) * size + outputs - 1) / outputs)};
    }
    // The outputs whose windows hold an input.
    __device__ __forceinline__ Range holding(unsigned input) const {
        return {(int)(input * outputs / size), (int)(((input + 1) * outputs + size - 1) / size)};
    }
};

// V neighbouring elements of one plane to a lane, of a plane that is one window.
template <int V, class Group, class T> __device__ __forceinline__ f32 sum_plane(const T* x, unsigned size) {
    f32 sum = 0.0f;
#pragma unroll 4
    for (unsigned e = Group::rank() * V; e < size; e += Group::size() * V) {
        const Pack<T, V> p = load_pack<V>(x + e);
#pragma unroll
        for (int k = 0; k < V; k++) sum += to_f32(p.at[k]);
    }
    return sum;
}

template <class Group, class T>
__device__ __forceinline__ void forward(const T* x, T* y, int n, Axis down, Axis across) {
    const unsigned i = (blockIdx.x * blockDim.x + threadIdx.x) / Group::size();
    f32 sum = 0.0f, count = 1.0f;
    if (i < n) {  // lanes past the end add up nothing
        const Spot at = spot(i, down.outputs, across.outputs);
        const unsigned plane = down.size * across.size;
        x += at.plane * plane;
        if (down.outputs == 1 && across.outputs == 1) {
            count = plane;
            const bool wide = plane % Vec<T>::N == 0 && aligned16(x);
            sum = wide ? sum_plane<Vec<T>::N, Group>(x, plane) : sum_plane<1, Group>(x, plane);
        } else {
            const Range rows = down.window(at.row), cols = across.window(at.col);
            const int width = cols.end - cols.first;
            count = (rows.end - rows.first) * width;
            const int rows_over = Group::size() / width, over = Group::size() % width;
            int row = rows.first + Group::rank() / width, col = Group::rank() % width;
            while (row < rows.end) {
                sum += to_f32(x[row * across.size + cols.first + col]);
                row += rows_over, col += over;
                if (col >= width) col -= width, row++;
            }
        }
    }
    sum = group_sum<Group>(sum);
    if (i < n && Group::rank() == 0) y[i] = from_f32<T>(sum / count);
}

// What reaches an input of the row that the outputs `rows` hold.
template <class T>
__device__ __forceinline__ f32 reaching(const T* dy, Axis down, Axis across, Range rows, unsigned col) {
    const Range cols = across.holding(col);
    f32 sum = 0.0f;
    for (int o = rows.first; o < rows.end; o++) {
        const Range tall = down.window(o);
        for (int p = cols.first; p < cols.end; p++) {
            const Range wide = across.window(p);
            const f32 count = (tall.end - tall.first) * (wide.end - wide.first);
            sum += to_f32(dy[o * across.outputs + p]) / count;
        }
    }
    return sum;
}

template <class T> __device__ __forceinline__ void backward(const T* dy, T* dx, unsigned n, Axis down, Axis across) {
    const bool one = down.outputs == 1 && across.outputs == 1;
    const f32 count = down.size * across.size;
    each_vector<T>(aligned16(dx), n, [=](auto width, unsigned i) {
        constexpr int V = decltype(width)::N;
        Spot at = spot(i, down.size, across.size);
        const unsigned outputs = down.outputs * across.outputs;
        const T* from = dy + at.plane * outputs;
        Range rows = {0, 1};
        f32 all = 0.0f;
        if (one) all = to_f32(*from) / count;
        else rows = down.holding(at.row);
        Pack<T, V> out;
#pragma unroll
        for (int k = 0; k < V; k++) {
            out.at[k] = from_f32<T>(one ? all : reaching(from, down, across, rows, at.col));
            at.col++;
            if (k + 1 < V && at.col == across.size) {
                at.col = 0, at.row++;
                if (at.row == down.size) {
                    at.row = 0, from += outputs;
                    // behind the last element there is no plane
                    if (one) all = to_f32(*from) / count;
                }
                if (!one) rows = down.holding(at.row);
            }
        }
        store_pack<T, V>(dx + i, out);
    });
}

#define ADAPTIVE_AVG_POOL2D(T)                                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        adaptive_avg_pool2d_##T(const T* x, T* y, int n, int h, int w, int oh, int ow, int elements) {                     \
        const Axis down = {(unsigned)h, (unsigned)oh}, across = {(unsigned)w, (unsigned)ow};                           \
        for_lanes(elements, [&](auto group) { forward<decltype(group)>(x, y, n, down, across); });                         \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        adaptive_avg_pool2d_backward_##T(const T* dy, T* dx, int n, int h, int w, int oh, int ow) {                    \
        const Axis down = {(unsigned)h, (unsigned)oh}, across = {(unsigned)w, (unsigned)ow};                           \
        backward(dy, dx, n, down, across);                                                                             \
    }
FOR_EACH_FLOAT(ADAPTIVE_AVG_POOL2D)
