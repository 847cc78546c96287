// The loop of the wmma kernels: one block computes one tile of a product on Tensor Cores, whatever brings the operands
// (a stager) and whatever takes the sums (an output with `exit<COLS, LD>(place, col)`, see epilogue.cuh).
//
// A stager fills SIZE elements of shared memory per stage, rows LD apart; `fetch` starts the next one on its way, and
// `put` stores what `fetch` left in registers. What `vec` says, `fetch<true>` need not ask.
#pragma once
#include "matmul/epilogue.cuh"
#include <mma.h>

namespace wmma = nvcuda::wmma;

constexpr int STAGES = 3;

template <class T> struct Mma {
    typedef T Operand;
    static constexpr int K = 16;
};
template <> struct Mma<f32> {
#if __CUDA_ARCH__ >= 800
    typedef wmma::precision::tf32 Operand;
#endif
    static constexpr int K = 8;
};

template <class T, int WARPS_M_, int WARPS_N_> struct Shape {
    static constexpr int WARPS_M = WARPS_M_, WARPS_N = WARPS_N_, THREADS = 32 * WARPS_M * WARPS_N;
    static constexpr int WARP_N = 32, TILE = WARPS_N * WARP_N, WARP_M = TILE / WARPS_M;
    static constexpr int BK = 64 / sizeof(T);
};

// 16 bytes to shared memory in one store: left to itself the compiler takes four where their conditions are one, and
// a warp's then meet on the same banks.
template <class T> __device__ __forceinline__ void store_shared(T* to, const Vec<T>& v) {
    const uint4 raw = *reinterpret_cast<const uint4*>(&v);
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"((unsigned)__cvta_generic_to_shared(to)), "r"(raw.x),
                 "r"(raw.y), "r"(raw.z), "r"(raw.w)
                 : "memory");
}

// Brings TILE x BK (or BK x TILE) of an operand to shared memory, 16 bytes at a time, in the layout that it has.
// CONTIGUOUS_K: consecutive addresses go along k.
template <class S, class T, bool CONTIGUOUS_K> struct Stager {
    static constexpr int PER = 16 / sizeof(T);
    static constexpr int LD = CONTIGUOUS_K ? S::BK + PER : S::TILE + 8;
    static constexpr int SIZE = LD * (CONTIGUOUS_K ? S::TILE : S::BK);
    static constexpr int CHUNKS = S::TILE * S::BK / PER / S::THREADS;
    // rows of the operand (or of k) between a thread's chunks
    static constexpr int STEP = CONTIGUOUS_K ? S::THREADS / 4 : S::THREADS / (S::TILE / PER);

    const T* at;
    i64 step, stage_step;
    int to, count_r, count_k;
    bool vec;
#if __CUDA_ARCH__ < 800
    Vec<T> held[CHUNKS];
    bool whole[CHUNKS] = {};
#endif

    // Rows from `row` on of the `extent` that the operand has.
    __device__ __forceinline__ Stager(const T* p, i64 ld, bool vec, int row, int extent, int k) : vec(vec) {
        // a warp takes 8 rows of 4 chunks with neighbours in different rows, which the padding sets apart, or whole
        // rows
        const int c = threadIdx.x;
        const int r = CONTIGUOUS_K ? c / 32 * 8 + c % 8 : c % (S::TILE / PER) * PER;
        const int along_k = CONTIGUOUS_K ? c % 32 / 8 * PER : c / (S::TILE / PER);
        at = CONTIGUOUS_K ? p + (row + r) * ld + along_k : p + along_k * ld + row + r;
        to = CONTIGUOUS_K ? r * LD + along_k : along_k * LD + r;
        step = STEP * ld;
        stage_step = CONTIGUOUS_K ? S::BK : S::BK * ld;
        count_k = k - along_k;
        count_r = extent - row - r;
    }

    // Starts the next stage on its way; ALIGNED: `vec` is known to be true.
    template <bool ALIGNED> __device__ __forceinline__ void fetch(T* stage) {
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            const int left_k = CONTIGUOUS_K ? count_k : count_k - i * STEP;
            const int left_r = CONTIGUOUS_K ? count_r - i * STEP : count_r;
            const int exist = CONTIGUOUS_K ? (left_r > 0 ? left_k : 0) : (left_k > 0 ? left_r : 0);
            const int n = min(max(exist, 0), PER);
            if (ALIGNED || vec) {
                copy(stage + to + i * STEP * LD, at + i * step, i, n);
            } else {
                by_element(stage + to + i * STEP * LD, at + i * step, n);
            }
        }
        at += stage_step;
        count_k -= S::BK;
    }

    // The first n elements, then zeros; in one store, since the padding keeps chunks, not elements, off each other's banks.
    static __device__ __forceinline__ void by_element(T* to, const T* from, int n) {
        Vec<T> chunk;
#pragma unroll
        for (int e = 0; e < PER; e++) chunk.at[e] = e < n ? from[e] : from_f32<T>(0.0f);
        store_shared(to, chunk);
    }

