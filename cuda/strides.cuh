// Walks over elements whose places are sums of index times stride: what broadcasting, slicing and permuting read.
//
// The host merges dimensions that lie side by side and sends what is left by value, innermost first, each with the
// reciprocal of its size: index / size is a multiplication and a shift. Indices are below 2^31; the host cuts what is longer.
#pragma once
#include "number.cuh"

// As src/ops/strides.rs has them.
constexpr int DIMS = 8;

template <int N> struct Strides {
    i64 dims;
    struct {
        unsigned size, reciprocal;
        i64 shift;
        i64 strides[N];
    } dim[DIMS];

    // For element `index`, in row-major order, its place in each of the N buffers.
    __device__ __forceinline__ void places(unsigned index, i64 (&place)[N]) const {
#pragma unroll
        for (int k = 0; k < N; k++) place[k] = 0;
#pragma unroll 1
        for (int d = 0; d < dims; d++) {
            // exact for every index below 2^31: the reciprocal is 2^(32 + shift) / size - 2^32, rounded up
            const unsigned next = (__umulhi(index, dim[d].reciprocal) + index) >> dim[d].shift;
            const unsigned at = index - next * dim[d].size;
#pragma unroll
            for (int k = 0; k < N; k++) place[k] += at * dim[d].strides[k];
            index = next;
        }
    }
};
