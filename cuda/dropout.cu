// dropout: y[i] = x[i] * (random(i) < p * 2^32 ? 0 : 1 / (1 - p)), its own backward with dy for x
//
// Parameters  x, y (n); threshold: p * 2^32, up to 2^32 itself; scale: 1 / (1 - p), or 0 where p is 1; seed and call:
//             key and high half of the counter of the generator; live: null, or where call lies in memory as two words,
//             the low one first, for a launch that is captured once and replayed with later masks
// Grid        any; each thread strides over vectors of 16 bytes
// Why         memory-bound: each byte is read once and written once, and no mask is stored. Random numbers come from
//             Philox 4x32-10 (Salmon et al., SC 2011): a function of key and counter alone, so that element i of call c
//             has the same number on every device and whatever the grid, and backward makes it again. One counter gives
//             the numbers of 4 neighbours.
// Limits      x and y may be one buffer

#include "floats.cuh"
#include "vec.cuh"

struct Four {
    unsigned at[4];
};

__device__ __forceinline__ Four philox(unsigned long long counter, unsigned long long call, unsigned long long seed) {
    unsigned a = (unsigned)counter, b = (unsigned)(counter >> 32), c = (unsigned)call, d = (unsigned)(call >> 32);
    unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const unsigned high_a = __umulhi(0xD2511F53u, a), low_a = 0xD2511F53u * a;
        const unsigned high_c = __umulhi(0xCD9E8D57u, c), low_c = 0xCD9E8D57u * c;
        a = high_c ^ b ^ k0, b = low_c, c = high_a ^ d ^ k1, d = low_a;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return {{a, b, c, d}};
}

template <class T>
__device__ __forceinline__ void dropout(const T* x, T* y, i64 n, unsigned long long threshold, f32 scale,
                                        unsigned long long seed, unsigned long long call) {
    constexpr int N = Vec<T>::N;
    const i64 threads = gridDim.x * (i64)blockDim.x;
    const bool vectors = aligned16(x, y);
    for (i64 at = (blockIdx.x * (i64)blockDim.x + threadIdx.x) * N; at < n; at += threads * N) {
        const bool whole = vectors && at + N <= n;
        Vec<T> v;
        if (whole) {
            v = load_vec(x + at);
        } else {
#pragma unroll
            for (int i = 0; i < N; i++) v.at[i] = at + i < n ? x[at + i] : from_f32<T>(0.0f);
        }
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const Four random = philox((at + i) / 4, call, seed);
#pragma unroll
            for (int j = 0; j < 4; j++)
                v.at[i + j] = from_f32<T>(to_f32(v.at[i + j]) * (random.at[j] < threshold ? 0.0f : scale));
        }
        if (whole) {
            store_vec(y + at, v);
        } else {
#pragma unroll
            for (int i = 0; i < N; i++)
                if (at + i < n) y[at + i] = v.at[i];
        }
    }
}

#define DROPOUT(T)                                                                                                     \
    extern "C" __global__ void dropout_##T(const T* x, T* y, i64 n, unsigned long long threshold, f32 scale,           \
                                           unsigned long long seed, unsigned long long call, const unsigned* live) {   \
        if (live) call = live[0] | (unsigned long long)live[1] << 32;                                                  \
        dropout(x, y, n, threshold, scale, seed, call);                                                                \
    }
FOR_EACH_FLOAT(DROPOUT)