#if __CUDA_ARCH__ >= 800
    // Bytes past the n elements become zeros; of nothing, nothing is read.
    __device__ __forceinline__ void copy(T* to, const T* from, int, int n) {
        const unsigned shared = (unsigned)__cvta_generic_to_shared(to);
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from), "r"(n * (int)sizeof(T))
                     : "memory");
    }
    __device__ __forceinline__ void put(T*) {}
#else
    // Without cp.async, whole chunks wait in registers until the multiplication that hides the wait is done.
    __device__ __forceinline__ void copy(T* to, const T* from, int i, int n) {
        whole[i] = n == PER;
        if (whole[i]) {
            held[i] = load_vec(from);
        } else {
            by_element(to, from, n);
        }
    }
    __device__ __forceinline__ void put(T* stage) {
#pragma unroll
        for (int i = 0; i < CHUNKS; i++)
            if (whole[i]) store_shared(stage + to + i * STEP * LD, held[i]);
    }
#endif
};

__device__ __forceinline__ void end_group() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most `LEFT` of the groups that this thread ended are under way.
template <int LEFT> __device__ __forceinline__ void wait_groups() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}

// wmma::load_matrix_sync takes a generic address, and what the compiler makes of it is one generic load for each register of a
// fragment where it cannot tell that the address is in shared memory. The instruction says so, and becomes ldmatrix.
template <class Fragment> __device__ __forceinline__ void load_fragment(Fragment& f, unsigned from, int ld);
#define FRAGMENT_8(r) "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]), "=r"(r[4]), "=r"(r[5]), "=r"(r[6]), "=r"(r[7])
#define FRAGMENT_4(r) "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
#define LOAD_FRAGMENT(MATRIX, ORDER, SHAPE, K, T, TYPE, COUNT, REGISTERS, LD, FROM, ROUND)                             \
    template <>                                                                                                        \
    __device__ __forceinline__ void load_fragment(                                                                     \
        wmma::fragment<wmma::matrix_##MATRIX, 16, 16, K, T, wmma::ORDER##_major>& f, unsigned from, int ld) {          \
        static_assert(sizeof(f.x) == 4 * COUNT, "a fragment is its registers");                                        \
        unsigned* const r = reinterpret_cast<unsigned*>(f.x);                                                          \
        asm volatile("wmma.load." #MATRIX ".sync.aligned." #ORDER "." SHAPE ".shared." TYPE " " REGISTERS ", [" FROM   \
                     "], " LD ";"                                                                                      \
                     : FRAGMENT_##COUNT(r)                                                                             \
                     : "r"(from), "r"(ld)                                                                              \
                     : "memory");                                                                                      \
        ROUND                                                                                                          \
    }
#define LOAD_FRAGMENTS(...)                                                                                            \
    LOAD_FRAGMENT(a, row, __VA_ARGS__)                                                                                 \
    LOAD_FRAGMENT(a, col, __VA_ARGS__) LOAD_FRAGMENT(b, row, __VA_ARGS__) LOAD_FRAGMENT(b, col, __VA_ARGS__)
LOAD_FRAGMENTS("m16n16k16", 16, f16, "f16", 8, "{%0, %1, %2, %3, %4, %5, %6, %7}", "%9", "%8", )
#if __CUDA_ARCH__ >= 800
LOAD_FRAGMENTS("m16n16k16", 16, bf16, "bf16", 4, "{%0, %1, %2, %3}", "%5", "%4", )
LOAD_FRAGMENTS("m16n16k8", 8, wmma::precision::tf32, "tf32", 4, "{%0, %1, %2, %3}", "%5", "%4",
               for (int i = 0; i < 4; i++) f.x[i] = wmma::__float_to_tf32(f.x[i]);)
#endif

