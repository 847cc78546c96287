// rmsprop: g = dp + weight_decay * p;  v = alpha v + (1 - alpha) g^2;  p -= lr * g / (sqrt(v) + eps)
// rmsprop_momentum: g and v as above;  b = momentum * b + g / (sqrt(v) + eps);  p -= lr * b
//
// Parameters  table: of each parameter p, its gradient dp, the mean square v and the velocity b, f32 whatever p is;
//             take = 1 - alpha
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p, v and b are read once and written once, dp is read once, f32 between
// Limits      v and b are zeros before the first step

#include "optimizer.cuh"

struct RmsProp {
    f32 lr, alpha, take, eps, weight_decay, momentum;
    // the step over lr; v becomes the new mean square
    __device__ __forceinline__ f32 scaled(f32 w, f32 g, f32& v) const {
        g = fmaf(weight_decay, w, g);
        v = fmaf(alpha, v, take * g * g);
        return g / (sqrtf(v) + eps);
    }
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[1]) const {
        return fmaf(-lr, scaled(w, g, s[0]), w);
    }
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[2]) const {
        s[1] = fmaf(momentum, s[1], scaled(w, g, s[0]));
        return fmaf(-lr, s[1], w);
    }
};

#define RMSPROP(T)                                                                                                     \
    extern "C" __global__ void rmsprop_##T(const __grid_constant__ Table<1> table, f32 lr, f32 alpha, f32 take,        \
                                           f32 eps, f32 weight_decay) {                                                \
        step<T, 1>(table, false, RmsProp{lr, alpha, take, eps, weight_decay, 0.0f});                                   \
    }                                                                                                                  \
    extern "C" __global__ void rmsprop_momentum_##T(const __grid_constant__ Table<2> table, f32 lr, f32 alpha,         \
                                                    f32 take, f32 eps, f32 weight_decay, f32 momentum) {               \
        step<T, 2>(table, false, RmsProp{lr, alpha, take, eps, weight_decay, momentum});                               \
    }
FOR_EACH_FLOAT(RMSPROP)
