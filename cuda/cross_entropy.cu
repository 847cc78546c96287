// cross_entropy:          losses[r] = -log p[r, label[r]],  p = softmax(x)
// cross_entropy_weighted: losses[r] = -keep w[label[r]] log p[r, label[r]] - spread sum_c w[c] log p[r, c]
// cross_entropy_sum:      parts[2b], parts[2b + 1] = the sums of block b's losses and of their rows' w[label[r]]
// cross_entropy_finish:   total[0] = sum_b parts[2b + 1];  y[0] = sum_b parts[2b], over total[0] for the mean
// cross_entropy_backward: dx[r, c] = (p[r, c] - (c == label[r])) dy[r] / total[0]
// cross_entropy_weighted_backward:
//     dx[r, c] = (p[r, c] t_r - keep w[label[r]] (c == label[r]) - spread w[c]) dy[r] / total[0],
//     t_r = keep w[label[r]] + spread sum_c w[c]
//
// Parameters  x, dx (rows, cols) row-major; labels (rows); losses (rows) in f32, null where only total is wanted; w (cols)
//             in f32, or null for ones; keep = 1 - smoothing, spread = smoothing / cols; dy: null for 1, one number with
//             dy_step 0, or (rows) with dy_step 1; total: null for 1. A row labelled `ignore` has loss 0, weight 0 and
//             gradient 0, whatever stands in it.
// Grid        <op>: up to 1024 columns, 256 threads, 1, 4 or 32 lanes a row (for_lanes)
//             <op>_block: any number of columns, a block a row, whole warps of threads, 64 to 512 of them
//             sum: any number of blocks of 256 threads; finish: one block of 256
// Why         memory-bound. Forward takes maximum and sum in one pass and writes one number a row; backward works out
//             the softmax again instead of reading it, and keeps the row in registers, so that x is read once. Weights and
//             smoothing have kernels of their own, so that the common case does not carry their registers.
// Limits      x and dx may be one buffer; the binding checks cols <= i32::MAX. A label outside 0..cols makes its loss,
//             and its row of dx, NaN: the host cannot look at labels without waiting for the device.

#include "floats.cuh"
#include "row.cuh"

__device__ __forceinline__ f32 nan() { return __int_as_float(0x7fc00000); }

// The weight of each class, and how a label's distribution is spread over all of them.
struct Terms {
    const f32* w;
    f32 keep, spread;
    __device__ __forceinline__ f32 of(int c) const { return w ? w[c] : 1.0f; }
};

template <class Group, class T>
__device__ __forceinline__ void loss_row(const T* x, const int* labels, f32* losses, int ignore, const RowOf& row) {
    x += row.start;
    const Online found = online<Group>(x, row.cols);
    if (row.cols > 0 && Group::rank() == 0) {
        const int label = labels[row.index];
        const bool known = 0 <= label && label < row.cols;
        const f32 loss = known ? logf(found.sum) - (to_f32(x[label]) - found.max) : nan();
        losses[row.index] = label == ignore ? 0.0f : loss;
    }
}

template <class Group, class T>
__device__ __forceinline__ void weighted_loss_row(const T* x, const int* labels, f32* losses, int ignore, const Terms& terms,
                                                  const RowOf& row) {
    x += row.start;
    const Online found = online<Group>(x, row.cols);
    const f32 log = logf(found.sum);
    f32 spread = 0.0f;
    if (terms.spread != 0.0f) {  // the same for all threads
        for (unsigned c = Group::rank(); c < row.cols; c += Group::size())
            spread += terms.of(c) * (log - (to_f32(x[c]) - found.max));
        spread = terms.spread * group_sum<Group>(spread);
    }
    if (row.cols > 0 && Group::rank() == 0) {
        const int label = labels[row.index];
        const bool known = 0 <= label && label < row.cols;
        const f32 own = known ? terms.keep * terms.of(label) * (log - (to_f32(x[label]) - found.max)) : nan();
        losses[row.index] = label == ignore ? 0.0f : own + spread;
    }
}

// What scales a row of the gradient: 0 for one that is ignored.
template <class T> struct Scale {
    const T* dy;
    const f32* total;
    int dy_step, ignore;
    __device__ __forceinline__ f32 of(i64 row, int label, int cols) const {
        if (label == ignore) return 0.0f;
        if (label < 0 || label >= cols) return nan();
        return (dy ? to_f32(dy[row * dy_step]) : 1.0f) / (total ? total[0] : 1.0f);
    }
};

// What softmax_row ends with: the distance from the label's own distribution, scaled.
struct Distance {
    int label;
    f32 share;
    __device__ __forceinline__ f32 operator()(f32 v, f32 scale, unsigned column) const {
        const f32 d = (v * scale - (column == (unsigned)label ? 1.0f : 0.0f)) * share;
        return share == 0.0f ? 0.0f : d;
    }
};

// The same where the distribution is weighted and spread: `all` is its sum, `own` the label's part; both, and what is spread,
// are scaled already, since a row in registers has none to spare.
struct WeightedDistance {
    const f32* w;
    int label;
    bool counts;
    f32 own, all, spread;
    __device__ __forceinline__ f32 operator()(f32 v, f32 scale, unsigned column) const {
        f32 target = column == (unsigned)label ? own : 0.0f;
        if (spread != 0.0f) target = fmaf(spread, w ? w[column] : 1.0f, target);
        const f32 d = v * scale * all - target;
        return counts ? d : 0.0f;
    }
};

