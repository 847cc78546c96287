// adadelta: g = dp + weight_decay * p;  v = rho v + (1 - rho) g^2
//           d = sqrt(u + eps) / sqrt(v + eps) * g;  u = rho u + (1 - rho) d^2;  p -= lr * d
//
// Parameters  p parameter and dp its gradient (n); v mean square of the gradient, u of the steps (n), f32 whatever p is;
//             take = 1 - rho
// Grid        any; each thread strides over packs of four elements
// Why         one launch per parameter: p, v and u are read once and written once, dp is read once, all in f32 between
// Limits      v and u are zeros before the first step

#include "optimizer.cuh"

struct Adadelta {
    f32 lr, rho, take, eps, weight_decay;
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[2]) const {
        g = fmaf(weight_decay, w, g);
        s[0] = fmaf(rho, s[0], take * g * g);
        const f32 d = sqrtf(s[1] + eps) / sqrtf(s[0] + eps) * g;
        s[1] = fmaf(rho, s[1], take * d * d);
        return fmaf(-lr, d, w);
    }
};

#define ADADELTA(T)                                                                                                    \
    extern "C" __global__ void adadelta_##T(T* p, const T* dp, f32* v, f32* u, i64 n, f32 lr, f32 rho, f32 take,       \
                                            f32 eps, f32 weight_decay) {                                               \
        step(p, dp, States<2>{{v, u}}, n, false, Adadelta{lr, rho, take, eps, weight_decay});                          \
    }
FOR_EACH_FLOAT(ADADELTA)
