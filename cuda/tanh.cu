// tanh: y[i] = (exp(x[i]) - exp(-x[i])) / (exp(x[i]) + exp(-x[i]))
// tanh_backward: dx[i] = dy[i] * (1 - y[i]^2)
//
// Parameters  x, y, dy, dx (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once. tanh is 1 - 2 / (exp(2|x|) + 1) with the sign of x,
//             where the fast exp and division do; near 0, where that difference cancels, it is a polynomial. Both are
//             computed and one is taken, since the lanes of a warp would part at a branch.
// Limits      x and y may be one buffer, dy and dx too

#include "elementwise.cuh"

// To within 4 units in the last place; exp(2|x|) may become infinite, which gives the 1 that is wanted.
__device__ __forceinline__ f32 tanh_of(f32 x) {
    const f32 s = x * x, far = 1.0f - 2.0f * __fdividef(1.0f, __expf(2.0f * fabsf(x)) + 1.0f);
    // odd, of degree 11, for |x| < 0.625 (Cephes' tanhf)
    f32 p = fmaf(s, -5.70498872745e-3f, 2.06390887954e-2f);
    p = fmaf(p, s, -5.37397155531e-2f);
    p = fmaf(p, s, 1.33314422036e-1f);
    p = fmaf(p, s, -3.33332819422e-1f);
    return copysignf(fabsf(x) < 0.625f ? fmaf(p * s, x, x) : far, x);
}

#define TANH(T)                                                                                                        \
    extern "C" __global__ void tanh_##T(const T* x, T* y, i64 n) {                                                     \
        map(x, y, n, [](f32 v) { return tanh_of(v); });                                                                \
    }                                                                                                                  \
    extern "C" __global__ void tanh_backward_##T(const T* dy, const T* y, T* dx, i64 n) {                              \
        zip(dy, y, dx, n, [](f32 g, f32 v) { return g * fmaf(-v, v, 1.0f); });                                         \
    }
FOR_EACH_FLOAT(TANH)
