// What a sum has come to: floats in f32, with what rounding leaves of each addition carried along (Neumaier's way, for 2^24
// ones and one more); integers in i64, which wraps.
#pragma once
#include "number.cuh"

// Two words that one access moves, so that neighbours in shared memory do not meet in a bank.
struct alignas(8) Sum {
    f32 sum, rest;
    __device__ static Sum none() { return {0.0f, 0.0f}; }
    __device__ static Sum of(f32 x, unsigned) { return {x, 0.0f}; }
    __device__ static Sum both(Sum a, Sum b) {
        const f32 sum = a.sum + b.sum, of_b = sum - a.sum;
        const f32 lost = (a.sum - (sum - of_b)) + (b.sum - of_b);
        return {sum, a.rest + b.rest + (fabsf(sum) < infinity() ? lost : 0.0f)};
    }
    __device__ static f32 value(Sum s, f32, f32 divisor) { return (s.sum + s.rest) / divisor; }
};
struct Whole {
    i64 sum;
    __device__ static Whole none() { return {0}; }
    __device__ static Whole of(i64 x, unsigned) { return {x}; }
    __device__ static Whole both(Whole a, Whole b) { return {a.sum + b.sum}; }
    __device__ static i64 value(Whole s, f32, f32) { return s.sum; }
};
