// The pass that every optimizer makes: p[i], states[..][i] = update(p[i], dp[i], states[..][i]), in f32 between.
//
// Each thread strides over packs of four elements, the rest one by one; everything is read once and written once.
// `update(w, g, s)` returns the new parameter and leaves the new states in s. A fresh state is not read but 0.
#pragma once
#include "pack.cuh"

template <int STATES> struct States {
    f32* at[STATES > 0 ? STATES : 1];
};

template <int STATES, class T, class Update>
__device__ __forceinline__ void step(T* p, const T* dp, States<STATES> states, i64 n, bool fresh, Update update) {
    constexpr int N = 4, ROOM = STATES > 0 ? STATES : 1;
    const i64 thread = blockIdx.x * (i64)blockDim.x + threadIdx.x;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    bool packed = aligned_pack<N>(p) && aligned_pack<N>(dp);
#pragma unroll
    for (int k = 0; k < STATES; k++) packed = packed && aligned_pack<N>(states.at[k]);
    const i64 packs = packed ? n / N : 0;
    for (i64 at = thread; at < packs; at += threads) {
        Pack<T, N> w = load_pack<N>(p + at * N);
        const Pack<T, N> g = load_pack<N>(dp + at * N);
        Pack<f32, N> wide[ROOM] = {};
        if (!fresh) {
#pragma unroll
            for (int k = 0; k < STATES; k++) wide[k] = load_pack<N>(states.at[k] + at * N);
        }
#pragma unroll
        for (int i = 0; i < N; i++) {
            f32 s[ROOM];
#pragma unroll
            for (int k = 0; k < STATES; k++) s[k] = wide[k].at[i];
            w.at[i] = from_f32<T>(update(to_f32(w.at[i]), to_f32(g.at[i]), s));
#pragma unroll
            for (int k = 0; k < STATES; k++) wide[k].at[i] = s[k];
        }
        store_pack(p + at * N, w);
#pragma unroll
        for (int k = 0; k < STATES; k++) store_pack(states.at[k] + at * N, wide[k]);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) {
        f32 s[ROOM] = {};
        if (!fresh) {
#pragma unroll
            for (int k = 0; k < STATES; k++) s[k] = states.at[k][i];
        }
        p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i]), s));
#pragma unroll
        for (int k = 0; k < STATES; k++) states.at[k][i] = s[k];
    }
}
