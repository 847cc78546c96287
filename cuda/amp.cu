// amp_unscale: found_inf = 1 where an element of g / scale is not finite, of any gradient g; and g /= scale where that is wanted
// amp_advance: where found_inf is 0 or null, steps += 1; then what a step of that number is scaled with:
//              live[RATE] = lr / ((1 - beta1^t) (1 + (t - 1) lr_decay)),  live[FIRST] = t == 1,
//              live[ROOT] = 1 / sqrt(1 - beta2^t),  live[KEEP] = 1 - lr * decay
// amp_update: where found_inf, scale *= backoff, tracker = 0, skipped += 1; else tracker += 1, and at `interval` it is 0 again
//             and scale *= growth, where that is finite; found_inf = 0
//
// Parameters  table: of each gradient as `p` where it is to be written, null where only to be looked at, and as `dp`; scale,
//             found_inf, steps: one number each; lr_there: null, or where lr lies in two words, the low one first, for a
//             launch that is captured once and replayed at other rates; counts: tracker and skipped
// Grid        unscale: blocks dealt out to the gradients, each thread strides over packs of four; the others: one thread
// Why         the host need not know whether a step is made, so it waits for nothing, and the step can be captured: unscale
//             reads each gradient once, and the optimizers' kernels divide by the scale while they read it again
// Limits      f64 for what follows from t: 1 - beta2^t has few digits in f32. The power is squared and multiplied as
//             src/ops/optimizer.rs does, so that both make the same number.

#include "optimizer.cuh"

__device__ __forceinline__ bool finite(f32 x) { return (__float_as_uint(x) & 0x7f800000) != 0x7f800000; }

extern "C" __global__ void amp_unscale_f32(const __grid_constant__ Table<0> table, const f32* scale, f32* found_inf) {
    constexpr int N = 4;
    const auto [own, thread, threads, n] = share_of(table);
    const f32 inverse = 1.0f / *scale;
    f32* to = global<f32>(table.at[own][P]);
    const f32* g = global<const f32>(table.at[own][DP]);
    const bool written = table.at[own][P] != 0;
    bool all = true;
    const i64 packs = aligned_pack<N>(g) ? n / N : 0;
#pragma unroll 1
    for (i64 at = thread; at < packs; at += 2 * (i64)threads) {
        // both are asked for before either is written
        const i64 next = at + threads;
        Pack<f32, N> x = load_pack<N>(g + at * N), y = {};
        if (next < packs) y = load_pack<N>(g + next * N);
#pragma unroll
        for (int i = 0; i < N; i++) {
            x.at[i] *= inverse, y.at[i] *= inverse;
            all &= finite(x.at[i]) & finite(y.at[i]);
        }
        if (!written) continue;
        store_pack(to + at * N, x);
        if (next < packs) store_pack(to + next * N, y);
    }
#pragma unroll 1
    for (i64 i = packs * N + thread; i < n; i += threads) {
        const f32 x = g[i] * inverse;
        all &= finite(x);
        if (written) to[i] = x;
    }
    if (!all) atomicExch(found_inf, 1.0f);
}

__device__ __forceinline__ double power(double x, i64 n) {
    double y = 1.0;
    for (; n > 0; n >>= 1) {
        if (n & 1) y = __dmul_rn(y, x);
        x = __dmul_rn(x, x);
    }
    return y;
}

extern "C" __global__ void amp_advance(double lr, double lr_decay, double beta1, double beta2, double decay,
                                       const int* lr_there, const f32* found_inf, i64* steps, f32* live) {
    if (lr_there) lr = __hiloint2double(lr_there[1], lr_there[0]);
    i64 t = *steps;
    if (!found_inf || *found_inf == 0.0f) *steps = ++t;
    // a step that is skipped before the first reads nothing of this
    if (t < 1) t = 1;
    const double slower = __dadd_rn(1.0, __dmul_rn((double)(t - 1), lr_decay));
    live[RATE] = (f32)__ddiv_rn(lr, __dmul_rn(__dsub_rn(1.0, power(beta1, t)), slower));
    live[FIRST] = t == 1 ? 1.0f : 0.0f;
    live[ROOT] = (f32)__ddiv_rn(1.0, __dsqrt_rn(__dsub_rn(1.0, power(beta2, t))));
    live[KEEP] = (f32)__dsub_rn(1.0, __dmul_rn(lr, decay));
}

extern "C" __global__ void amp_update(f32* scale, f32* found_inf, i64* counts, f32 growth, f32 backoff, i64 interval) {
    if (*found_inf != 0.0f) {
        *scale *= backoff;
        counts[0] = 0;
        counts[1] += 1;
        *found_inf = 0.0f;
        return;
    }
    const i64 tracker = counts[0] + 1;
    const f32 grown = *scale * growth;
    if (tracker >= interval && finite(grown)) *scale = grown;
    counts[0] = tracker >= interval ? 0 : tracker;
}
