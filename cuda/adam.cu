// adam: g = dp + weight_decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//       p -= rate * m / (sqrt(v) * root + eps),  rate = lr / (1 - beta1^t),  root = 1 / sqrt(1 - beta2^t)
//
// Parameters  p parameter and dp its gradient (n); m, v moments (n), f32 whatever p is; take1 = 1 - beta1, take2 likewise
// Grid        any; each thread strides over packs of four elements
// Why         one launch per parameter: p, m and v are read once and written once, dp is read once, all in f32 between
// Limits      m and v are zeros before the first step. The binding computes rate, root, take1 and take2 in f64:
//             1 - beta2^t has few digits in f32.

#include "pack.cuh"

constexpr int N = 4;

struct Adam {
    f32 rate, beta1, take1, beta2, take2, root, eps, weight_decay;
    // the new parameter; m and v become the new moments
    __device__ __forceinline__ f32 operator()(f32 w, f32 g, f32& m, f32& v) const {
        g = fmaf(weight_decay, w, g);
        m = fmaf(beta1, m, take1 * g);
        v = fmaf(beta2, v, take2 * g * g);
        return w - rate * m / fmaf(sqrtf(v), root, eps);
    }
};

template <class T> __device__ __forceinline__ void adam(T* p, const T* dp, f32* m, f32* v, i64 n, Adam update) {
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const bool packed = aligned_pack<N>(p) && aligned_pack<N>(dp) && aligned_pack<N>(m) && aligned_pack<N>(v);
    const i64 packs = packed ? n / N : 0;
    for (i64 at = thread; at < packs; at += threads) {
        Pack<T, N> w = load_pack<N>(p + at * N);
        const Pack<T, N> g = load_pack<N>(dp + at * N);
        Pack<f32, N> first = load_pack<N>(m + at * N), second = load_pack<N>(v + at * N);
#pragma unroll
        for (int i = 0; i < N; i++)
            w.at[i] = from_f32<T>(update(to_f32(w.at[i]), to_f32(g.at[i]), first.at[i], second.at[i]));
        store_pack(p + at * N, w);
        store_pack(m + at * N, first);
        store_pack(v + at * N, second);
    }
    for (i64 i = packs * N + thread; i < n; i += threads)
        p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i]), m[i], v[i]));
}

#define ADAM(T)                                                                                                        \
    extern "C" __global__ void adam_##T(T* p, const T* dp, f32* m, f32* v, i64 n, f32 rate, f32 beta1, f32 take1,      \
                                        f32 beta2, f32 take2, f32 root, f32 eps, f32 weight_decay) {                   \
        adam(p, dp, m, v, n, {rate, beta1, take1, beta2, take2, root, eps, weight_decay});                             \
    }
FOR_EACH_FLOAT(ADAM)
