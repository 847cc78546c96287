// Products by a warpgroup's instructions: what `matmul_wgmma` and its smaller tiles have in common. One thread of a block
// asks for boxes, a ring of stages ahead; two warpgroups multiply, 64 rows each, and let their sums leave.
#pragma once
#include "matmul/epilogue.cuh"
#include "matmul/hopper.cuh"

constexpr int ROWS = 128, BLOCKS = 2, GROUP = 128, CONSUMERS = 2, THREADS = GROUP * (1 + CONSUMERS);
// What the swizzle spans: a row of every box.
constexpr int ROW = 128;

// A block's tile: 128 x COLS_ outputs in Y_ from factors in T_, STAGES_ steps of a row's bytes along k in its ring.
template <class T_, class Y_, int COLS_, int STAGES_> struct Tile {
    typedef T_ T;
    typedef Y_ Y;
    static constexpr int COLS = COLS_, STAGES = STAGES_, SUMS = COLS / 2, DEPTH = ROW / (int)sizeof(T),
                         WIDTH = ROW / (int)sizeof(Y);
    // A square tile's cluster may lie either way.
    static constexpr bool EITHER = COLS == ROWS;
    // Rows of a box that goes along k: as many as are ever copied at once.
    static constexpr int BOX = EITHER ? ROWS / BLOCKS : ROWS;
};

template <class Tile> struct Shared {
    typename Tile::T a[Tile::STAGES][ROWS * Tile::DEPTH], b[Tile::STAGES][Tile::COLS * Tile::DEPTH];
    typename Tile::Y leaving[CONSUMERS][2][64 * Tile::WIDTH];
    Barrier full[Tile::STAGES], empty[Tile::STAGES];
};

// Where in the ring a thread is. A slot's barrier ends one phase each time around.
template <int STAGES> struct Slot {
    int at = 0;
    u32 parity = 0;
    __device__ __forceinline__ void next() {
        at = at + 1 == STAGES ? 0 : at + 1;
        parity ^= at == 0;
    }
};

// An operand's part of a stage, COUNT rows or columns. As stored, its rows go along k (boxes of BOX of them), or they go
// along m or n (a box for each 64 of them).
template <class Tile, int COUNT_, bool ALONG_K> struct Operand {
    typedef typename Tile::T T;
    static constexpr int COUNT = COUNT_, LINES = ALONG_K ? Tile::BOX : 64;

    // The part as `multiply` takes it, 32 bytes along k at a time: the i-th is FURTHER more.
    static constexpr int FURTHER = (ALONG_K ? 32 : 16 * ROW) / 16;
    static __device__ __forceinline__ u32 described(const T* part, int row) {
        return swizzled(part + row * Tile::DEPTH, ALONG_K ? 0 : 64 * ROW);
    }
    template <int SOME, class Load> static __device__ __forceinline__ void each_box(T* part, int row, int k, Load load) {
#pragma unroll
        for (int i = 0; i < SOME; i += LINES) {
            T* const to = part + i * Tile::DEPTH;
            ALONG_K ? load(to, k, row + i) : load(to, row + i, k);
        }
    }
    // For this block alone, or this block's half for both of the cluster.
    static __device__ __forceinline__ void load(T* part, const TensorMap& map, int row, int k, int batch, Barrier& full,
                                                bool halved) {
        if (halved) {
            const int half = cluster_rank() * (COUNT / BLOCKS);
            each_box<COUNT / BLOCKS>(part + half * Tile::DEPTH, row + half, k, [&](T* to, int x, int y) {
                load_box_everywhere(to, map, x, y, batch, full, (1 << BLOCKS) - 1);
            });
        } else {
            each_box<COUNT>(part, row, k, [&](T* to, int x, int y) { load_box(to, map, x, y, batch, full); });
        }
    }
};

// `part` is the steps along k that a tile's sums have; where they are fewer than all, the parts' outputs follow each other.
struct Problem {
    int m, n, k, batch, batch_a, batch_b, tiles, part, across, activation;

    template <class Tile> __device__ __forceinline__ bool lies_across() const { return Tile::EITHER && across; }
    // The block's part of the cluster's two tiles; the walk is that of the other kernels.
    template <class Tile> __device__ __forceinline__ Place tile(int pair) const {
        Place at;
        if (lies_across<Tile>()) {
            at = place<ROWS, BLOCKS * Tile::COLS>(pair, m, n);
            at.col += cluster_rank() * Tile::COLS;
        } else {
            at = place<BLOCKS * ROWS, Tile::COLS>(pair, m, n);
            at.row += cluster_rank() * ROWS;
        }
        return at;
    }
    template <class Tile, class Visit> __device__ __forceinline__ void each_tile(Visit visit) const {
        const int steps = k / Tile::DEPTH + (k % Tile::DEPTH != 0);
        for (int pair = blockIdx.x / BLOCKS; pair < tiles; pair += gridDim.x / BLOCKS) {
            const Place at = tile<Tile>(pair);
            const int first = at.batch / batch * part;
            visit(at, first, min(part, steps - first));
        }
    }
};

