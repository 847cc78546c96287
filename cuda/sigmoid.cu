// sigmoid: y[i] = 1 / (1 + exp(-x[i]))
// sigmoid_backward: dx[i] = dy[i] * y[i] * (1 - y[i])
//
// Parameters  x, y, dy, dx (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once. The division is the fast one (2 units in the
//             last place): in f16 the exact one would take as long as the memory does.
// Limits      x and y may be one buffer, dy and dx too

#include "activation.cuh"
#include "elementwise.cuh"
#include "floats.cuh"

#define SIGMOID(T)                                                                                                     \
    extern "C" __global__ void sigmoid_##T(const T* x, T* y, i64 n) {                                                  \
        map(x, y, n, [](f32 v) { return sigmoid_of(v); });                                                             \
    }                                                                                                                  \
    extern "C" __global__ void sigmoid_backward_##T(const T* dy, const T* y, T* dx, i64 n) {                           \
        zip(dy, y, dx, n, [](f32 g, f32 v) { return sigmoid_backward_of(g, v); });                                     \
    }
FOR_EACH_FLOAT(SIGMOID)
