// topk: the k largest or smallest of each row of x, with their places
//
// Parameters  x (rows, n) row-major, as words: float, signed or unsigned. kind: the bits of infinity for floats, 0 for unsigned, -1
//             for signed integers; flip, all ones where the smallest are wanted, else 0; n, k, which is not 0; keys and places
//             (rows, k), what topk_select found, in the order of places; index (rows, k) of i64; sorted, 0 or 1
// Grid        topk_select: a block of 256 threads a row. topk_order: rows * ceil(k / 256) blocks of 256 threads
// Why         A word becomes an unsigned key that is larger for what comes first, NaN being the largest number. The k-th key is
//             found eight bits at a time: each pass counts the keys that begin as it does by their next eight bits. A last pass
//             writes what is before it, and of equal ones the first. Rows are read as often as words have bytes, and once more:
//             but for the first time from a cache, where they fit. In order each takes the place that it has by counting who comes
//             before it: k^2 comparisons, which are few for the k that is asked for.
// Limits      n below 2^31

typedef long long i64;

template <class W, class K> __device__ __forceinline__ K key_of(W word, i64 kind, K flip) {
    const K sign = (K)1 << (8 * sizeof(W) - 1), mask = sign | (sign - 1);
    K bits = (K)word;
    if (kind > 0) {
        const K magnitude = bits & (sign - 1);
        if (magnitude == 0) bits = 0;  // -0 equals 0
        bits = magnitude > (K)kind ? mask : bits & sign ? ~bits & mask : bits | sign;
    } else if (kind < 0) {
        bits ^= sign;
    }
    return (bits ^ flip) & mask;
}

constexpr int THREADS = 256, WARPS = THREADS / 32, UNROLL = 4;

template <class W, class K>
__device__ __forceinline__ void select(const W* x, K* keys, unsigned* places, i64 n, i64 k, i64 kind, K flip) {
    __shared__ unsigned counts[256];
    __shared__ unsigned found[2];
    __shared__ unsigned of_warps[2][WARPS];
    x += blockIdx.x * n, keys += blockIdx.x * k, places += blockIdx.x * k;
    K prefix = 0, mask = 0;
    unsigned need = (unsigned)k;
    for (int shift = 8 * (int)sizeof(W) - 8; shift >= 0; shift -= 8) {
        counts[threadIdx.x] = 0;
        __syncthreads();
        for (i64 start = threadIdx.x; start < n; start += UNROLL * THREADS) {
            W words[UNROLL];
#pragma unroll
            for (int u = 0; u < UNROLL; u++) words[u] = start + u * THREADS < n ? x[start + u * THREADS] : W();
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
                const K key = key_of<W, K>(words[u], kind, flip);
                if (start + u * THREADS < n && (key & mask) == prefix) atomicAdd(&counts[(key >> shift) & 255], 1u);
            }
        }
        __syncthreads();
        unsigned above = 0;
        for (int digit = threadIdx.x + 1; digit < 256; digit++) above += counts[digit];
        if (above < need && need <= above + counts[threadIdx.x]) {
            found[0] = threadIdx.x;
            found[1] = need - above;
        }
        __syncthreads();
        prefix |= (K)found[0] << shift, mask |= (K)255 << shift;
        need = found[1];
    }
    // `prefix` is the k-th key, and `need` how many that equal it are taken
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, below = (1u << lane) - 1;
    unsigned greater = 0, equal = 0;
    for (i64 start = 0; start < n && greater + min(equal, need) < k; start += THREADS) {
        const i64 i = start + threadIdx.x;
        const K key = i < n ? key_of<W, K>(x[i], kind, flip) : 0;
        const bool is_greater = i < n && key > prefix, is_equal = i < n && key == prefix;
        const unsigned greaters = __ballot_sync(0xffffffff, is_greater), equals = __ballot_sync(0xffffffff, is_equal);
        if (lane == 0) of_warps[0][warp] = __popc(greaters), of_warps[1][warp] = __popc(equals);
        __syncthreads();
        unsigned before = greater + __popc(greaters & below), alike = equal + __popc(equals & below);
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            if (w < warp) before += of_warps[0][w], alike += of_warps[1][w];
            greater += of_warps[0][w], equal += of_warps[1][w];
        }
        if (is_greater || (is_equal && alike < need)) {
            const unsigned at = before + min(alike, need);
            keys[at] = key;
            places[at] = (unsigned)i;
        }
        __syncthreads();
    }
}

template <class K>
__device__ __forceinline__ void order(const K* keys, const unsigned* places, i64* index, i64 k, int sorted) {
    __shared__ K tile[THREADS];
    const unsigned blocks = (unsigned)((k + THREADS - 1) / THREADS), row = blockIdx.x / blocks;
    const i64 own = (i64)(blockIdx.x % blocks) * THREADS + threadIdx.x;
    keys += row * k, places += row * k, index += row * k;
    const K key = own < k ? keys[own] : 0;
    i64 rank = sorted ? 0 : own;
    for (i64 start = 0; start < k && sorted; start += THREADS) {
        tile[threadIdx.x] = start + threadIdx.x < k ? keys[start + threadIdx.x] : 0;
        __syncthreads();
        const int count = (int)min(k - start, (i64)THREADS);
        for (int i = 0; i < count; i++) rank += tile[i] > key || (tile[i] == key && start + i < own);
        __syncthreads();
    }
    if (own < k) index[rank] = places[own];
}

#define SELECT(BITS, WORD, KEY)                                                                                        \
    extern "C" __global__ void __launch_bounds__(256) topk_select_b##BITS(                                             \
        const WORD* x, KEY* keys, unsigned* places, i64 n, i64 k, i64 kind, i64 flip) {                                \
        select(x, keys, places, n, k, kind, (KEY)flip);                                                                \
    }
#define ORDER(BITS, KEY)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256) topk_order_b##BITS(                                              \
        const KEY* keys, const unsigned* places, i64* index, i64 k, int sorted) {                                      \
        order(keys, places, index, k, sorted);                                                                         \
    }
SELECT(64, unsigned long long, unsigned long long)
SELECT(32, unsigned, unsigned)
SELECT(16, unsigned short, unsigned)
SELECT(8, unsigned char, unsigned)
ORDER(64, unsigned long long)
ORDER(32, unsigned)
