// scale: y[i] = factor * x[i]
//
// Parameters  x, y (n)
// Grid        any; each thread strides over the elements, 16 bytes at a time
// Why         memory-bound: each byte is read once and written once, in the widest accesses there are
// Limits      x and y may be one buffer

#include "elementwise.cuh"

#define SCALE(T)                                                                                                       \
    extern "C" __global__ void scale_##T(const T* x, T* y, i64 n, f32 factor) {                                        \
        map(x, y, n, [factor](f32 v) { return factor * v; });                                                          \
    }
FOR_EACH_FLOAT(SCALE)
