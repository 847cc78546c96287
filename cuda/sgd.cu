// sgd: g = dp + weight_decay * p;  p -= lr * g
// sgd_momentum: g as above;  v = first ? g : momentum * v + (1 - dampening) * g;  p -= lr * (nesterov ? g + momentum * v : v)
//
// Parameters  table: of each parameter p, its gradient dp and its velocity v, f32 whatever p is; keep = 1 - dampening;
//             live, scale, found_inf: optimizer.cuh has them
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p and v are read once and written once, dp is read once, all in f32 between
// Limits      v is not read in the first step, so it may hold anything then; half parameters lose steps below their
//             last digit, so train those with a large enough lr or keep f32 masters

#include "floats.cuh"
#include "optimizer.cuh"

struct Sgd {
    f32 lr, weight_decay;
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32*) const {
        return fmaf(-lr, fmaf(weight_decay, w, g), w);
    }
};

struct Momentum {
    f32 lr, momentum, keep, weight_decay;
    int nesterov, first;
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[1]) const {
        g = fmaf(weight_decay, w, g);
        s[0] = first ? g : fmaf(momentum, s[0], keep * g);
        return fmaf(-lr, nesterov ? fmaf(momentum, s[0], g) : s[0], w);
    }
};

#define SGD(T)                                                                                                         \
    extern "C" __global__ void sgd_##T(const __grid_constant__ Table<0> table, f32 lr, f32 weight_decay,               \
                                       DEVICE_KNOWS) {                                                                 \
        if (live) lr = live[RATE];                                                                                     \
        step<T, 0>(table, scale, found_inf, false, Sgd{lr, weight_decay});                                             \
    }                                                                                                                  \
    extern "C" __global__ void sgd_momentum_##T(const __grid_constant__ Table<1> table, f32 lr, f32 momentum,          \
                                                f32 keep, f32 weight_decay, int nesterov, int first,                   \
                                                DEVICE_KNOWS) {                                                        \
        if (live) lr = live[RATE], first = live[FIRST] != 0.0f;                                                        \
        step<T, 1>(table, scale, found_inf, first, Momentum{lr, momentum, keep, weight_decay, nesterov, first});       \
    }
FOR_EACH_FLOAT(SGD)
