// tanh: y[i] = (exp(x[i]) - exp(-x[i])) / (exp(x[i]) + exp(-x[i]))
// tanh_backward: dx[i] = dy[i] * (1 - y[i]^2)
//
// Parameters  x, y, dy, dx (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once. tanh is 1 - 2 / (exp(2|x|) + 1) with the sign of x,
//             where the fast exp and division do; near 0, where that difference cancels, it is a polynomial. Both are
//             computed and one is taken, since the lanes of a warp would part at a branch.
// Limits      x and y may be one buffer, dy and dx too

#include "activation.cuh"
#include "elementwise.cuh"
#include "floats.cuh"

#define TANH(T)                                                                                                        \
    extern "C" __global__ void tanh_##T(const T* x, T* y, i64 n) {                                                     \
        map(x, y, n, [](f32 v) { return tanh_of(v); });                                                                \
    }                                                                                                                  \
    extern "C" __global__ void tanh_backward_##T(const T* dy, const T* y, T* dx, i64 n) {                              \
        zip(dy, y, dx, n, [](f32 g, f32 v) { return tanh_backward_of(g, v); });                                        \
    }
FOR_EACH_FLOAT(TANH)
