// gather: y[o, k, i] = x[o, index[o, k, i], i]; index_select: y[o, k, i] = x[o, index[k], i]
// scatter_add: sums[o, index[o, k, i], i] += src[o, k, i] for every k, in their order
//
// Parameters  gather: x and index from their first elements on, y (n) likewise; step, between neighbours in x along the
//             dimension, and size, how many there are; strides of an element of y in x, the dimension left out, and in index
//             (strides.cuh). b128 to b8 move words of so many bits.
//             scatter_add: src (f32, f16, bf16, i64), index; sums of f32 or i64, a slab for each chunk; columns (o, i), n along k,
//             size along the dimension of sums; the steps of all three along it; lanes, columns that a warp has side by side;
//             ranges, parts of size, each a warp's; chunk, what of n a warp has; strides of a column in src, index and sums.
//             report: three words, where code, an index that is out of range and size are left for the host
// Grid        gather: any; each thread strides over y, UNROLL words at a time. scatter_add: (ceil(columns / lanes) * ranges warps,
//             chunks) in blocks of 256 threads
// Why         memory-bound. gather: consecutive threads write consecutive words; what comes first of a step are its indices, then
//             its words, so that they wait together. scatter_add: no atomics, so the same bits on every run: a column's elements
//             meet in a warp, whose lanes find those of one index (match.any) and hand them to the first of them in order. Few
//             long columns are cut twice: along k, each chunk with a slab of its own, and by ranges of what is added to, whose
//             warps all look at every index of the chunk, from L1.
// Limits      n of a launch of gather, size and n of scatter_add below 2^31; an index out of range reads 0, and adds nothing

#include "strides.cuh"

constexpr int UNROLL = 4;
constexpr unsigned ALL = 0xffffffff;

// Leaves word of a wrong index, unless an earlier launch has. Of several threads any may be heard.
__device__ __noinline__ void tell(volatile i64* report, i64 code, i64 index, i64 size) {
    if (report[0] == 0) {
        report[1] = index;
        report[2] = size;
        report[0] = code;
    }
}

template <class W>
__device__ __forceinline__ void gather(
    const W* x, const i64* index, W* y, i64 n, i64 step, i64 size, i64* report, i64 code, const Strides<2>& strides) {
    const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    for (i64 first = thread; first < n; first += (i64)threads * UNROLL) {
        i64 at[UNROLL], k[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            const i64 i = first + (i64)u * threads;
            k[u] = 0;
            if (i < n) {
                i64 place[2];
                strides.places((unsigned)i, place);
                at[u] = place[0];
                k[u] = index[place[1]];
            }
        }
        W words[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            words[u] = W();
            if (first + (i64)u * threads < n) {
                if (0 <= k[u] && k[u] < size)
                    words[u] = x[at[u] + k[u] * step];
                else
                    tell(report, code, k[u], size);
            }
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
            if (first + (i64)u * threads < n) y[first + (i64)u * threads] = words[u];
    }
}

#define GATHER(BITS, WORD)                                                                                             \
    extern "C" __global__ void __launch_bounds__(256) gather_b##BITS(                                                  \
        const WORD* x, const i64* index, WORD* y, i64 n, i64 step, i64 size, i64* report, i64 code,                    \
        const Strides<2> strides) {                                                                                    \
        gather(x, index, y, n, step, size, report, code, strides);                                                     \
    }
GATHER(128, uint4)
GATHER(64, unsigned long long)
GATHER(32, unsigned)
GATHER(16, unsigned short)
GATHER(8, unsigned char)

// The sum of v over the lanes of `peers`, in their order, for the first of them.
template <class A> __device__ __forceinline__ A sum_of_peers(A v, unsigned peers, bool first) {
    unsigned rest = first ? peers & (peers - 1) : 0;
    while (__any_sync(ALL, rest != 0)) {
        const A next = __shfl_sync(ALL, v, rest ? __ffs(rest) - 1 : 0);
        if (rest) v += next;
        rest &= rest - 1;
    }
    return v;
}

template <class T, class A>
__device__ __forceinline__ void scatter_add(
    const T* src, const i64* index, A* sums, i64 columns, i64 n, i64 size, i64 src_step, i64 index_step, i64 sums_step,
    i64 slab, int lanes, int ranges, i64 chunk, i64* report, i64 code, const Strides<3>& strides) {
    const unsigned lane = threadIdx.x % 32, depth = 32 / lanes, rank = lane / lanes;
    const unsigned warp = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, range = warp % ranges;
    const i64 group = (i64)(warp / ranges) * lanes, column = group + lane % lanes;
    if (group >= columns) return;
    const i64 span = (size + ranges - 1) / ranges, low = range * span, high = low + span < size ? low + span : size;
    const i64 begin = blockIdx.y * chunk, end = begin + chunk < n ? begin + chunk : n;
    // lanes of this one's column
    const unsigned own = lanes == 32 ? 1u << lane : (ALL / ((1u << lanes) - 1)) << lane % lanes;
    i64 place[3] = {0, 0, 0};
    if (column < columns) strides.places((unsigned)column, place);
    src += place[0], index += place[1], sums += place[2] + blockIdx.y * slab;
    for (i64 first = begin; first < end; first += UNROLL * depth) {
        i64 to[UNROLL];
        A v[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            const i64 k = first + u * depth + rank;
            const bool there = column < columns && k < end;
            to[u] = there ? index[k * index_step] : -1;
            if (there && (to[u] < 0 || to[u] >= size)) tell(report, code, to[u], size);
            if (to[u] < low || to[u] >= high) to[u] = -1;
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
            v[u] = to[u] < 0 ? A() : wide(src[(first + u * depth + rank) * src_step]);
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            bool adds = to[u] >= 0;
            if (depth > 1) {
                const unsigned peers = __match_any_sync(ALL, (int)to[u]) & own;
                adds = adds && (peers & ((1u << lane) - 1)) == 0;
                v[u] = sum_of_peers(v[u], peers, adds);
            }
            if (adds) sums[to[u] * sums_step] += v[u];
            // what this lane has written another may read in the next turn
            __syncwarp();
        }
    }
}

#define SCATTER_ADD(T, A)                                                                                              \
    extern "C" __global__ void __launch_bounds__(256) scatter_add_##T(                                                 \
        const T* src, const i64* index, A* sums, i64 columns, i64 n, i64 size, i64 src_step, i64 index_step,           \
        i64 sums_step, i64 slab, int lanes, int ranges, i64 chunk, i64* report, i64 code, const Strides<3> strides) {  \
        scatter_add(src, index, sums, columns, n, size, src_step, index_step, sums_step, slab, lanes, ranges, chunk,   \
                    report, code, strides);                                                                            \
    }
SCATTER_ADD(f32, f32)
SCATTER_ADD(f16, f32)
SCATTER_ADD(bf16, f32)
SCATTER_ADD(i64, i64)