template <class Tile, class A, class B>
__device__ __forceinline__ void produce(Shared<Tile>& shared, const TensorMap& a, const TensorMap& b,
                                        const Problem& problem) {
    const bool across = problem.lies_across<Tile>();
    Slot<Tile::STAGES> slot;
    problem.each_tile<Tile>([&](const Place& at, int first, int steps) {
        const int batch = at.batch % problem.batch;
        for (int step = 0; step < steps; step++) {
            Barrier& full = shared.full[slot.at];
            const int k = (first + step) * Tile::DEPTH;
            // a fresh barrier counts as having ended the phase before its first
            shared.empty[slot.at].wait(slot.parity ^ 1);
            full.arrive_expecting((ROWS + Tile::COLS) * ROW);
            A::load(shared.a[slot.at], a, at.row, k, batch * problem.batch_a, full, across);
            B::load(shared.b[slot.at], b, at.col, k, batch * problem.batch_b, full, !across);
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

// Puts a warp's 16 rows of ROW bytes into a buffer, swizzled as the map says. Of each 8 columns lane l has rows l / 4 and 8
// below, columns 2 (l % 4) and 1 right of it, four sums. stmatrix lays four squares of 8 x 8 halves at once.
template <class Y, int PART>
__device__ __forceinline__ void lay(Y* buffer, const f32* sum) {
    const int lane = threadIdx.x % 32, first = threadIdx.x % GROUP / 32 * 16;
    if (sizeof(Y) == 2) {
        const int row = first + lane % 16;
#pragma unroll
        for (int i = 0; i < PART; i += 8) {
            const f32* const s = sum + i;
            const Y* const to = buffer + row * 64 + ((i / 4 + lane / 16) ^ row % 8) * 8;
            asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared_address(to)),
                         "r"(pair<Y>(s[0], s[1])), "r"(pair<Y>(s[2], s[3])), "r"(pair<Y>(s[4], s[5])),
                         "r"(pair<Y>(s[6], s[7]))
                         : "memory");
        }
    } else {
        const int row = first + lane / 4;
#pragma unroll
        for (int i = 0; i < PART; i += 4) {
            Y* const to = buffer + row * 32 + ((i / 2 + lane % 4 / 2) ^ row % 8) * 4 + lane % 2 * 2;
#pragma unroll
            for (int below = 0; below < 2; below++) {
                const f32* const s = sum + i + 2 * below;
                asm volatile("st.shared.v2.f32 [%0], {%1, %2};" ::"r"(shared_address(to + below * 8 * 32)), "f"(s[0]),
                             "f"(s[1])
                             : "memory");
            }
        }
    }
}

// Bias and activation of a thread's sums, from column `col` on. A warp reads the bias of a box's columns at once, and its
// lanes ask each other. The functions that are long stand there for SOME sums, since for 128 they would be most of the kernel:
// the sums turn round by those that have had theirs.
template <class Tile>
__device__ __forceinline__ void complete(f32 (&sum)[Tile::SUMS], const typename Tile::T* bias, const Problem& problem,
                                         int col) {
    constexpr int SUMS = Tile::SUMS, PART = Tile::WIDTH / 2, EACH = Tile::WIDTH / 32, SOME = 32;
    const int lane = threadIdx.x % 32;
    if (bias) {
#pragma unroll
        for (int part = 0; part < SUMS; part += PART) {
            const int own = col + part * 2 + lane * EACH;
            const f32 even = own < problem.n ? to_f32(bias[own]) : 0.0f;
            const f32 odd = EACH == 1 ? even : own + 1 < problem.n ? to_f32(bias[own + 1]) : 0.0f;
#pragma unroll
            for (int i = 0; i < PART; i += 4) {
                const int column = i * 2 + lane % 4 * 2;
                const f32 left = __shfl_sync(0xffffffff, even, column / EACH);
                const f32 right = __shfl_sync(0xffffffff, odd, (column + 1) / EACH);
#pragma unroll
                for (int e = 0; e < 4; e++) sum[part + i + e] += e % 2 ? right : left;
            }
        }
    }
    if (problem.activation == RELU) {
#pragma unroll
        for (int i = 0; i < SUMS; i++) sum[i] = relu_of(sum[i]);
    } else if (problem.activation != 0) {
#pragma unroll 1
        for (int turn = 0; turn < SUMS / SOME; turn++) {
            f32 done[SOME];
#pragma unroll
            for (int i = 0; i < SOME; i++) done[i] = activate(sum[i], problem.activation);
#pragma unroll
            for (int i = SOME; i < SUMS; i++) sum[i - SOME] = sum[i];
#pragma unroll
            for (int i = 0; i < SOME; i++) sum[SUMS - SOME + i] = done[i];
        }
    }
}

// A warpgroup's 64 rows go out, a box's columns at a time.
template <class Tile>
__device__ __forceinline__ void leave(typename Tile::Y (&buffers)[2][64 * Tile::WIDTH], const TensorMap& y, const Place& at,
                                      const f32 (&sum)[Tile::SUMS]) {
    constexpr int PART = Tile::WIDTH / 2;
    const int thread = threadIdx.x % GROUP, barrier = threadIdx.x / GROUP;
#pragma unroll
    for (int part = 0; part < Tile::COLS / Tile::WIDTH; part++) {
        typename Tile::Y* const buffer = buffers[part % 2];
        if (thread == 0) wait_stores<1>();
        sync_threads(barrier, GROUP);
        lay<typename Tile::Y, PART>(buffer, sum + part * PART);
        publish_stores();
        sync_threads(barrier, GROUP);
        if (thread == 0) store_box(y, at.col + part * Tile::WIDTH, at.row, at.batch, buffer);
    }
}

template <class Tile, class A, class B, bool ROWS_A, bool ROWS_B>
__device__ __forceinline__ void consume(Shared<Tile>& shared, const TensorMap& y, const typename Tile::T* bias,
                                        const Problem& problem) {
    const int group = uniform(threadIdx.x / GROUP) - 1, lane = threadIdx.x % 32;
    // what a stage has more than the one before
    constexpr u32 STAGE_A = sizeof(shared.a[0]) / 16, STAGE_B = sizeof(shared.b[0]) / 16;
    const u32 first_a = A::described(shared.a[0], group * 64), first_b = B::described(shared.b[0], 0);
    const u32 empty = shared.empty[0].in_block(lane % BLOCKS);
    Slot<Tile::STAGES> slot;
    problem.each_tile<Tile>([&](Place at, int, int steps) {
        f32 sum[Tile::SUMS];
#pragma unroll
        for (int i = 0; i < Tile::SUMS; i++) sum[i] = 0.0f;
        u32 before = 0; // its barrier, once there is one
        for (int step = 0; step < steps; step++) {
            shared.full[slot.at].wait(slot.parity);
            const u32 a = first_a + slot.at * STAGE_A, b = first_b + slot.at * STAGE_B;
            before_products();
#pragma unroll
            for (int i = 0; i < ROW / 32; i++)
                multiply<ROWS_A, ROWS_B, typename Tile::T, Tile::SUMS>(sum, a + i * A::FURTHER, b + i * B::FURTHER);
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
        // parts of sums have neither
        if (sizeof(typename Tile::T) == sizeof(typename Tile::Y)) complete<Tile>(sum, bias, problem, at.col);
        leave<Tile>(shared.leaving[group], y, at, sum);
    });
    if (threadIdx.x % GROUP == 0) wait_stores<0>();
}

template <class Tile, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void matmul(const TensorMap& a, const TensorMap& b, const TensorMap& y,
                                       const typename Tile::T* bias, const Problem& problem) {
    typedef Operand<Tile, ROWS, !TRANSPOSE_A> A;
    typedef Operand<Tile, Tile::COLS, TRANSPOSE_B> B;
    extern __shared__ __align__(1024) unsigned char bytes[];
    Shared<Tile>& shared = *reinterpret_cast<Shared<Tile>*>(bytes);
    if (threadIdx.x == 0) {
        for (int i = 0; i < Tile::STAGES; i++) {
            shared.full[i].init(1);
            shared.empty[i].init(BLOCKS * CONSUMERS * GROUP / 32);
        }
        publish_barriers();
    }
    sync_cluster();
    // what all threads of a block have by equal shares is enough for 64 sums
    constexpr bool SHIFTS = Tile::SUMS > 64;
    if (threadIdx.x < GROUP) {
        if (SHIFTS) give_registers<40>();
        if (threadIdx.x == 0) produce<Tile, A, B>(shared, a, b, problem);
        __syncwarp();
    } else {
        if (SHIFTS) take_registers<232>();
        consume<Tile, A, B, TRANSPOSE_A, !TRANSPOSE_B>(shared, y, bias, problem);
    }
    // nobody leaves while the other block may still send to it
    sync_cluster();
}
