// adagrad: g = dp + weight_decay * p;  h = h + g^2;  p -= rate * g / (sqrt(h) + eps),  rate = lr / (1 + (t - 1) lr_decay)
//
// Parameters  table: of each parameter p, its gradient dp and the sum of squares h, f32 whatever p is; live, scale,
//             found_inf: optimizer.cuh has them
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p and h are read once and written once, dp is read once, all in f32 between
// Limits      h holds the first accumulator value before the first step. The binding computes rate in f64.

#include "floats.cuh"
#include "optimizer.cuh"

struct Adagrad {
    f32 rate, eps, weight_decay;
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[1]) const {
        g = fmaf(weight_decay, w, g);
        s[0] = fmaf(g, g, s[0]);
        return w - rate * g / (sqrtf(s[0]) + eps);
    }
};

#define ADAGRAD(T)                                                                                                     \
    extern "C" __global__ void adagrad_##T(const __grid_constant__ Table<1> table, f32 rate, f32 eps,                  \
                                           f32 weight_decay, DEVICE_KNOWS) {                                           \
        if (live) rate = live[RATE];                                                                                   \
        step<T, 1>(table, scale, found_inf, false, Adagrad{rate, eps, weight_decay});                                  \
    }
FOR_EACH_FLOAT(ADAGRAD)
