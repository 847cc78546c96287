// sgd: g = dp + weight_decay * p;  p -= lr * g
// sgd_momentum: g as above;  v = first ? g : momentum * v + (1 - dampening) * g;  p -= lr * (nesterov ? g + momentum * v : v)
//
// Parameters  p parameter and dp its gradient (n); v velocity (n), f32 whatever p is; keep = 1 - dampening
// Grid        any; each thread strides over packs of four elements
// Why         one launch per parameter: p and v are read once and written once, dp is read once, all in f32 between
// Limits      v is not read in the first step, so it may hold anything then; half parameters lose steps below their
//             last digit, so train those with a large enough lr or keep f32 masters

#include "pack.cuh"

constexpr int N = 4;

template <class T> __device__ __forceinline__ bool packed(const T* p, const T* dp, const f32* v) {
    return aligned_pack<N>(p) && aligned_pack<N>(dp) && aligned_pack<N>(v);
}

template <class T> __device__ __forceinline__ void sgd(T* p, const T* dp, i64 n, f32 lr, f32 weight_decay) {
    const auto update = [=](f32 w, f32 g) { return fmaf(-lr, fmaf(weight_decay, w, g), w); };
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 packs = packed(p, dp, (const f32*)nullptr) ? n / N : 0;
    for (i64 at = thread; at < packs; at += threads) {
        Pack<T, N> w = load_pack<N>(p + at * N);
        const Pack<T, N> g = load_pack<N>(dp + at * N);
#pragma unroll
        for (int i = 0; i < N; i++) w.at[i] = from_f32<T>(update(to_f32(w.at[i]), to_f32(g.at[i])));
        store_pack(p + at * N, w);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i])));
}

struct Momentum {
    f32 lr, momentum, keep, weight_decay;
    int nesterov, first;
    // the new parameter; v becomes the new velocity
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32& v) const {
        g = fmaf(weight_decay, w, g);
        v = first ? g : fmaf(momentum, v, keep * g);
        return fmaf(-lr, nesterov ? fmaf(momentum, v, g) : v, w);
    }
};

template <class T> __device__ __forceinline__ void sgd_momentum(T* p, const T* dp, f32* v, i64 n, Momentum update) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const i64 packs = packed(p, dp, v) ? n / N : 0;
    for (i64 at = thread; at < packs; at += threads) {
        Pack<T, N> w = load_pack<N>(p + at * N);
        const Pack<T, N> g = load_pack<N>(dp + at * N);
        Pack<f32, N> s = {};
        if (!update.first) s = load_pack<N>(v + at * N);
#pragma unroll
        for (int i = 0; i < N; i++) w.at[i] = from_f32<T>(update(to_f32(w.at[i]), to_f32(g.at[i]), s.at[i]));
        store_pack(p + at * N, w);
        store_pack(v + at * N, s);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) {
        f32 s = update.first ? 0.0f : v[i];
        p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i]), s));
        v[i] = s;
    }
}

#define SGD(T)                                                                                                         \
    extern "C" __global__ void sgd_##T(T* p, const T* dp, i64 n, f32 lr, f32 weight_decay) {                           \
        sgd(p, dp, n, lr, weight_decay);                                                                               \
    }                                                                                                                  \
    extern "C" __global__ void sgd_momentum_##T(T* p, const T* dp, f32* v, i64 n, f32 lr, f32 momentum, f32 keep,      \
                                                f32 weight_decay, int nesterov, int first) {                           \
        sgd_momentum(p, dp, v, n, {lr, momentum, keep, weight_decay, nesterov, first});                                \
    }
FOR_EACH_FLOAT(SGD)
