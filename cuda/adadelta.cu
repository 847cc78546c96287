// adadelta: g = dp + weight_decay * p;  v = rho v + (1 - rho) g^2
//           d = sqrt(u + eps) / sqrt(v + eps) * g;  u = rho u + (1 - rho) d^2;  p -= lr * d
//
// Parameters  table: of each parameter p, its gradient dp, the mean square v of the gradient and u of the steps, f32
//             whatever p is; take = 1 - rho; live, scale, found_inf: optimizer.cuh has them
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p, v and u are read once and written once, dp is read once, f32 between
// Limits      v and u are zeros before the first step

#include "floats.cuh"
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
    extern "C" __global__ void adadelta_##T(const __grid_constant__ Table<2> table, f32 lr, f32 rho, f32 take,         \
                                            f32 eps, f32 weight_decay, DEVICE_KNOWS) {                                 \
        if (live) lr = live[RATE];                                                                                     \
        step<T, 2>(table, scale, found_inf, false, Adadelta{lr, rho, take, eps, weight_decay});                        \
    }
FOR_EACH_FLOAT(ADADELTA)
