// The loop of the tiled kernels: one block computes one tile of a product on the ordinary cores, whatever brings the
// operands (a stager) and whatever takes the sums (an output with `exit<COLS, LD>(place, col)`, see epilogue.cuh).
//
// A stager fetches the next stage of its operand into registers and puts it to shared memory as [BK][TILE].
#pragma once
#include "matmul/epilogue.cuh"

// WARPS_M x WARPS_N warps of 32 * DOWN by 16 * ACROSS outputs, DOWN x ACROSS quads of 4 x 4 to a thread.
template <int DOWN_, int ACROSS_, int WARPS_M_, int WARPS_N_, int BK_> struct Shape {
    static constexpr int DOWN = DOWN_, ACROSS = ACROSS_, WARPS_M = WARPS_M_, WARPS_N = WARPS_N_, BK = BK_;
    static constexpr int TILE = 32 * DOWN * WARPS_M, THREADS = 32 * WARPS_M * WARPS_N;
    static_assert(TILE == 16 * ACROSS * WARPS_N, "tiles are square");
};
using Shape128 = Shape<2, 4, 2, 2, 8>;
using Shape64 = Shape<1, 2, 2, 2, 16>;
using Shape32 = Shape<1, 1, 1, 2, 16>;

// Brings TILE x BK (or BK x TILE) of an operand to shared memory, there always as [BK][TILE], four elements at a time.
// CONTIGUOUS_K: consecutive addresses go along k, so that a row of the operand becomes a column of the stage. WHOLE: the
// operand is stored in whole, aligned fours, and the loop has no path for others.
template <class S, class T, bool CONTIGUOUS_K, bool WHOLE> struct Stager {
    // 4 * LD is 16 modulo the 32 banks: the two column pieces that a warp writes at a time fall on different banks
    static constexpr int R = S::TILE, BK = S::BK, LD = R + 4;
    // threads side by side along the operand's rows, and the rows that all threads bring at a time
    static constexpr int ACROSS = CONTIGUOUS_K ? 2 : R / 4, ROWS = S::THREADS / ACROSS;
    // how often they do: 8 further along k, or further down
    static constexpr int ALONG = CONTIGUOUS_K ? BK / 8 : 1, DOWN = CONTIGUOUS_K ? R / ROWS : BK / ROWS;

    const T* at;
    i64 step, stage_step;
    int count_r;
    bool vec;
    Quad fetched[DOWN][ALONG];

    static __device__ __forceinline__ int along_k() { return CONTIGUOUS_K ? threadIdx.x % 2 * 4 : threadIdx.x / ACROSS; }
    static __device__ __forceinline__ int along_r() { return CONTIGUOUS_K ? threadIdx.x / 2 : threadIdx.x % ACROSS * 4; }

    // Rows from `row` on of the `extent` that the operand has.
    __device__ __forceinline__ Stager(const T* p, i64 ld, bool vec, int row, int extent) : vec(vec) {
        const int r = row + along_r();
        at = CONTIGUOUS_K ? p + r * ld + along_k() : p + along_k() * ld + r;
        step = ROWS * ld;
        stage_step = CONTIGUOUS_K ? BK : BK * ld;
        count_r = extent - r;
    }

    // `left` is what is left of k where this stage begins.
    __device__ __forceinline__ void fetch(int left) {
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ALONG; j++) {
                const int left_k = left - along_k() - (CONTIGUOUS_K ? 8 * j : ROWS * i);
                const int left_r = CONTIGUOUS_K ? count_r - ROWS * i : count_r;
                const int count = CONTIGUOUS_K ? (left_r > 0 ? left_k : 0) : (left_k > 0 ? left_r : 0);
                const T* const p = at + i * step + 8 * j;
                fetched[i][j] = WHOLE ? load_whole_quad(p, count > 0) : load_quad(p, count, vec);
            }
        at += stage_step;
    }

    __device__ __forceinline__ void put(f32 (*stage)[LD]) const {
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ALONG; j++) {
                const f32(&v)[4] = fetched[i][j].at;
                if (CONTIGUOUS_K) {
#pragma unroll
                    for (int c = 0; c < 4; c++) stage[along_k() + 8 * j + c][along_r() + ROWS * i] = v[c];
                } else {
                    float4* to = reinterpret_cast<float4*>(&stage[along_k() + ROWS * i][along_r()]);
                    *to = make_float4(v[0], v[1], v[2], v[3]);
                }
            }
    }
};