template <class Group, class T>
__device__ __forceinline__ void gradient_row(const T* x, const int* labels, const Scale<T>& scale, T* dx, i64 rows, int cols) {
    const RowOf row = row_of<Group>(rows, cols);
    const int label = row.cols > 0 ? labels[row.index] : 0;
    const Distance finish = {label, row.cols > 0 ? scale.of(row.index, label, cols) : 0.0f};
    softmax_row<Group>(x + row.start, dx + row.start, row.cols, false, finish);
}

template <class Group, class T>
__device__ __forceinline__ void weighted_gradient_row(const T* x, const int* labels, const Scale<T>& scale, const Terms& terms,
                                                      T* dx, i64 rows, int cols) {
    const RowOf row = row_of<Group>(rows, cols);
    const int label = row.cols > 0 ? labels[row.index] : 0;
    const f32 share = row.cols > 0 ? scale.of(row.index, label, cols) : 0.0f;
    const bool known = 0 <= label && label < row.cols;
    const f32 own = terms.keep * (known ? terms.of(label) : 0.0f);
    f32 spread = 0.0f;
    if (terms.spread != 0.0f) {  // the same for all threads
        for (unsigned c = Group::rank(); c < row.cols; c += Group::size()) spread += terms.of(c);
        spread = terms.spread * group_sum<Group>(spread);
    }
    const WeightedDistance finish = {terms.w, label, share != 0.0f, own * share, (own + spread) * share, terms.spread * share};
    softmax_row<Group>(x + row.start, dx + row.start, row.cols, false, finish);
}

extern "C" __global__ void __launch_bounds__(256)
    cross_entropy_sum(const f32* losses, const int* labels, const f32* w, f32* parts, i64 rows, int cols, int ignore) {
    const Terms terms = {w, 1.0f, 0.0f};
    f32 loss = 0.0f, total = 0.0f;
    for (i64 row = blockIdx.x * (i64)blockDim.x + threadIdx.x; row < rows; row += gridDim.x * (i64)blockDim.x) {
        const int label = labels[row];
        if (losses) loss += losses[row];
        if (label != ignore) total += 0 <= label && label < cols ? terms.of(label) : 1.0f;
    }
    loss = group_sum<Block>(loss);
    total = group_sum<Block>(total);
    if (threadIdx.x == 0) {
        parts[2 * blockIdx.x] = loss;
        parts[2 * blockIdx.x + 1] = total;
    }
}

template <class T>
__device__ __forceinline__ void finish(const f32* parts, T* y, f32* total, int count, int mean) {
    f32 loss = 0.0f, sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        loss += parts[2 * i];
        sum += parts[2 * i + 1];
    }
    loss = group_sum<Block>(loss);
    sum = group_sum<Block>(sum);
    if (threadIdx.x == 0) {
        if (y) y[0] = from_f32<T>(mean ? loss / sum : loss);
        if (total) total[0] = sum;
    }
}

#define CROSS_ENTROPY(T)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols, int ignore) {                \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            loss_row<Group>(x, labels, losses, ignore, row_of<Group>(rows, cols));                                     \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_block_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols, int ignore) {          \
        loss_row<Block>(x, labels, losses, ignore, row_of<Block>(rows, cols));                                         \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_weighted_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols, int ignore,         \
                                   const f32* w, f32 keep, f32 spread) {                                               \
        for_lanes(cols, [&](auto group) {                                                                              \
            using Group = decltype(group);                                                                             \
            const Terms terms = {w, keep, spread};                                                                     \
            weighted_loss_row<Group>(x, labels, losses, ignore, terms, row_of<Group>(rows, cols));                     \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_weighted_block_##T(const T* x, const int* labels, f32* losses, i64 rows, int cols, int ignore,   \
                                         const f32* w, f32 keep, f32 spread) {                                         \
        const Terms terms = {w, keep, spread};                                                                         \
        weighted_loss_row<Block>(x, labels, losses, ignore, terms, row_of<Block>(rows, cols));                         \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_finish_##T(const f32* parts, T* y, f32* total, int count, int mean) {                            \
        finish(parts, y, total, count, mean);                                                                          \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_backward_##T(const T* x, const int* labels, const T* dy, const f32* total, T* dx, i64 rows,      \
                                   int cols, int ignore, int dy_step) {                                                \
        const Scale<T> scale = {dy, total, dy_step, ignore};                                                           \
        for_lanes(cols, [&](auto group) { gradient_row<decltype(group)>(x, labels, scale, dx, rows, cols); });         \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_backward_block_##T(const T* x, const int* labels, const T* dy, const f32* total, T* dx,          \
                                         i64 rows, int cols, int ignore, int dy_step) {                                \
        gradient_row<Block>(x, labels, Scale<T>{dy, total, dy_step, ignore}, dx, rows, cols);                          \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        cross_entropy_weighted_backward_##T(const T* x, const int* labels, const T* dy, const f32* total, T* dx,       \
                                            i64 rows, int cols, int ignore, int dy_step, const f32* w, f32 keep,       \
                                            f32 spread) {                                                              \
        const Scale<T> scale = {dy, total, dy_step, ignore};                                                           \
        const Terms terms = {w, keep, spread};                                                                         \
        for_lanes(cols, [&](auto group) {                                                                              \
            weighted_gradient_row<decltype(group)>(x, labels, scale, terms, dx, rows, cols);                           \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(512)                                                                  \
        cross_entropy_weighted_backward_block_##T(const T* x, const int* labels, const T* dy, const f32* total, T* dx, \
                                                  i64 rows, int cols, int ignore, int dy_step, const f32* w, f32 keep, \
                                                  f32 spread) {                                                        \
        const Scale<T> scale = {dy, total, dy_step, ignore};                                                           \
        weighted_gradient_row<Block>(x, labels, scale, Terms{w, keep, spread}, dx, rows, cols);                        \
    }
FOR_EACH_FLOAT(CROSS_ENTROPY)
