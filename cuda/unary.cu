// unary:           y[i] = f(x[i]) for the table of formulas below
// unary_backward:  dx[i] = dy[i] * f'(x[i])
//
// Parameters  x, y, dy, dx (n); p and q, numbers that some formulas have
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once, in the widest accesses there are. A formula is an entry point,
//             so that a driver compiles only the one that is launched.
// Limits      x and y may be one buffer, dy and dx too

#include "activation.cuh"
#include "elementwise.cuh"
#include "floats.cuh"

// Long functions are called: inlined, each of a kernel's loops would have one for every element of a vector.
#define CALLED(NAME)                                                                                                   \
    __device__ __noinline__ f32 NAME##_called(f32 x) { return NAME##f(x); }
CALLED(expm1) CALLED(log1p) CALLED(sin) CALLED(cos) CALLED(tan) CALLED(asin) CALLED(acos) CALLED(atan) CALLED(sinh)
CALLED(cosh) CALLED(erf)

constexpr f32 SQRT_HALF = 0.707106781f, TWO_OVER_SQRT_PI = 1.128379167f, ONE_OVER_SQRT_TWO_PI = 0.398942280f;

__device__ __forceinline__ f32 sign_of(f32 x) { return (x > 0.0f ? 1.0f : 0.0f) - (x < 0.0f ? 1.0f : 0.0f); }
__device__ __forceinline__ f32 normal_cdf(f32 x) { return 0.5f * (1.0f + erf_called(x * SQRT_HALF)); }
__device__ __forceinline__ f32 softplus_of(f32 x) { return fmaxf(x, 0.0f) + log1p_called(expf(-fabsf(x))); }
// as fminf(fmaxf(x, p), q), but that NaN stays
__device__ __forceinline__ f32 clamp_of(f32 x, f32 p, f32 q) {
    const f32 above = x < p ? p : x;
    return above > q ? q : above;
}

// A line each: name, formula, derivative. Lines are those of src/ops/unary/table.rs.
#define TABLE(OP)                                                                                                      \
    OP(neg, -x, -1.0f)                                                                                                 \
    OP(abs, fabsf(x), sign_of(x))                                                                                      \
    OP(sign, sign_of(x), 0.0f)                                                                                         \
    OP(sqrt, sqrtf(x), 0.5f / sqrtf(x))                                                                                \
    OP(rsqrt, 1.0f / sqrtf(x), -0.5f / (x * sqrtf(x)))                                                                 \
    OP(square, x * x, 2.0f * x)                                                                                        \
    OP(reciprocal, 1.0f / x, -1.0f / (x * x))                                                                          \
    OP(exp, expf(x), expf(x))                                                                                          \
    OP(expm1, expm1_called(x), expf(x))                                                                                \
    OP(log, logf(x), 1.0f / x)                                                                                         \
    OP(log1p, log1p_called(x), 1.0f / (1.0f + x))                                                                      \
    OP(sin, sin_called(x), cos_called(x))                                                                              \
    OP(cos, cos_called(x), -sin_called(x))                                                                             \
    OP(tan, tan_called(x), 1.0f + tan_called(x) * tan_called(x))                                                       \
    OP(asin, asin_called(x), 1.0f / sqrtf((1.0f - x) * (1.0f + x)))                                                    \
    OP(acos, acos_called(x), -1.0f / sqrtf((1.0f - x) * (1.0f + x)))                                                   \
    OP(atan, atan_called(x), 1.0f / (1.0f + x * x))                                                                    \
    OP(sinh, sinh_called(x), cosh_called(x))                                                                           \
    OP(cosh, cosh_called(x), sinh_called(x))                                                                           \
    OP(erf, erf_called(x), TWO_OVER_SQRT_PI * expf(-x * x))                                                            \
    OP(floor, floorf(x), 0.0f)                                                                                         \
    OP(ceil, ceilf(x), 0.0f)                                                                                           \
    OP(round, rintf(x), 0.0f)                                                                                          \
    OP(trunc, truncf(x), 0.0f)                                                                                         \
    OP(frac, x - truncf(x), 1.0f)                                                                                      \
    OP(gelu, x * normal_cdf(x), normal_cdf(x) + x * (ONE_OVER_SQRT_TWO_PI * expf(-0.5f * x * x)))                      \
    OP(silu, x * sigmoid_of(x), sigmoid_of(x) * (1.0f + x * sigmoid_of(-x)))                                           \
    OP(softplus, softplus_of(x), sigmoid_of(x))                                                                        \
    OP(leaky_relu, x < 0.0f ? p * x : x, x > 0.0f ? 1.0f : p)                                                          \
    OP(elu, x < 0.0f ? p * expm1_called(x) : x, x > 0.0f ? 1.0f : p * expf(x))                                         \
    OP(clamp, clamp_of(x, p, q), x < p || x > q ? 0.0f : 1.0f)

#define FORMULA(NAME, F, DERIVATIVE)                                                                                   \
    template <class T> __device__ __forceinline__ void NAME##_of(const T* x, T* y, i64 n, f32 p, f32 q) {              \
        map(x, y, n, [=](f32 x) { return F; });                                                                        \
    }                                                                                                                  \
    template <class T>                                                                                                 \
    __device__ __forceinline__ void NAME##_backward_of(const T* dy, const T* x, T* dx, i64 n, f32 p, f32 q) {          \
        zip(dy, x, dx, n, [=](f32 g, f32 x) { return g * (DERIVATIVE); });                                             \
    }
TABLE(FORMULA)

#define ENTRY(NAME, T)                                                                                                 \
    extern "C" __global__ void unary_##NAME##_##T(const T* x, T* y, i64 n, f32 p, f32 q) {                             \
        NAME##_of(x, y, n, p, q);                                                                                      \
    }                                                                                                                  \
    extern "C" __global__ void unary_##NAME##_backward_##T(const T* dy, const T* x, T* dx, i64 n, f32 p, f32 q) {      \
        NAME##_backward_of(dy, x, dx, n, p, q);                                                                        \
    }
#define ENTRIES_f32(NAME, F, DERIVATIVE) ENTRY(NAME, f32)
#define ENTRIES_f16(NAME, F, DERIVATIVE) ENTRY(NAME, f16)
#define ENTRIES_bf16(NAME, F, DERIVATIVE) ENTRY(NAME, bf16)
#define OF_TYPE(T) TABLE(ENTRIES_##T)
FOR_EACH_FLOAT(OF_TYPE)