// A warp's sums, and the loop that adds to them; ALIGNED, it has no path for operands that do not come in pieces of 16 bytes.
template <class S, class T, bool TRANSPOSE_A, bool TRANSPOSE_B> struct Sums {
    typedef typename Mma<T>::Operand Operand;
    typedef typename Pick<TRANSPOSE_A, wmma::col_major, wmma::row_major>::Type OrderA;
    typedef typename Pick<TRANSPOSE_B, wmma::col_major, wmma::row_major>::Type OrderB;
    static constexpr int K = Mma<T>::K, DOWN = S::WARP_M / 16, ACROSS = S::WARP_N / 16;

    wmma::fragment<wmma::accumulator, 16, 16, K, f32> at[DOWN][ACROSS];

    template <bool ALIGNED, class FromA, class FromB>
    __device__ __forceinline__ void add(FromA& from_a, FromB& from_b, int k, T* stages, int warp_row, int warp_col) {
        constexpr int STAGE = FromA::SIZE + FromB::SIZE;
        const unsigned first = (unsigned)__cvta_generic_to_shared(stages);
        const int steps = k / S::BK + (k % S::BK != 0);
        // the first STAGES - 1 steps only fetch
        int stage = 1, free = 0;
        for (int step = 1 - STAGES; step < steps; step++) {
            if (step >= 0) {
                wait_groups<STAGES - 2>();
                // this step's stage is complete, and nobody reads the one before it any longer
                __syncthreads();
            }
            T* const next = stages + free * STAGE;
            const bool more = step + STAGES - 1 < steps;
            if (more) {
                from_a.template fetch<ALIGNED>(next);
                from_b.template fetch<ALIGNED>(next + FromA::SIZE);
            }
            end_group();
            const unsigned tile_a = first + stage * STAGE * sizeof(T), tile_b = tile_a + FromA::SIZE * sizeof(T);
#pragma unroll
            for (int i = 0; step >= 0 && i < S::BK; i += K) {
                wmma::fragment<wmma::matrix_b, 16, 16, K, Operand, OrderB> fb[ACROSS];
#pragma unroll
                for (int c = 0; c < ACROSS; c++) {
                    const int col = warp_col + 16 * c;
                    const int at = TRANSPOSE_B ? col * FromB::LD + i : i * FromB::LD + col;
                    load_fragment(fb[c], tile_b + at * sizeof(T), FromB::LD);
                }
#pragma unroll
                for (int r = 0; r < DOWN; r++) {
                    wmma::fragment<wmma::matrix_a, 16, 16, K, Operand, OrderA> fa;
                    const int row = warp_row + 16 * r;
                    const int at = TRANSPOSE_A ? i * FromA::LD + row : row * FromA::LD + i;
                    load_fragment(fa, tile_a + at * sizeof(T), FromA::LD);
#pragma unroll
                    for (int c = 0; c < ACROSS; c++) wmma::mma_sync(this->at[r][c], fa, fb[c], this->at[r][c]);
                }
            }
            if (more) {
                from_a.put(next);
                from_b.put(next + FromA::SIZE);
            }
            stage = stage + 1 == STAGES ? 0 : stage + 1;
            free = free + 1 == STAGES ? 0 : free + 1;
        }
    }
};

template <class S, class T, bool TRANSPOSE_A, bool TRANSPOSE_B, class FromA, class FromB, class Out>
__device__ __forceinline__ void product(FromA& from_a, FromB& from_b, int k, const Place& at, const Out& out) {
    extern __shared__ __align__(128) unsigned char shared[];
    T* const stages = reinterpret_cast<T*>(shared);
    const int warp = threadIdx.x / 32;
    const int warp_row = warp / S::WARPS_N * S::WARP_M, warp_col = warp % S::WARPS_N * S::WARP_N;

    Sums<S, T, TRANSPOSE_A, TRANSPOSE_B> sums;
    constexpr int DOWN = sums.DOWN, ACROSS = sums.ACROSS;
#pragma unroll
    for (int i = 0; i < DOWN * ACROSS; i++) wmma::fill_fragment(sums.at[i / ACROSS][i % ACROSS], 0.0f);
    if (from_a.vec && from_b.vec) {
        sums.template add<true>(from_a, from_b, k, stages, warp_row, warp_col);
    } else {
        sums.template add<false>(from_a, from_b, k, stages, warp_row, warp_col);
    }
    wait_groups<0>();
    __syncthreads();

    // 16 rows of the warp's outputs at a time; 8 banks from row to row keep the parts of a store apart
    constexpr int LD = S::WARP_N + 8;
    f32* const rows = reinterpret_cast<f32*>(shared) + warp * 16 * LD;
    const auto exit = out.template exit<S::WARP_N, LD>(at, at.col + warp_col);
#pragma unroll 1
    for (int pass = 0; pass < DOWN; pass++) {
#pragma unroll
        for (int r = 0; r < DOWN; r++)
#pragma unroll
            for (int c = 0; c < ACROSS; c++)
                if (r == pass) wmma::store_matrix_sync(rows + 16 * c, sums.at[r][c], LD, wmma::mem_row_major);
        exit.template leave<16>(rows, at.row + warp_row + 16 * pass, 1);
    }
}
