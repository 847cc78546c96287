// adam: g = dp + weight_decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//       p = keep * p - rate * m / (sqrt(v) * root + eps),  rate = lr / (1 - beta1^t),  root = 1 / sqrt(1 - beta2^t)
// adam_amsgrad: the same with u = max(u, v) in v's place in the last line; a NaN is the maximum of whatever it meets
//
// Parameters  table: of each parameter p, its gradient dp, its moments m and v, and u, f32 whatever p is;
//             take1 = 1 - beta1, take2 likewise; keep is 1, or 1 - lr * decay for AdamW, whose decay passes the moments
//             by; live, scale, found_inf: optimizer.cuh has them
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p and its states are read once and written once, dp is read once, f32 between
// Limits      m, v and u are zeros before the first step. The binding computes rate, root, take1 and take2 in f64:
//             1 - beta2^t has few digits in f32.

#include "floats.cuh"
#include "optimizer.cuh"

struct Adam {
    f32 rate, beta1, take1, beta2, take2, root, eps, weight_decay, keep;
    __device__ __forceinline__ void moments(f32 w, f32 g, f32& m, f32& v) const {
        g = fmaf(weight_decay, w, g);
        m = fmaf(beta1, m, take1 * g);
        v = fmaf(beta2, v, take2 * g * g);
    }
    __device__ __forceinline__ f32 next(f32 w, f32 m, f32 v) const {
        return keep * w - rate * m / fmaf(sqrtf(v), root, eps);
    }
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[2]) const {
        moments(w, g, s[0], s[1]);
        return next(w, s[0], s[1]);
    }
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[3]) const {
        moments(w, g, s[0], s[1]);
        if (s[1] > s[2] || s[1] != s[1]) s[2] = s[1];
        return next(w, s[0], s[2]);
    }
};

#define ADAM(T, name, STATES)                                                                                          \
    extern "C" __global__ void name##_##T(const __grid_constant__ Table<STATES> table, f32 rate, f32 beta1, f32 take1, \
                                          f32 beta2, f32 take2, f32 root, f32 eps, f32 weight_decay, f32 keep,         \
                                          DEVICE_KNOWS) {                                                              \
        if (live) rate = live[RATE], root = live[ROOT], keep = live[KEEP];                                             \
        const Adam update = {rate, beta1, take1, beta2, take2, root, eps, weight_decay, keep};                         \
        step<T, STATES>(table, scale, found_inf, false, update);                                                       \
    }
#define PLAIN(T) ADAM(T, adam, 2)
#define AMSGRAD(T) ADAM(T, adam_amsgrad, 3)
FOR_EACH_FLOAT(PLAIN)
FOR_EACH_FLOAT(AMSGRAD)