template <class S>
__device__ __forceinline__ void multiply(f32 (&sum)[S::DOWN * 4][S::ACROSS * 4], const f32 (*a)[S::TILE + 4],
                                         const f32 (*b)[S::TILE + 4], int row, int col) {
#pragma unroll
    for (int i = 0; i < S::BK; i++) {
        Quad from_a[S::DOWN], from_b[S::ACROSS];
#pragma unroll
        for (int r = 0; r < S::DOWN; r++) from_a[r] = shared_quad(&a[i][row + 32 * r]);
#pragma unroll
        for (int c = 0; c < S::ACROSS; c++) from_b[c] = shared_quad(&b[i][col + 16 * c]);
        // down first: across first, ptxas has a sixth of Hopper's registers meet others of their bank
#pragma unroll
        for (int c = 0; c < S::ACROSS * 4; c++)
#pragma unroll
            for (int r = 0; r < S::DOWN * 4; r++) sum[r][c] += from_a[r / 4].at[r % 4] * from_b[c / 4].at[c % 4];
    }
}

// The stagers come by value: by reference, ptxas keeps more of them in registers and spills.
template <class S, class FromA, class FromB, class Out>
__device__ __forceinline__ void product(FromA from_a, FromB from_b, int k, const Place& at, const Out& out) {
    constexpr int BK = S::BK, LD = S::TILE + 4;
    __shared__ alignas(16) f32 stages[2][2][BK][LD]; // of a, of b
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    // The lanes of a warp stand 8 x 4. Neighbours in lane number share a column piece or a row piece, so that the
    // pieces of 16 bytes that 16 lanes read are few enough for one pass over the banks.
    const int lane_row = lane / 2 % 2 + lane / 8 * 2, lane_col = lane % 2 + lane / 4 % 2 * 2;
    const int warp_row = warp / S::WARPS_N * 32 * S::DOWN, warp_col = warp % S::WARPS_N * 16 * S::ACROSS;

    f32 sum[S::DOWN * 4][S::ACROSS * 4] = {};
    // The first step only fetches. One number counts for the loop and for both stagers: there is no register to spare.
    for (int left = k, stage = 1; left > -BK; left -= BK, stage ^= 1) {
        const bool more = left > 0;
        if (more) {
            from_a.fetch(left);
            from_b.fetch(left);
        }
        if (left < k) multiply<S>(sum, stages[stage][0], stages[stage][1], warp_row + lane_row * 4, warp_col + lane_col * 4);
        if (more) {
            from_a.put(stages[stage ^ 1][0]);
            from_b.put(stages[stage ^ 1][1]);
        }
        __syncthreads();
    }

    // 8 rows of the warp's outputs at a time; 16 banks from row to row keep the quads of 8 lanes apart
    constexpr int COLS = 16 * S::ACROSS, EXIT_LD = S::ACROSS == 1 ? 16 : COLS + 16;
    static_assert(S::THREADS / 32 * 8 * EXIT_LD <= 4 * BK * LD, "the stages have room for the rows");
    f32* const rows = &stages[0][0][0][0] + warp * 8 * EXIT_LD;
    const auto exit = out.template exit<COLS, EXIT_LD>(at, at.col + warp_col);
#pragma unroll 1
    for (int pass = 0; pass < S::DOWN * 4; pass++) {
#pragma unroll
        for (int r = 0; r < S::DOWN * 4; r++) {
#pragma unroll
            for (int c = 0; c < S::ACROSS; c++)
                if (r == pass) {
                    float4* to = reinterpret_cast<float4*>(rows + lane_row * EXIT_LD + lane_col * 4 + 16 * c);
                    *to = make_float4(sum[r][4 * c], sum[r][4 * c + 1], sum[r][4 * c + 2], sum[r][4 * c + 3]);
                }
        }
        exit.template leave<8>(rows, at.row + warp_row + pass / 4 * 32 + pass % 4, 4);
    }
}
