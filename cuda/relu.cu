// relu: y[i] = x[i] < 0 ? 0 : x[i]
// relu_backward: dx[i] = y[i] <= 0 ? 0 : dy[i]
//
// Parameters  x, y, dy, dx (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once, in the widest accesses there are. The
//             comparisons keep NaN and pass its gradient, as fmaxf(x, 0) and y > 0 would not. Backward takes y: the sign of x is all it needs.
// Limits      x and y may be one buffer, dy and dx too

#include "activation.cuh"
#include "elementwise.cuh"
#include "floats.cuh"

#define RELU(T)                                                                                                        \
    extern "C" __global__ void relu_##T(const T* x, T* y, i64 n) {                                                     \
        map(x, y, n, [](f32 v) { return relu_of(v); });                                                                \
    }                                                                                                                  \
    extern "C" __global__ void relu_backward_##T(const T* dy, const T* y, T* dx, i64 n) {                              \
        zip(dy, y, dx, n, [](f32 g, f32 v) { return relu_backward_of(g, v); });                                        \
    }
FOR_EACH_FLOAT(RELU)
