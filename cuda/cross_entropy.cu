// cross_entropy:          losses[r] = log(sum_c exp(x[r, c] - max_c x)) - (x[r, label[r]] - max_c x)
// cross_entropy_backward: dx[r, c] = (softmax(x)[r, c] - (c == label[r] ? 1 : 0)) / rows
//
// Parameters  x, dx (rows, cols) row-major; labels (rows); losses (rows) in f32, whose mean is taken by sum.cu
// Grid        <op>: up to 1024 columns, 256 threads, 1, 4 or 32 lanes a row (for_lanes)
//             <op>_block: any number of columns, a block a row, whole warps of threads, 64 to 512 of them
// Why         memory-bound. Forward takes maximum and sum in one pass and writes one number a row; backward works out
//             the softmax again instead of reading it, and keeps the row in registers, so that x is read once.
// Limits      x and dx may be one buffer; the binding checks cols <= i32::MAX. A label outside 0..cols makes its loss,
//             and its row of dx, NaN: the host cannot look at labels without waiting for the device.

#include "row.cuh"

__device__ __forceinline__ f32 nan() { return __int_as_float(0x7fc00000); }

template <class Group, class T>
__device__ __forceinline__ void loss_row(const T* x, const int* labels, f32* losses, const RowOf& row) {
    x += row.start;
    const Online found = online<Group>(x, row.cols);
    if (row.cols > 0 && Group::rank() == 0) {
        const int label = labels[row.index];
        const bool known = 0 <= label && label < row.cols;
        losses[row.index] = known ? logf(found.sum) - (to_f32(x[label]) - found.max) : nan();
    }
}

// What softmax_row ends with: the distance from the label's own distribution, over the number of rows.
struct Distance {
    int label;
    f32 weight;

    __device__ __forceinline__ Distance(int label, i64 rows, int cols)
        : label(label), weight(0 <= label && label < cols ? 1.0f / rows : nan()) {}
    __device__ __forceinline__ f32 operator()(f32 v, f32 scale, unsigned column) const {
        return (v * scale - (column == (unsigned)label ? 1.0f : 0.0f)) * weight;
    }
};

template <class Group, class T>
__device__ __forceinline__ void gradient_row(const T* x, const int* labels, T* dx, i64 rows, int cols) {
    const RowOf row = row_of<Group>(rows, cols);
    const Distance finish(row.cols > 0 ? labels[row.index] : 0, rows, cols);
    softmax_row<Group>(x + row.start, dx + row.start, row.cols, false, finish);
}

#define CROSS_ENTROPY(T)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols) {                            \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            loss_row<Group>(x, labels, losses, row_of<Group>(rows, cols));                                             \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_block_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols) {                      \
        loss_row<Block>(x, labels, losses, row_of<Block>(rows, cols));                                                 \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_backward_##T(const T* x, const int* labels, T* dx, i64 rows, int cols) {                         \
        for_lanes(cols, [&](auto group) { gradient_row<decltype(group)>(x, labels, dx, rows, cols); });                \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_backward_block_##T(const T* x, const int* labels, T* dx, i64 rows, int cols) {                   \
        gradient_row<Block>(x, labels, dx, rows, cols);                                                                \
    }
FOR_EACH_FLOAT(CROSS_ENTROPY)
