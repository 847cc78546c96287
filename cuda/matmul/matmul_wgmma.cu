// matmul_wgmma: y = activation(op(a) op(b) + bias) by Hopper's warpgroup products, for every matrix of a batch
//
// Parameters  a, b, y tensor maps over (batch, rows, cols) as stored, with the boxes that `Operand` and `Leaving` name and
//             the 128-byte swizzle; bias (n) or null; batch_a and batch_b are 0 where one matrix serves the whole batch;
//             tiles = batch * ceil(m / 256) * ceil(n / 256). T is f16 or bf16, sums are f32
// Entries     matmul_wgmma_<op of a><op of b>_<T>, with n for as it is and t for transposed
// Grid        any even number of blocks, in clusters of two; each cluster walks over squares of 256 x 256 outputs, its
//             blocks over the upper and the lower 128 rows
// Shared      sizeof(Shared<T>), dynamic
// Why         One thread of a block does nothing but ask for boxes, a ring of STAGES ahead; two warpgroups multiply, 64 rows
//             each, straight from shared memory. A cluster's blocks need the same columns of b: each loads half and sends
//             it to both. Blocks stay for many tiles, so that the copies for the next one run while sums leave: through
//             shared memory, by copies too, 64 columns at a time.
// Limits      as matmul_tiled's; sm_90a; all rows and matrices begin at multiples of 16 bytes, which the maps ask for

#include "matmul/epilogue.cuh"
#if __CUDA_ARCH__ == 900
#include "matmul/hopper.cuh"

constexpr int ROWS = 128, COLS = 256, DEPTH = 64, STAGES = 4, BLOCKS = 2, GROUP = 128, CONSUMERS = 2;
constexpr int THREADS = GROUP * (1 + CONSUMERS);

template <class T> struct Shared {
    T a[STAGES][ROWS * DEPTH], b[STAGES][COLS * DEPTH];
    T leaving[CONSUMERS][2][64 * 64];
    Barrier full[STAGES], empty[STAGES];
};

// Where in the ring a thread is. A slot's barrier ends one phase each time around.
struct Slot {
    int at = 0;
    u32 parity = 0;
    __device__ __forceinline__ void next() {
        at = at + 1 == STAGES ? 0 : at + 1;
        parity ^= at == 0;
    }
};

// A tile of an operand, DEPTH along k. As stored, its rows go along k (one box), or they go along m or n (a box for each
// 64 of them).
template <class T, bool ALONG_K> struct Operand {
    static constexpr int BOX = 64 * DEPTH, STEP = ALONG_K ? 16 : 16 * 64;

    // The tile as `multiply` takes it, 16 of k at a time: the i-th is FURTHER more.
    static constexpr int FURTHER = STEP * (int)sizeof(T) / 16;
    static __device__ __forceinline__ u32 described(const T* tile, int row) {
        return swizzled(tile + row * DEPTH, ALONG_K ? 0 : BOX * (int)sizeof(T));
    }
    template <int COUNT, class Load> static __device__ __forceinline__ void load(T* tile, int row, int k, Load load) {
        if (ALONG_K) {
            load(tile, k, row);
        } else {
#pragma unroll
            for (int i = 0; i < COUNT / 64; i++) load(tile + i * BOX, row + i * 64, k);
        }
    }
};

struct Problem {
    int m, n, k, batch_a, batch_b, tiles, activation;

    __device__ __forceinline__ int steps() const { return k / DEPTH + (k % DEPTH != 0); }
    // The block's part of the cluster's square; the walk is that of the other kernels.
    __device__ __forceinline__ Place tile(int square) const {
        Place at = place<BLOCKS * ROWS>(square, m, n);
        at.row += cluster_rank() * ROWS;
        return at;
    }
    template <class Visit> __device__ __forceinline__ void each_tile(Visit visit) const {
        for (int square = blockIdx.x / BLOCKS; square < tiles; square += gridDim.x / BLOCKS) visit(tile(square));
    }
};

