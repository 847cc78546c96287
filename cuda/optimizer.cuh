// The pass that every optimizer makes, over all parameters of a model at once: for each parameter and each of its
// elements, p[i], states[..][i] = update(p[i], dp[i], states[..][i]), in f32 between.
//
// The parameters come as a table by value. Each has some of the grid's blocks, one parameter after the other; a block
// finds its own by bisecting over where the blocks of each end, and strides with the other blocks of that parameter over
// packs of four elements, the rest one by one. Everything is read once and written once, and where a parameter has a copy in
// halves, for the forward that computes in them, that is written with it.
//
// `update(w, g, s)` returns the new parameter and leaves the new states in s. A fresh state is not read but 0.
//
// What only the device knows of a step comes by pointers, each null where the host has said it all. `live`: the scalars that
// follow from the step's number and the learning rate, for a launch that is captured once and replayed later, and for steps
// that the device counts. `scale`: what the loss was multiplied with, so that gradients are divided by it. `found_inf`: not 0
// where one of them is not finite, and nothing is written.
#pragma once
#include "pack.cuh"

// A power of two, and as src/ops/optimizer.rs has it. The widest table, for three states, is 3.5 KiB of the 4 KiB that every
// GPU takes as parameters.
enum { PARAMETERS = 64 };

// For each parameter the addresses of p and dp, in one word its length, the type of its copy and the first block that is no
// longer its own (38, 2 and 24 bits), the address of the copy or null, and the addresses of its states. Unused places have
// the end of the last one used.
enum { P, DP, SIZES, COPY, STATE };

// What lies at `live`, as src/ops/optimizer.rs has it: the rate that the update is scaled with, whether it is the first step
// (not 0 for true), what the root of the mean square is scaled with, and what is kept of the parameter.
enum { RATE, FIRST, ROOT, KEEP };
#define DEVICE_KNOWS const f32 *live, const f32 *scale, const f32 *found_inf

template <int STATES> struct Table {
    unsigned long long at[PARAMETERS][STATE + STATES];
};

__device__ __forceinline__ unsigned end_of(unsigned long long sizes) { return (unsigned)sizes & 0xffffff; }

// A copy in halves, of the type that the table says, as in the binding.
enum { BF16, F16 };
struct Copy {
    unsigned short* to;
    int type;
    __device__ __forceinline__ unsigned short half(f32 x) const {
        return type == BF16 ? __bfloat16_as_ushort(from_f32<bf16>(x)) : __half_as_ushort(from_f32<f16>(x));
    }
};

// A pointer to global memory, which a number alone does not tell the compiler.
template <class T> __device__ __forceinline__ T* global(unsigned long long address) {
    T* p = reinterpret_cast<T*>(address);
    __builtin_assume(__isGlobal(p));
    return p;
}

// The parameter that a block works for, its length, and the thread's place among all that do.
struct Share {
    int own;
    unsigned thread, threads;
    i64 n;
};
template <int STATES> __device__ __forceinline__ Share share_of(const Table<STATES>& table) {
    int own = 0;
#pragma unroll
    for (int half = PARAMETERS / 2; half > 0; half /= 2)
        if (end_of(table.at[own + half - 1][SIZES]) <= blockIdx.x) own += half;
    const unsigned long long sizes = table.at[own][SIZES];
    const unsigned first = own > 0 ? end_of(table.at[own - 1][SIZES]) : 0, end = end_of(sizes);
    return {own, (blockIdx.x - first) * blockDim.x + threadIdx.x, (end - first) * blockDim.x, (i64)(sizes >> 26)};
}

template <class T, int STATES, class Update>
__device__ __forceinline__ void step(const Table<STATES>& table, const f32* scale, const f32* found_inf, bool fresh,
                                     Update update) {
    constexpr int N = 4, ROOM = STATES > 0 ? STATES : 1;
    if (found_inf && *found_inf != 0.0f) return;
    const f32 inverse = scale ? 1.0f / *scale : 1.0f;
    const auto [own, thread, threads, n] = share_of(table);
    T* p = global<T>(table.at[own][P]);
    const T* dp = global<const T>(table.at[own][DP]);
    const Copy copy = {global<unsigned short>(table.at[own][COPY]), (int)(table.at[own][SIZES] >> 24 & 3)};
    const bool copied = table.at[own][COPY] != 0;
    bool packed = aligned_pack<N>(p) && aligned_pack<N>(dp) && aligned_pack<N>(copy.to);
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
            w.at[i] = from_f32<T>(update(to_f32(w.at[i]), to_f32(g.at[i]) * inverse, s));
#pragma unroll
            for (int k = 0; k < STATES; k++) wide[k].at[i] = s[k];
        }
        store_pack(p + at * N, w);
        if (copied) {
            Pack<unsigned short, N> halves;
#pragma unroll
            for (int i = 0; i < N; i++) halves.at[i] = copy.half(to_f32(w.at[i]));
            store_pack(copy.to + at * N, halves);
        }
#pragma unroll
        for (int k = 0; k < STATES; k++) store_pack(states[k] + at * N, wide[k]);
    }
    for (i64 i = packs * N + thread; i < n; i += threads) {
        f32 s[ROOM] = {};
        if (!fresh) {
#pragma unroll
            for (int k = 0; k < STATES; k++) s[k] = states[k][i];
        }
        const T w = p[i] = from_f32<T>(update(to_f32(p[i]), to_f32(dp[i]) * inverse, s));
        if (copied) copy.to[i] = copy.half(to_f32(w));
#pragma unroll
        for (int k = 0; k < STATES; k++) states[k][i] = s[k];
    }
}
