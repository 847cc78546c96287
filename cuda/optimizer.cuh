// The pass that every optimizer makes, over all parameters of a model at once: for each parameter and each of its
// elements, p[i], states[..][i] = update(p[i], dp[i], states[..][i]), in f32 between.
//
// The parameters come as a table by value. Each has some of the grid's blocks, one parameter after the other; a block
// finds its own by bisecting over where the blocks of each end, and strides with the other blocks of that parameter over
// packs of four elements, the rest one by one. Everything is read once and written once.
//
// `update(w, g, s)` returns the new parameter and leaves the new states in s. A fresh state is not read but 0.
#pragma once
#include "pack.cuh"

// A power of two, and as src/ops/optimizer.rs has it. The widest table, for three states, is 3.5 KiB of the 4 KiB that every
// GPU takes as parameters.
enum { PARAMETERS = 64 };

// For each parameter the addresses of p and dp, its length, the first block that is no longer its own, and the addresses
// of its states. Unused places have the end of the last one used.
enum { P, DP, LENGTH, END, STATE };
template <int STATES> struct Table {
    unsigned long long at[PARAMETERS][STATE + STATES];
};

// A pointer to global memory, which a number alone does not tell the compiler.
template <class T> __device__ __forceinline__ T* global(unsigned long long address) {
    T* p = reinterpret_cast<T*>(address);
    __builtin_assume(__isGlobal(p));
    return p;
}

template <class T, int STATES, class Update>
__device__ __forceinline__ void step(const Table<STATES>& table, bool fresh, Update update) {
    constexpr int N = 4, ROOM = STATES > 0 ? STATES : 1;
    int own = 0;
#pragma unroll
    for (int half = PARAMETERS / 2; half > 0; half /= 2)
        if (table.at[own + half - 1][END] <= blockIdx.x) own += half;
    const unsigned first = own > 0 ? (unsigned)table.at[own - 1][END] : 0, end = (unsigned)table.at[own][END];
    const unsigned thread = (blockIdx.x - first) * blockDim.x + threadIdx.x;
    const unsigned threads = (end - first) * blockDim.x;
    const i64 n = table.at[own][LENGTH];
    T* p = global<T>(table.at[own][P]);
    const T* dp = global<const T>(table.at[own][DP]);
    bool packed = aligned_pack<N>(p) && aligned_pack<N>(dp);
    f32* states[ROOM];
#pragma unroll
    for (int k = 0; k < STATES; k++) {
        states[k] = global<f32>(table.at[own][STATE + k]);
        packed = packed && aligned_pack<N>(states[k]);
    }
    const i64 packs = packed ? n / N : 0;
    for (i64 at = thread; at < packs; at += threads) {
        Pack<T, N> w = load_pack<N>(p + at * N);
        const Pack<T, N> g = load_pack<N>(dp + at * N);
        Pack<f32, N> wide[ROOM] = {};
        if (!fresh) {
#pragma unroll
            for (int k = 0; k < STATES; k++) wide[k] = load_pack<N>(states[k] + at * N);
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
        for (int k = 0; k < STATES; k++) store_pack(states[k] + at * N, wide[k]);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) {
        f32 s[ROOM] = {};
        if (!fresh) {
#pragma unroll
            for (int k = 0; k < STATES; k++) s[k] = states[k][i];
        }
        p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i]), s));
#pragma unroll
        for (int k = 0; k < STATES; k++) states[k][i] = s[k];
    }
}
