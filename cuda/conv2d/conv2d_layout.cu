// What conv2d_mma reads, made of tensors as they are, and what it leaves brought back:
// conv2d_channels_last: y[n, r, s, g, c] = x[n, g, c, (r - above) / sh, (s - left) / sw], 0 where there is no such element
// conv2d_neighbours_last: y[n, r, s, g, p, c] = x[n, g, c, r - above, s fold + p - left] for p below fold, 0 likewise
// conv2d_bias_last: what channels_last makes of activation'(dy, y), and partial[s, c] = its sum over the pixels of split s
// conv2d_rows: y[c, n * plane + p] = x[n, c, p], then 0 up to ld
// conv2d_pack: a[g, r, t, c] = w[g, r, c, t], or, flipped, w[g, c, r, taps - 1 - t]; 0 past the channels. With fold, a[g, r, i, j,
//              p, c] = w[g, r, c, i, j fold + p], 0 past the window
// conv2d_unpack: dw[r, c, t] = the sum over s of partial[s, r, t, c], which is as a is
//
// Parameters  x (N, groups, channels, h, w), y (N, rows, cols, groups, chunks) and behind it zeros up to `pixels`, chunks of
//             16 bytes; neighbours_last: one chunk for `fold` neighbours, as channels * fold are no more than it has;
//             bias_last: dy and, where there is an activation (0 none, 1 relu, 2 sigmoid, 3 tanh), its output y as x, else
//             null; dx as y; partial (splits, groups * channels) in f32, `split` pixels to a split
//             rows: x (N, channels, plane), y (channels, ld); pack: w (groups, rows, channels, taps) or (groups, channels,
//             rows, taps), a (groups, rows, taps, padded), n elements; unpack: partial (splits, rows, taps, padded) in f32,
//             n elements each; taps are kh kw, or with fold kh `across`
// Entries     conv2d_<what>_<T>; conv2d_{channels,neighbours}_last_f32_<T> read f32 and round it
// Grid        blocks of 256 threads: channels_last one for each 256 / wide pixels and `wide` chunks, neighbours_last a thread for
//             each chunk, bias_last a block for each `split` pixels and `wide` chunks, rows a warp for each 256
//             elements of a plane, pack and unpack n threads
// Why         Tensor Cores want channels side by side in whole chunks, and copies that are asked nothing. channels_last writes
//             the padding out, fills up the channels, and, for the gradient of a convolution with strides, writes the zeros
//             between. A thread makes a chunk: its reads go along the plane, as its neighbours' do, and two chunks side by
//             side are a whole sector of y. What is behind a row is also what is before the next, so padding is written once.
//             The three channels of a picture would leave most of a chunk empty: where windows move by two or by four, they
//             share it with their neighbours, and a convolution by pixels becomes one by pairs or fours. A layer's gradient is
//             read once where it is also summed for the bias and taken back through the activation: what leaves is what the
//             gradients of input and weights both read. Rows are for sums over all positions of f32: along k, as ldmatrix
//             cannot transpose it.
// Limits      sm_80, since conv2d_mma is; sizes checked by the binding; y and a begin at multiples of 16 bytes

#include "activation.cuh"
#if __CUDA_ARCH__ >= 800

constexpr int THREADS = 256;

// An element as a factor for Tensor Cores. Of f32 they would cut the fraction at 10 bits; rounded here, where each element
// passes once, it costs conv2d_mma's loop nothing.
template <class T, class S> __device__ __forceinline__ T factor(S x) {
    if constexpr (sizeof(S) != sizeof(T)) {
        return from_f32<T>(x);
    } else if constexpr (sizeof(T) == sizeof(f32)) {
        unsigned rounded;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
        return __uint_as_float(rounded);
    } else {
        return x;
    }
}

struct Source {
    int channels, h, w, above, left, sh, sw;
};

// The index of a row of the source, or -1 where the row of y is padding.
__device__ __forceinline__ int source(int i, int before, int stride, int size) {
    const int at = i - before;
    if (at < 0) return -1;
    const int row = stride == 1 ? at : at / stride;
    return row < size && row * stride == at ? row : -1;
}

template <class S, class T>
__device__ __forceinline__ void channels_last(const S* x, T* y, int pixels, int images, int rows, int cols, int groups,
                                              int chunks, int wide, const Source& from) {
    const int across = groups * chunks, pairs = (across + wide - 1) / wide;
    const int pixel = blockIdx.x / pairs * (THREADS / wide) + threadIdx.x / wide;
    const int chunk = blockIdx.x % pairs * wide + threadIdx.x % wide;
    if (pixel >= pixels || chunk >= across) return;
    const int image = pixel / cols / rows, group = chunk / chunks, first = chunk % chunks * Vec<T>::N;
    const int row = image < images ? source(pixel / cols % rows, from.above, from.sh, from.h) : -1;
    const int col = source(pixel % cols, from.left, from.sw, from.w);
    const int plane = from.h * from.w, left = row < 0 || col < 0 ? 0 : from.channels - first;
    x += (i64)((image * groups + group) * from.channels + first) * plane + row * from.w + col;
    Vec<T> v;
#pragma unroll
    for (int i = 0; i < Vec<T>::N; i++) v.at[i] = i < left ? factor<T>(x[(i64)i * plane]) : from_f32<T>(0.0f);
    store_vec(y + ((i64)pixel * across + chunk) * Vec<T>::N, v);
}

