// Activations by their code, as a layer takes the one behind it into its own kernels: applied where its sums leave, and
// backward where the bias's gradient is summed. relu.cu, sigmoid.cu and tanh.cu are made of the same functions, so that layers
// that run as one compute what they do one after the other.
#pragma once
#include "vec.cuh"

// As in the binding; 0 is none.
constexpr int RELU = 1, SIGMOID = 2, TANH = 3;

__device__ __forceinline__ f32 relu_of(f32 x) { return x < 0.0f ? 0.0f : x; } // keeps NaN

// 1 / (1 + exp(-x)). Of either sign it is exp of -|x| over 1 and itself: exp(-x) would leave the range of f32 where the
// result is only subnormal, and the fast division (2 units in the last place) gives 0 for divisors past 2^126.
__device__ __forceinline__ f32 sigmoid_of(f32 x) {
    const f32 e = expf(-fabsf(x));
    return __fdividef(x < 0.0f ? e : 1.0f, 1.0f + e);
}

// To within 4 units in the last place: 1 - 2 / (exp(2|x|) + 1) with the sign of x, where exp may become infinite, which gives the
// 1 that is wanted; and near 0, where that difference cancels, a polynomial.
__device__ __forceinline__ f32 tanh_of(f32 x) {
    const f32 s = x * x, far = 1.0f - 2.0f * __fdividef(1.0f, __expf(2.0f * fabsf(x)) + 1.0f);
    // odd, of degree 11, for |x| < 0.625 (Cephes' tanhf)
    f32 p = fmaf(s, -5.70498872745e-3f, 2.06390887954e-2f);
    p = fmaf(p, s, -5.37397155531e-2f);
    p = fmaf(p, s, 1.33314422036e-1f);
    p = fmaf(p, s, -3.33332819422e-1f);
    return copysignf(fabsf(x) < 0.625f ? fmaf(p * s, x, x) : far, x);
}

__device__ __forceinline__ f32 activate(f32 x, int activation) {
    if (activation == RELU) return relu_of(x);
    if (activation == SIGMOID) return sigmoid_of(x);
    if (activation == TANH) return tanh_of(x);
    return x;
}

// The gradient g of an activation's output y, as that of its input.
__device__ __forceinline__ f32 relu_backward_of(f32 g, f32 y) { return y <= 0.0f ? 0.0f : g; } // passes where y is NaN
__device__ __forceinline__ f32 sigmoid_backward_of(f32 g, f32 y) { return g * (y * (1.0f - y)); }
__device__ __forceinline__ f32 tanh_backward_of(f32 g, f32 y) { return g * fmaf(-y, y, 1.0f); }

__device__ __forceinline__ f32 activate_backward(f32 g, f32 y, int activation) {
    if (activation == RELU) return relu_backward_of(g, y);
    if (activation == SIGMOID) return sigmoid_backward_of(g, y);
    if (activation == TANH) return tanh_backward_of(g, y);
    return g;
}

// What a gradient is summed from: a tensor as it is.
template <class T> struct Plain {
    // rows on their way at a time
    static constexpr int UNROLL = 4;
    const T* x;
    __device__ __forceinline__ bool vec() const { return aligned16(x); }
    __device__ __forceinline__ T one(i64 at) const { return x[at]; }
    __device__ __forceinline__ Vec<T> wide(i64 at) const { return load_vec(x + at); }
};

// Or the gradient of an activation's output, which becomes that of its input, rounded as it is stored, on the way.
template <class T> struct Activated {
    static constexpr int UNROLL = 2; // of two tensors
    const T *dy, *y;
    T* dx;
    int activation;
    __device__ __forceinline__ bool vec() const { return aligned16(dy) && aligned16(y) && aligned16(dx); }
    __device__ __forceinline__ T back(T g, T v) const {
        return from_f32<T>(activate_backward(to_f32(g), to_f32(v), activation));
    }
    __device__ __forceinline__ T one(i64 at) const { return dx[at] = back(dy[at], y[at]); }
    __device__ __forceinline__ Vec<T> wide(i64 at) const {
        Vec<T> g = load_vec(dy + at);
        const Vec<T> v = load_vec(y + at);
#pragma unroll
        for (int i = 0; i < Vec<T>::N; i++) g.at[i] = back(g.at[i], v.at[i]);
        store_vec(dx + at, g);
        return g;
    }
};
