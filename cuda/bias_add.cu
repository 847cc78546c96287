// bias_add: y[r, c] = x[r, c] + bias[c]
//
// Parameters  x, y (n) are rows of `cols` elements; bias (cols)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: x is read once and y written once; bias comes from the cache after its first reading. A
//             thread divides once to find its column and its step modulo cols; after that it only adds and wraps.
// Limits      x and y may be one buffer; 16-byte accesses where cols is a multiple of their elements, else scalar

#include "floats.cuh"
#include "vec.cuh"

// Calls f(v, c) for every v of [0, n) that is this thread's, with c = v mod cols.
template <class F> __device__ __forceinline__ void stride_with_column(i64 n, int cols, F f) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const int step = (int)(threads % cols);
    int c = (int)(thread % cols);
    for (i64 v = thread; v < n; v += threads) {
        f(v, c);
        // written so that c + step, which may not fit, is never formed
        c = c < cols - step ? c + step : c - (cols - step);
    }
}

template <class T> __device__ __forceinline__ void bias_add(const T* x, const T* bias, T* y, i64 n, int cols) {
    constexpr int N = Vec<T>::N;
    if (aligned16(x, bias, y) && cols % N == 0) {
        stride_with_column(n / N, cols / N, [=](i64 v, int c) {
            Vec<T> s = load_vec(x + v * N);
            const Vec<T> b = load_vec(bias + c * (i64)N);
#pragma unroll
            for (int i = 0; i < N; i++) s.at[i] = from_f32<T>(to_f32(s.at[i]) + to_f32(b.at[i]));
            store_vec(y + v * N, s);
        });
    } else {
        stride_with_column(n, cols, [=](i64 i, int c) { y[i] = from_f32<T>(to_f32(x[i]) + to_f32(bias[c])); });
    }
}

#define BIAS_ADD(T)                                                                                                    \
    extern "C" __global__ void bias_add_##T(const T* x, const T* bias, T* y, i64 n, int cols) {                        \
        bias_add(x, bias, y, n, cols);                                                                                 \
    }
FOR_EACH_FLOAT(BIAS_ADD)
