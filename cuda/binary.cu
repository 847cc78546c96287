// binary: y[i] = f(a[i], b[i]) for the table of formulas below, a and b broadcast to y's shape
//
// Parameters  a, b from their first elements on, null for one number; y (n); bits, that number's (an f32's, or an i64);
//             strides of a and b (strides.cuh), none where both lie as y does. Integers: which, a formula's place in the table
// Grid        any; each thread strides over the elements, 16 bytes at a time where nothing is broadcast
// Why         memory-bound: each byte is read once and written once. A float's formula is a kernel, since pow and fmod are long;
//             an integer's is a branch that all threads take alike, since there are three types of them to carry it.
// Limits      y may be a or b where that is not broadcast. Integers wrap; divided by 0 they are 0, with remainder 0.

#include "broadcast.cuh"
#include "floats.cuh"

__device__ __forceinline__ i64 quotient(i64 a, i64 b) {
    return b == 0 ? 0 : b == -1 ? (i64)(0 - (unsigned long long)a) : a / b;
}
__device__ __forceinline__ i64 rest(i64 a, i64 b) { return b == 0 || b == -1 ? 0 : a % b; }
__device__ __forceinline__ i64 floored_rest(i64 a, i64 b) {
    const i64 r = rest(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
// Long formulas are called: inlined, each of a kernel's loops would have one for every element of a vector.
__device__ __noinline__ f32 power(f32 a, f32 b) { return powf(a, b); }
__device__ __noinline__ f32 rest(f32 a, f32 b) { return fmodf(a, b); }
__device__ __noinline__ f32 angle(f32 a, f32 b) { return atan2f(a, b); }
__device__ __noinline__ f32 floored_rest(f32 a, f32 b) {
    const f32 r = fmodf(a, b);
    return r != 0.0f && (r < 0.0f) != (b < 0.0f) ? r + b : r;
}
__device__ __forceinline__ i64 power(i64 a, i64 b) {
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
    unsigned long long y = 1, square = a;
    for (; b > 0; b /= 2, square *= square)
        if (b % 2) y *= square;
    return y;
}
// as fmaxf and fminf, but that NaN stays
__device__ __forceinline__ f32 larger(f32 a, f32 b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ f32 smaller(f32 a, f32 b) { return a < b || a != a ? a : b; }
__device__ __forceinline__ i64 larger(i64 a, i64 b) { return a > b ? a : b; }
__device__ __forceinline__ i64 smaller(i64 a, i64 b) { return a < b ? a : b; }

// A line each: name, formula of floats, formula of integers. Lines and order are those of src/ops/binary/table.rs.
#define TABLE(OP)                                                                                                      \
    OP(add, a + b, a + b)                                                                                              \
    OP(sub, a - b, a - b)                                                                                              \
    OP(mul, a * b, a * b)                                                                                              \
    OP(div, a / b, quotient(a, b))                                                                                     \
    OP(pow, power(a, b), power(a, b))                                                                                  \
    OP(fmod, rest(a, b), rest(a, b))                                                                                   \
    OP(remainder, floored_rest(a, b), floored_rest(a, b))                                                              \
    OP(maximum, larger(a, b), larger(a, b))                                                                            \
    OP(minimum, smaller(a, b), smaller(a, b))                                                                          \
    OP(atan2, angle(a, b), 0) 

#define FLOAT(NAME, OF_FLOATS, OF_INTEGERS)                                                                            \
    template <class T>                                                                                                 \
    __device__ __forceinline__ void NAME##_of(                                                                         \
        const T* a, const T* b, T* y, i64 n, i64 bits, const Strides<2>& strides) {                                    \
        broadcast(a, b, y, n, bits, strides, [](f32 a, f32 b) { return OF_FLOATS; });                                  \
    }
TABLE(FLOAT)

#define CODE(NAME, OF_FLOATS, OF_INTEGERS) NAME##_code,
enum { TABLE(CODE) };
#define CASE(NAME, OF_FLOATS, OF_INTEGERS)                                                                             \
    case NAME##_code: return OF_INTEGERS;
__device__ __noinline__ i64 of_integers(int which, i64 a, i64 b) {
    switch (which) { TABLE(CASE) }
    return 0;
}

#define ENTRY(NAME, T)                                                                                                 \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        binary_##NAME##_##T(const T* a, const T* b, T* y, i64 n, i64 bits, const Strides<2> strides) {                 \
        NAME##_of(a, b, y, n, bits, strides);                                                                          \
    }
#define ENTRIES_f32(NAME, OF_FLOATS, OF_INTEGERS) ENTRY(NAME, f32)
#define ENTRIES_f16(NAME, OF_FLOATS, OF_INTEGERS) ENTRY(NAME, f16)
#define ENTRIES_bf16(NAME, OF_FLOATS, OF_INTEGERS) ENTRY(NAME, bf16)
#define OF_TYPE(T) TABLE(ENTRIES_##T)
FOR_EACH_FLOAT(OF_TYPE)

#if __CUDA_ARCH__ < 800
#define INTEGERS(T)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        binary_##T(const T* a, const T* b, T* y, i64 n, i64 bits, const Strides<2> strides, int which) {               \
        broadcast(a, b, y, n, bits, strides, [which](i64 a, i64 b) { return of_integers(which, a, b); });              \
    }
INTEGERS(i64) INTEGERS(i32) INTEGERS(u8)
#endif
