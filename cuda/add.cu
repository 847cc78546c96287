// add: y[i] = a[i] + alpha * b[i], rounded once
//
// Parameters  a, b, y (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once, in the widest accesses there are
// Limits      y may be a or b

#include "elementwise.cuh"
#include "floats.cuh"

#define ADD(T)                                                                                                         \
    extern "C" __global__ void add_##T(const T* a, const T* b, T* y, i64 n, f32 alpha) {                               \
        zip(a, b, y, n, [alpha](f32 s, f32 t) { return fmaf(alpha, t, s); });                                          \
    }
FOR_EACH_FLOAT(ADD)