template <class T, class A, class B>
__device__ __forceinline__ void produce(Shared<T>& shared, const TensorMap& a, const TensorMap& b, const Problem& problem) {
    constexpr int HALF = COLS / BLOCKS;
    const int half = cluster_rank() * HALF;
    Slot slot;
    problem.each_tile([&](const Place& at) {
        for (int step = 0; step < problem.steps(); step++) {
            Barrier& full = shared.full[slot.at];
            // a fresh barrier counts as having ended the phase before its first
            shared.empty[slot.at].wait(slot.parity ^ 1);
            full.arrive_expecting((ROWS + COLS) * DEPTH * sizeof(T));
            A::template load<ROWS>(shared.a[slot.at], at.row, step * DEPTH, [&](T* to, int x, int y) {
                load_box(to, a, x, y, at.batch * problem.batch_a, full);
            });
            B::template load<HALF>(shared.b[slot.at] + half * DEPTH, at.col + half, step * DEPTH, [&](T* to, int x, int y) {
                load_box_everywhere(to, b, x, y, at.batch * problem.batch_b, full, (1 << BLOCKS) - 1);
            });
            slot.next();
        }
    });
}

// Two numbers as a register holds them.
template <class T> __device__ __forceinline__ u32 pair(f32 low, f32 high) {
    struct alignas(4) Two {
        T at[2];
    } const two = {{from_f32<T>(low), from_f32<T>(high)}};
    return *reinterpret_cast<const u32*>(&two);
}

// A warpgroup's 64 rows go out, 64 columns at a time. That loop is not unrolled, as 128 activations would be most of the kernel:
// the sums move down by what has gone. Lane l of warp w has rows 16 w + l / 4 and 8 below, columns 2 (l % 4) and 1 right of
// each 8; stmatrix lays four such 8 x 8 at once into rows of 128 bytes, swizzled as the map says. A warp reads the bias of all
// 64 columns at once, two a lane, and its lanes ask each other.
template <class T>
__device__ __forceinline__ void leave(T (&buffers)[2][64 * 64], const TensorMap& y, const T* bias, const Problem& problem,
                                      const Place& at, f32 (&sum)[128]) {
    constexpr int PART = 32;
    const int thread = threadIdx.x % GROUP, lane = thread % 32, barrier = threadIdx.x / GROUP;
    const int row = thread / 32 * 16 + lane % 16, biased = bias ? problem.n : 0;
#pragma unroll 1
    for (int part = 0; part < COLS / 64; part++) {
        T* const buffer = buffers[part % 2];
        const int col = at.col + part * 64, own = col + lane * 2;
        const f32 even = own < biased ? to_f32(bias[own]) : 0.0f, odd = own + 1 < biased ? to_f32(bias[own + 1]) : 0.0f;
        if (thread == 0) wait_stores<1>();
        sync_threads(barrier, GROUP);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            f32* const s = sum + i * 8;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int owner = i * 8 + half * 4 + lane % 4;
                const f32 left = __shfl_sync(0xffffffff, even, owner), right = __shfl_sync(0xffffffff, odd, owner);
#pragma unroll
                for (int e = 0; e < 4; e++) s[half * 4 + e] += e % 2 ? right : left;
            }
            if (problem.activation != 0) {
#pragma unroll
                for (int e = 0; e < 8; e++) s[e] = activate(s[e], problem.activation);
            }
            const T* const to = buffer + row * 64 + ((2 * i + lane / 16) ^ row % 8) * 8;
            asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared_address(to)),
                         "r"(pair<T>(s[0], s[1])), "r"(pair<T>(s[2], s[3])), "r"(pair<T>(s[4], s[5])),
                         "r"(pair<T>(s[6], s[7]))
                         : "memory");
        }
        publish_stores();
        sync_threads(barrier, GROUP);
        if (thread == 0) store_box(y, col, at.row, at.batch, buffer);
