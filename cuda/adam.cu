// adam: g = dp + weight_decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//       p = keep * p - rate * m / (sqrt(v) * root + eps),  rate = lr / (1 - beta1^t),  root = 1 / sqrt(1 - beta2^t)
//
// Parameters  p parameter and dp its gradient (n); m, v moments (n), f32 whatever p is; take1 = 1 - beta1, take2
//             likewise; keep is 1, or 1 - lr * decay for AdamW, whose decay passes the moments by
// Grid        any; each thread strides over packs of four elements
// Why         one launch per parameter: p, m and v are read once and written once, dp is read once, all in f32 between
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
    extern "C" __global__ void adam_##T(T* p, const T* dp, f32* m, f32* v, i64 n, f32 rate, f32 beta1, f32 take1,      \
                                        f32 beta2, f32 take2, f32 root, f32 eps, f32 weight_decay, f32 keep) {         \
        const Adam update = {rate, beta1, take1, beta2, take2, root, eps, weight_decay, keep};                         \
        step(p, dp, States<2>{{m, v}}, n, false, update);                                                              \
    }
FOR_EACH_FLOAT(ADAM)
