// The loop of the mma kernels: one block computes one tile of outputs, whatever brings the operands (stagers with `fetch` and
// `fetch_rest`, see mma_tile.cuh) and whatever takes the sums (an output with `exit<COLS, LD>(place, col)`, see epilogue.cuh).
#pragma once
#include "matmul/epilogue.cuh"
#include "matmul/mma_tile.cuh"

// WARPS_M x WARPS_N warps of WARP_M x WARP_N outputs; STAGES tiles of either operand are on their way or read.
template <int WARPS_M_, int WARPS_N_, int WARP_M_, int STAGES_, int WARP_N_ = WARP_M_> struct Shape {
    static constexpr int WARPS_M = WARPS_M_, WARPS_N = WARPS_N_, WARP_M = WARP_M_, WARP_N = WARP_N_, STAGES = STAGES_;
    static constexpr int TILE_M = WARPS_M * WARP_M, TILE_N = WARPS_N * WARP_N, THREADS = 32 * WARPS_M * WARPS_N;
};

// A warp's sums: 16 rows of the first factor (x) by 8 of the second (y) each.
template <int DOWN, int ACROSS> struct Sums {
    f32 at[DOWN][ACROSS][4] = {};

    template <class T> __device__ __forceinline__ void add(const u32 (&x)[DOWN][4], const u32 (&y)[ACROSS][2]) {
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ACROSS; j++) multiply<T>(at[i][j], x[i], y[j]);
    }
};

// 16 rows of the warp's outputs at a time go to shared memory, from where whole rows leave.
template <class X, class S, int DOWN, int ACROSS, class Out>
__device__ __forceinline__ void leave(const Sums<DOWN, ACROSS>& sums, f32* shared, const Place& at, int row, int col, const Out& out) {
    constexpr int LD = S::WARP_N + 8; // 8 banks from row to row keep the parts of a store apart
    const int l = threadIdx.x % 32;
    f32* const rows = shared + threadIdx.x / 32 * 16 * LD;
    const auto exit = out.template exit<S::WARP_N, LD>(at, at.col + col);
#pragma unroll 1
    for (int pass = 0; pass < DOWN; pass++) {
#pragma unroll
        for (int i = 0; i < DOWN; i++)
            if (i == pass) {
#pragma unroll
                for (int e = 0; e < 2; e++)
#pragma unroll
                    for (int j = 0; j < ACROSS; j++) {
                        float2* to = reinterpret_cast<float2*>(rows + (e * 8 + l / 4) * LD + j * 8 + l % 4 * 2);
                        *to = make_float2(sums.at[i][j][e * 2], sums.at[i][j][e * 2 + 1]);
                    }
            }
        const int first = at.row + row + pass * 16;
        exit.template leave<8>(rows, first, X::APART);
        exit.template leave<8>(rows + 8 * LD, first + X::PAIR, X::APART);
    }
}

// The same where x is b, so that the sums are a tile of y's transpose.
template <class X, class S, int DOWN, int ACROSS, class Out>
__device__ __forceinline__ void leave_transposed(const Sums<DOWN, ACROSS>& sums, f32* shared, const Place& at, int row, int col,
                                                 const Out& out) {
    static_assert(X::PAIR == 1, "a lane's rows of x are neighbours");
    constexpr int LD = S::WARP_N + 4; // 8 banks between rows that are two apart
    const int l = threadIdx.x % 32;
    f32* const rows = shared + threadIdx.x / 32 * 16 * LD;
    const auto exit = out.template exit<S::WARP_N, LD>(at, at.col + col);
#pragma unroll 1
    for (int pass = 0; pass < ACROSS / 2; pass++) {
#pragma unroll
        for (int j = 0; j < ACROSS; j++)
            if (j / 2 == pass) {
#pragma unroll
                for (int e = 0; e < 2; e++)
#pragma unroll
                    for (int i = 0; i < DOWN; i++) {
                        float2* to = reinterpret_cast<float2*>(rows + (j % 2 * 8 + l % 4 * 2 + e) * LD + i * 16 + l / 4 * 2);
                        *to = make_float2(sums.at[i][j][e], sums.at[i][j][e + 2]);
                    }
            }
        exit.template leave<16>(rows, at.row + row + pass * 16, 1);
    }
}

