// adam: g = dp + weight_decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//       p = keep * p - rate * m / (sqrt(v) * root + eps),  rate = lr / (1 - beta1^t),  root = 1 / sqrt(1 - beta2^t)
//
// Parameters  table: of each parameter p, its gradient dp and its moments m and v, f32 whatever p is; take1 = 1 - beta1,
//             take2 likewise; keep is 1, or 1 - lr * decay for AdamW, whose decay passes the moments by; live: null, or
//             where rate and root lie in memory, for a launch that is captured once and replayed at later steps
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p, m and v are read once and written once, dp is read once, f32 between
// Limits      m and v are zeros before the first step. The binding computes rate, root, take1 and take2 in f64:
//             1 - beta2^t has few digits in f32.

#include "optimizer.cuh"

struct Adam {
    f32 rate, beta1, take1, beta2, take2, root, eps, weight_decay, keep;
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[2]) const {
        g = fmaf(weight_decay, w, g);
        s[0] = fmaf(beta1, s[0], take1 * g);
        s[1] = fmaf(beta2, s[1], take2 * g * g);
        return keep * w - rate * s[0] / fmaf(sqrtf(s[1]), root, eps);
    }
};

#define ADAM(T)                                                                                                        \
    extern "C" __global__ void adam_##T(const __grid_constant__ Table<2> table, f32 rate, f32 beta1, f32 take1,        \
                                        f32 beta2, f32 take2, f32 root, f32 eps, f32 weight_decay, f32 keep,           \
                                        const f32* live) {                                                             \
        if (live) rate = live[0], root = live[1];                                                                      \
        const Adam update = {rate, beta1, take1, beta2, take2, root, eps, weight_decay, keep};                         \
        step<T, 2>(table, false, update);                                                                              \
    }
FOR_EACH_FLOAT(ADAM)
