// rmsprop: g = dp + weight_decay * p;  v = alpha v + (1 - alpha) g^2;  p -= lr * g / (sqrt(v) + eps)
// rmsprop_centered: g and v as above;  m = alpha m + (1 - alpha) g;  p -= lr * g / (sqrt(v - m^2) + eps)
// rmsprop_momentum, rmsprop_centered_momentum: b = momentum * b + the quotient above;  p -= lr * b
//
// Parameters  table: of each parameter p, its gradient dp, the mean square v, the mean m where it is centered, and the
//             velocity b where there is a momentum, f32 whatever p is; take = 1 - alpha; live, scale, found_inf: optimizer.cuh
//             has them
// Grid        blocks dealt out to the parameters; each thread strides over packs of four elements
// Why         one launch for a whole model: p and its states are read once and written once, dp is read once, f32 between
// Limits      the states are zeros before the first step. v - m^2 is a variance, which rounding can take below 0: then it
//             is 0. For gradients that do not change it cancels, so that eps decides.

#include "floats.cuh"
#include "optimizer.cuh"

template <bool CENTERED, bool MOMENTUM> struct RmsProp {
    static constexpr int STATES = 1 + CENTERED + MOMENTUM;
    f32 lr, alpha, take, eps, weight_decay, momentum;

    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32 (&s)[STATES]) const {
        g = fmaf(weight_decay, w, g);
        s[0] = fmaf(alpha, s[0], take * g * g);
        f32 square = s[0];
        if (CENTERED) {
            f32& mean = s[STATES > 1 ? 1 : 0];
            mean = fmaf(alpha, mean, take * g);
            square = fmaf(-mean, mean, square);
            if (square < 0.0f) square = 0.0f;
        }
        f32 scaled = g / (sqrtf(square) + eps);
        if (MOMENTUM) scaled = s[STATES - 1] = fmaf(momentum, s[STATES - 1], scaled);
        return fmaf(-lr, scaled, w);
    }
};

#define RMSPROP(T, name, CENTERED, MOMENTUM)                                                                           \
    extern "C" __global__ void name##_##T(const __grid_constant__ Table<1 + CENTERED + MOMENTUM> table, f32 lr,        \
                                          f32 alpha, f32 take, f32 eps, f32 weight_decay, f32 momentum,                \
                                          DEVICE_KNOWS) {                                                              \
        if (live) lr = live[RATE];                                                                                     \
        const RmsProp<CENTERED, MOMENTUM> update = {lr, alpha, take, eps, weight_decay, momentum};                     \
        step<T, 1 + CENTERED + MOMENTUM>(table, scale, found_inf, false, update);                                      \
    }
#define PLAIN(T) RMSPROP(T, rmsprop, 0, 0)
#define WITH_MOMENTUM(T) RMSPROP(T, rmsprop_momentum, 0, 1)
#define CENTERED(T) RMSPROP(T, rmsprop_centered, 1, 0)
#define CENTERED_MOMENTUM(T) RMSPROP(T, rmsprop_centered_momentum, 1, 1)
FOR_EACH_FLOAT(PLAIN)
FOR_EACH_FLOAT(WITH_MOMENTUM)
FOR_EACH_FLOAT(CENTERED)
FOR_EACH_FLOAT(CENTERED_MOMENTUM)