template <class S, class T>
__device__ __forceinline__ void neighbours_last(const S* x, T* y, int pixels, int images, int rows, int cols, int groups,
                                                const Source& from, int fold) {
    const int i = blockIdx.x * THREADS + threadIdx.x, pixel = i / groups, group = i % groups;
    if (pixel >= pixels) return;
    const int image = pixel / cols / rows, row = image < images ? source(pixel / cols % rows, from.above, 1, from.h) : -1;
    const int first = pixel % cols * fold - from.left, each = Vec<T>::N / fold, plane = from.h * from.w;
    x += (i64)(image * groups + group) * from.channels * plane + row * from.w;
    Vec<T> v;
#pragma unroll
    for (int e = 0; e < Vec<T>::N; e++) {
        const int c = e % each, col = first + e / each;
        const bool there = row >= 0 && c < from.channels && col >= 0 && col < from.w;
        v.at[e] = there ? factor<T>(x[(i64)c * plane + col]) : from_f32<T>(0.0f);
    }
    store_vec(y + (i64)i * Vec<T>::N, v);
}

__device__ __forceinline__ void rows(const f32* x, f32* y, unsigned images, unsigned channels, int plane, i64 ld) {
    constexpr int EACH = 8, PART = 32 * EACH;
    const unsigned parts = (plane + PART - 1) / PART, unit = blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    const unsigned of = unit / parts, image = of / channels, channel = of % channels;
    const int first = unit % parts * PART + threadIdx.x % 32;
    if (image >= images) return;
    x += (i64)of * plane;
    y += channel * ld + (i64)image * plane;
    f32 v[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) v[i] = first + 32 * i < plane ? factor<f32>(x[first + 32 * i]) : 0.0f;
    // behind the last image's the row ends with fewer elements than a chunk has
    const int end = image == images - 1 ? ld - (i64)image * plane : plane;
#pragma unroll
    for (int i = 0; i < EACH; i++)
        if (first + 32 * i < plane) y[first + 32 * i] = v[i];
    if (unit % parts == parts - 1 && plane + threadIdx.x % 32 < end) y[plane + threadIdx.x % 32] = 0.0f;
}

// A block makes `wide` chunks of the pixels of a split, and sums their channels.
template <class T>
__device__ __forceinline__ void bias_last(const T* dy, const T* y, T* dx, f32* partial, int pixels, int images, int rows, int cols,
                                          int groups, int chunks, int wide, int split, const Source& from, int activation) {
    constexpr int N = Vec<T>::N;
    __shared__ f32 warps[THREADS / 32][2 * N];
    const int across = groups * chunks, pairs = (across + wide - 1) / wide, chunk = blockIdx.x % pairs * wide;
    const int mine = chunk + threadIdx.x % wide, group = mine / chunks, first = mine % chunks * N, plane = from.h * from.w;
    const int begin = blockIdx.x / pairs * split, end = mine < across ? min(begin + split, pixels) : 0;
    f32 sums[N] = {};
    for (int pixel = begin + threadIdx.x / wide; pixel < end; pixel += THREADS / wide) {
        const int image = pixel / cols / rows;
        const int row = image < images ? source(pixel / cols % rows, from.above, from.sh, from.h) : -1;
        const int col = source(pixel % cols, from.left, from.sw, from.w);
        const int left = row < 0 || col < 0 ? 0 : from.channels - first;
        const i64 at = (i64)((image * groups + group) * from.channels + first) * plane + row * from.w + col;
        Vec<T> g, v;
#pragma unroll
        for (int i = 0; i < N; i++) {
            g.at[i] = i < left ? dy[at + (i64)i * plane] : from_f32<T>(0.0f);
            v.at[i] = i < left && y ? y[at + (i64)i * plane] : from_f32<T>(0.0f);
        }
#pragma unroll
        for (int i = 0; i < N; i++) {
            // nothing where there is no activation: then v says nothing
            const T x = from_f32<T>(activate_backward(to_f32(g.at[i]), to_f32(v.at[i]), activation));
            g.at[i] = i < left ? x : from_f32<T>(0.0f);
            sums[i] += to_f32(g.at[i]);
        }
        store_vec(dx + ((i64)pixel * across + mine) * N, g);
    }
#pragma unroll
    for (int i = 0; i < N; i++) {
        for (int apart = 16; apart >= wide; apart /= 2) sums[i] += __shfl_xor_sync(0xffffffff, sums[i], apart);
        if (threadIdx.x % 32 < wide) warps[threadIdx.x / 32][threadIdx.x % 32 * N + i] = sums[i];
    }
    __syncthreads();
    const int of = chunk + threadIdx.x / N, c = of % chunks * N + threadIdx.x % N;
    if (threadIdx.x >= wide * N || of >= across || c >= from.channels) return;
    f32 sum = 0.0f;
    for (int i = 0; i < THREADS / 32; i++) sum += warps[i][threadIdx.x];
    partial[(i64)(blockIdx.x / pairs) * groups * from.channels + of / chunks * from.channels + c] = sum;
}

