// What a convolution needs beside its products:
// conv2d_repack: a[g, c, o, t] = w[g, o, c, t], the weights as backward_input multiplies with them; with `mirrored`, w[g, o, c, taps - 1
//                - t], as the forward kernels do where dx is a convolution of dy
// conv2d_bias: partial[s, c] = the sum of dy[n, c, ...] over the images of split s
// conv2d_bias_activated: the same of dx = activation'(dy, y), from the activation's output y; dx is written on the way
// conv2d_finish: y[i] = sum over s of partial[s, i]
//
// Parameters  w (groups, outputs, inputs, taps), a (groups, inputs, outputs, taps), n elements; dy, y, dx (images,
//             channels, plane), activation 1 relu, 2 sigmoid, 3 tanh; partial (splits, channels) in f32, `chunk` images to a split; y (n)
// Grid        repack, finish: n threads in blocks of 256; bias: one block of 256 threads per channel and split
// Why         Repacking moves the weights once more, so that the product reads them like any other matrix. The bias's
//             gradient is a sum over far more numbers than there are channels: splits give it enough blocks, and adding
//             them up in one order gives the same bits on every run.
// Limits      dx is another buffer than dy and y; n and the elements of every tensor below 2^31, checked by the binding

#include "activation.cuh"
#include "floats.cuh"
#include "group.cuh"

constexpr int THREADS = 256;

template <class T> __device__ __forceinline__ void repack(const T* w, T* a, int n, int outputs, int inputs, int taps,
                                                            int mirrored) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    const int tap = i % taps, o = i / taps % outputs, row = i / taps / outputs, c = row % inputs, group = row / inputs;
    a[i] = w[((group * outputs + o) * inputs + c) * taps + (mirrored ? taps - 1 - tap : tap)];
}

template <class From>
__device__ __forceinline__ void bias(const From& from, f32* partial, int images, int channels, int plane, int chunk) {
    const int channel = blockIdx.x, first = blockIdx.y * chunk, last = min(first + chunk, images);
    f32 sum = 0.0f;
    for (int image = first; image < last; image++) {
        const i64 first_of = ((i64)image * channels + channel) * plane;
        for (int i = threadIdx.x; i < plane; i += THREADS) sum += to_f32(from.one(first_of + i));
    }
    sum = group_sum<Block>(sum);
    if (threadIdx.x == 0) partial[blockIdx.y * channels + channel] = sum;
}

template <class T> __device__ __forceinline__ void finish(const f32* partial, T* y, int splits, int n) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    f32 sum = 0.0f;
    for (int s = 0; s < splits; s++) sum += partial[(i64)s * n + i];
    y[i] = from_f32<T>(sum);
}

#define CONV2D(T)                                                                                                      \
    extern "C" __global__ void conv2d_repack_##T(const T* w, T* a, int n, int outputs, int inputs, int taps,           \
                                                 int mirrored) {                                                       \
        repack(w, a, n, outputs, inputs, taps, mirrored);                                                              \
    }                                                                                                                  \
    extern "C" __global__ void conv2d_bias_##T(const T* dy, f32* partial, int images, int channels, int plane,         \
                                               int chunk) {                                                            \
        bias(Plain<T>{dy}, partial, images, channels, plane, chunk);                                                   \
    }                                                                                                                  \
    extern "C" __global__ void conv2d_bias_activated_##T(const T* __restrict__ dy, const T* __restrict__ y,            \
                                                         T* __restrict__ dx, f32* partial, int images, int channels,   \
                                                         int plane, int chunk, int activation) {                       \
        bias(Activated<T>{dy, y, dx, activation}, partial, images, channels, plane, chunk);                            \
    }                                                                                                                  \
    extern "C" __global__ void conv2d_finish_##T(const f32* partial, T* y, int splits, int n) {                        \
        finish(partial, y, splits, n);                                                                                 \
    }
FOR_EACH_FLOAT(CONV2D)
