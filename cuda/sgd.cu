// sgd: g = dp + weight_decay * p;  p -= lr * g
// sgd_momentum: g as above;  v = first ? g : momentum * v + (1 - dampening) * g;  p -= lr * (nesterov ? g + momentum * v : v)
//
// Parameters  p parameter and dp its gradient (n); v velocity (n), f32 whatever p is; keep = 1 - dampening
// Grid        any; each thread strides over packs of four elements
// Why         one launch per parameter: p and v are read once and written once, dp is read once, all in f32 between
// Limits      v is not read in the first step, so it may hold anything then; half parameters lose steps below their
//             last digit, so train those with a large enough lr or keep f32 masters

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
    extern "C" __global__ void sgd_##T(T* p, const T* dp, i64 n, f32 lr, f32 weight_decay) {                           \
        step(p, dp, States<0>{}, n, false, Sgd{lr, weight_decay});                                                     \
    }                                                                                                                  \
    extern "C" __global__ void sgd_momentum_##T(T* p, const T* dp, f32* v, i64 n, f32 lr, f32 momentum, f32 keep,      \
                                                f32 weight_decay, int nesterov, int first) {                           \
        const Momentum update = {lr, momentum, keep, weight_decay, nesterov, first};                                   \
        step(p, dp, States<1>{{v}}, n, first, update);                                                                 \
    }
FOR_EACH_FLOAT(SGD)