#pragma unroll
        for (int i = PART; i < 128; i++) sum[i - PART] = sum[i];
    }
}

template <class T, class A, class B, bool ROWS_A, bool ROWS_B>
__device__ __forceinline__ void consume(Shared<T>& shared, const TensorMap& y, const T* bias, const Problem& problem) {
    const int group = uniform(threadIdx.x / GROUP) - 1, lane = threadIdx.x % 32;
    // what a stage has more than the one before
    constexpr u32 STAGE_A = sizeof(shared.a[0]) / 16, STAGE_B = sizeof(shared.b[0]) / 16;
    const u32 first_a = A::described(shared.a[0], group * 64), first_b = B::described(shared.b[0], 0);
    const u32 empty = shared.empty[0].in_block(lane % BLOCKS);
    Slot slot;
    problem.each_tile([&](Place at) {
        f32 sum[128];
#pragma unroll
        for (int i = 0; i < 128; i++) sum[i] = 0.0f;
        u32 before = 0; // its barrier, once there is one
        for (int step = 0; step < problem.steps(); step++) {
            shared.full[slot.at].wait(slot.parity);
            const u32 a = first_a + slot.at * STAGE_A, b = first_b + slot.at * STAGE_B;
            before_products();
#pragma unroll
            for (int i = 0; i < DEPTH / 16; i++) multiply<ROWS_A, ROWS_B, T>(sum, a + i * A::FURTHER, b + i * B::FURTHER);
            end_products();
            // one stage's products stay on their way; this warp has read the slot before, as both producers must know
            wait_products<1>();
            if (before != 0 && lane < BLOCKS) Barrier::arrive(before);
            before = empty + slot.at * (u32)sizeof(Barrier);
            slot.next();
        }
        wait_products<0>();
        if (before != 0 && lane < BLOCKS) Barrier::arrive(before);
        at.row += group * 64;
        leave<T>(shared.leaving[group], y, bias, problem, at, sum);
    });
    if (threadIdx.x % GROUP == 0) wait_stores<0>();
}

template <class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void matmul(const TensorMap& a, const TensorMap& b, const TensorMap& y, const T* bias,
                                       const Problem& problem) {
    typedef Operand<T, !TRANSPOSE_A> A;
    typedef Operand<T, TRANSPOSE_B> B;
    extern __shared__ __align__(1024) unsigned char bytes[];
    Shared<T>& shared = *reinterpret_cast<Shared<T>*>(bytes);
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            shared.full[i].init(1);
            shared.empty[i].init(BLOCKS * CONSUMERS * GROUP / 32);
        }
        publish_barriers();
    }
    sync_cluster();
    if (threadIdx.x < GROUP) {
        give_registers<40>();
        if (threadIdx.x == 0) produce<T, A, B>(shared, a, b, problem);
        __syncwarp();
    } else {
        take_registers<232>();
        consume<T, A, B, TRANSPOSE_A, !TRANSPOSE_B>(shared, y, bias, problem);
    }
    // nobody leaves while the other block may still send to it
    sync_cluster();
}

#define ENTRY(OPS, TA, TB, T)                                                                                          \
    extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1) __launch_bounds__(THREADS, 1) matmul_wgmma_##OPS##_##T(  \
        const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const __grid_constant__ TensorMap y, \
        const T* bias, int m, int n, int k, int batch_a, int batch_b, int tiles, int activation) {                     \
        matmul<T, TA, TB>(a, b, y, bias, Problem{m, n, k, batch_a, batch_b, tiles, activation});                       \
    }
#define ENTRIES(T)                                                                                                     \
    ENTRY(nn, false, false, T) ENTRY(nt, false, true, T) ENTRY(tn, true, false, T) ENTRY(tt, true, true, T)
ENTRIES(f16)
ENTRIES(bf16)
#endif