// Where element i of the weights in whole chunks comes from: of `padded` elements of a tap of the copy, `fold` taps of the window
// beside each other have their channels.
struct Taps {
    int channels, padded, kh, kw, across, fold;
};
struct Weight {
    int row, c, tap;
    bool there;
};
__device__ __forceinline__ Weight weight(int i, const Taps& of) {
    const int e = i % of.padded, each = of.padded / of.fold, tap = i / of.padded % (of.kh * of.across);
    const int c = e % each, col = tap % of.across * of.fold + e / each;
    return {i / of.padded / (of.kh * of.across), c, tap / of.across * of.kw + col, c < of.channels && col < of.kw};
}

template <class T> __device__ __forceinline__ void pack(const T* w, T* a, int n, int rows, const Taps& of, int flipped) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    const Weight at = weight(i, of);
    const int group = at.row / rows, taps = of.kh * of.kw;
    const int filter = flipped ? (group * of.channels + at.c) * rows + at.row % rows : at.row * of.channels + at.c;
    const T* const from = w + (i64)filter * taps + (flipped ? taps - 1 - at.tap : at.tap);
    a[i] = at.there ? factor<T>(*from) : from_f32<T>(0.0f);
}

template <class T> __device__ __forceinline__ void unpack(const f32* partial, T* dw, int n, int splits, const Taps& of) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    const Weight at = weight(i, of);
    if (i >= n || !at.there) return;
    f32 sum = 0.0f;
    for (int s = 0; s < splits; s++) sum += partial[(i64)s * n + i];
    dw[(at.row * of.channels + at.c) * of.kh * of.kw + at.tap] = from_f32<T>(sum);
}

#define COPIES(OF, S, T)                                                                                                \
    extern "C" __global__ void __launch_bounds__(THREADS) conv2d_channels_last_##OF(                                    \
        const S* x, T* y, int pixels, int images, int rows, int cols, int groups, int chunks, int wide, int channels,  \
        int h, int w, int above, int left, int sh, int sw) {                                                           \
        channels_last(x, y, pixels, images, rows, cols, groups, chunks, wide,                                          \
                      Source{channels, h, w, above, left, sh, sw});                                                    \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS) conv2d_neighbours_last_##OF(                                  \
        const S* x, T* y, int pixels, int images, int rows, int cols, int groups, int channels, int h, int w,          \
        int above, int left, int fold) {                                                                               \
        neighbours_last(x, y, pixels, images, rows, cols, groups, Source{channels, h, w, above, left, 1, 1}, fold);    \
    }
#define LAYOUT(T)                                                                                                      \
    COPIES(T, T, T)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS) conv2d_pack_##T(                                             \
        const T* w, T* a, int n, int rows, int channels, int padded, int kh, int kw, int across, int fold,             \
        int flipped) {                                                                                                 \
        pack(w, a, n, rows, Taps{channels, padded, kh, kw, across, fold}, flipped);                                    \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS) conv2d_unpack_##T(                                           \
        const f32* partial, T* dw, int n, int splits, int channels, int padded, int kh, int kw, int across,            \
        int fold) {                                                                                                    \
        unpack(partial, dw, n, splits, Taps{channels, padded, kh, kw, across, fold});                                  \
    }
LAYOUT(f32)
LAYOUT(f16)
LAYOUT(bf16)
// and of images in f32, for a network that computes in halves
COPIES(f32_f16, f32, f16)
COPIES(f32_bf16, f32, bf16)

// f32 is summed in rows.
#define GRADIENT(T)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS) conv2d_bias_last_##T(                                        \
        const T* __restrict__ dy, const T* __restrict__ y, T* __restrict__ dx, f32* partial, int pixels, int images,   \
        int rows, int cols, int groups, int chunks, int wide, int channels, int h, int w, int above, int left, int sh, \
        int sw, int split, int activation) {                                                                           \
        bias_last(dy, y, dx, partial, pixels, images, rows, cols, groups, chunks, wide, split,                         \
                  Source{channels, h, w, above, left, sh, sw}, activation);                                            \
    }
GRADIENT(f16)
GRADIENT(bf16)

extern "C" __global__ void __launch_bounds__(THREADS) conv2d_rows_f32(const f32* x, f32* y, int images, int channels, int plane,
                                                                      i64 ld) {
    rows(x, y, images, channels, plane, ld);
}
#endif