// TRANSPOSED: the first factor is b.
template <class S, class T, class TileA, class TileB, class FromA, class FromB, class Out>
__device__ __forceinline__ void product(FromA& from_a, FromB& from_b, int k, const Place& at, const Out& out) {
    // of elements that are loaded one by one, only a first factor can be loaded as pairs
    constexpr bool TRANSPOSED = TileB::BY_WORDS && !TileA::BY_WORDS;
    constexpr int STAGES = S::STAGES, STAGE = TileA::BYTES + TileB::BYTES;
    using TileX = typename Pick<TRANSPOSED, TileB, TileA>::Type;
    using TileY = typename Pick<TRANSPOSED, TileA, TileB>::Type;
    constexpr int DOWN = (TRANSPOSED ? S::WARP_N : S::WARP_M) / 16, ACROSS = (TRANSPOSED ? S::WARP_M : S::WARP_N) / 8;
    using X = First<TileX, DOWN>;
    using Y = Second<TileY, ACROSS>;

    extern __shared__ __align__(128) unsigned char shared[];
    const u32 tile_a = shared_address(shared), tile_b = tile_a + TileA::BYTES;
    const int row = threadIdx.x / 32 / S::WARPS_N * S::WARP_M, col = threadIdx.x / 32 % S::WARPS_N * S::WARP_N;
    const X from_x(TRANSPOSED ? tile_b : tile_a, TRANSPOSED ? col : row);
    const Y from_y(TRANSPOSED ? tile_a : tile_b, TRANSPOSED ? row : col);

    // The incomplete tile comes first: behind it all are whole, and past the last one all are zeros.
    const int whole = k / TileA::K, rest = k % TileA::K;
    int left = whole;
#pragma unroll
    for (int i = 0; i < STAGES; i++) {
        if (i == 0 && rest != 0) {
            from_a.fetch_rest(tile_a, whole, rest);
            from_b.fetch_rest(tile_b, whole, rest);
        } else {
            from_a.fetch(tile_a + i * STAGE, left > 0);
            from_b.fetch(tile_b + i * STAGE, left > 0);
            left--;
        }
        end_copies();
    }
    wait_copies<STAGES - 1>();
    __syncthreads();

    Sums<DOWN, ACROSS> sums;
    u32 x[2][DOWN][4], y[2][ACROSS][2], stage = 0;
    from_x.load(x[0], stage, 0);
    from_y.load(y[0], stage, 0);
    // once round the ring, so that where a stage lies is part of the instructions
#pragma unroll STAGES
    for (; left > -STAGES; left--) {
        from_x.load(x[1], stage, 1);
        from_y.load(y[1], stage, 1);
        sums.template add<T>(x[0], y[0]);
        wait_copies<STAGES - 2>();
        // the next stage is complete, and everybody has what he needs of this one
        __syncthreads();
        from_a.fetch(tile_a + stage, left > 0);
        from_b.fetch(tile_b + stage, left > 0);
        end_copies();
        stage = stage + STAGE == STAGES * STAGE ? 0 : stage + STAGE;
        from_x.load(x[0], stage, 0);
        from_y.load(y[0], stage, 0);
        sums.template add<T>(x[1], y[1]);
    }
    wait_copies<0>();
    __syncthreads();

    f32* const rows = reinterpret_cast<f32*>(shared);
    if constexpr (TRANSPOSED) {
        leave_transposed<X, S>(sums, rows, at, row, col, out);
    } else {
        leave<X, S>(sums, rows, at, row, col, out);
    }
}
