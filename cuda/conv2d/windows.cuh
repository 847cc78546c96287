// The windows of a convolution as an operand of the mma kernels: whoever fetches them 16 bytes at a time.
//
// The tensor is channels-last, (images, rows, columns, groups, channels), its padding written out and the channels of a group
// filled up to whole pieces of 16 bytes (chunks), see conv2d_layout.cu. So what a window holds of a tap is CHUNKS in a row,
// no tap needs to be asked whether it is inside, and where a chunk lies is a sum of two offsets: that of the window's
// position, and that of the tap and the channels.
#pragma once
#include "matmul/mma_tile.cuh"

// Offsets of the numbers 0, 1, ... in mixed radix: low of `lows`, then mid of `mids`, then high, weighted.
struct Ladder {
    int lows, mids, per_low, per_mid, per_high;

    __device__ __forceinline__ int offset(int i) const {
        const int rest = i / lows;
        return i % lows * per_low + rest % mids * per_mid + rest / mids * per_high;
    }
};

// A step along a ladder, all of it known to the host, so that it needs no registers. What it adds to the digits and to the
// offset is as if both were carried out of: less their bases, with 1 more for mid; and what a carry is to the offset.
struct Step {
    int low, mid, minus_lows, minus_mids, offset, carry_low, carry_mid;
};

// A place on a ladder that moves by additions.
struct Walk {
    int low, mid, offset;

    __device__ __forceinline__ Walk(const Ladder& ladder, int i)
        : low(i % ladder.lows), mid(i / ladder.lows % ladder.mids), offset(ladder.offset(i)) {}

    // Nothing is asked: a digit below its base is negative when its base is taken away, and the sign is -1.
    __device__ __forceinline__ void advance(const Step& step) {
        low += step.low;
        const int short_low = low >> 31;
        low += short_low * step.minus_lows;
        mid += step.mid + short_low;
        const int short_mid = mid >> 31;
        mid += short_mid * step.minus_mids;
        offset += short_low * step.carry_low + short_mid * step.carry_mid + step.offset;
    }
};

// Chunk i from p on. Left to the compiler, p is taken apart into what it was made of, and added up again in the loop.
__device__ __forceinline__ const void* chunk_at(const void* p, int i) {
    const void* at;
    asm("mad.wide.s32 %0, %1, 16, %2;" : "=l"(at) : "r"(i), "l"(p));
    return at;
}

// Tiles whose rows are windows and go along k, through taps and channels: ROWS positions from `row` on of the `extent` that there
// are, the last again past it.
template <class T, int ROWS, int THREADS> struct Windows {
    using Tile = ::Tile<T, ROWS, true>;
    static constexpr int COUNT = ROWS * 4 / THREADS, APART = THREADS / 4;

    const Ladder taps;
    const Step step;
    const void* at[COUNT];
    Walk walk;
    u32 to;

    __device__ __forceinline__ Windows(const void* x, const Ladder& positions, const Ladder& taps, const Step& step,
                                       int row, int extent)
        : taps(taps), step(step), walk(taps, threadIdx.x % 4) {
        const int line = threadIdx.x / 4;
#pragma unroll
        for (int i = 0; i < COUNT; i++) at[i] = chunk_at(x, positions.offset(min(row + line + i * APART, extent - 1)));
        to = Tile::chunk(line, threadIdx.x % 4);
    }

    // The next whole tile, or zeros.
    __device__ __forceinline__ void fetch(u32 tile, bool more) {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + to + i * APART * Tile::LINE, chunk_at(at[i], walk.offset), more);
        walk.advance(step);
    }
    // The one behind `whole` whole tiles, which has `rest` elements along k, whole chunks.
    __device__ __forceinline__ void fetch_rest(u32 tile, int whole, int rest) const {
        const int c = threadIdx.x % 4;
        const int offset = taps.offset(whole * 4 + c);
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + to + i * APART * Tile::LINE, chunk_at(at[i], offset), c * Tile::PER < rest);
    }
};

// Tiles whose rows are chunks of taps and channels, from element `col` of `extent` on, and k goes through positions from
// `first` on. Of 16 bits, a lane brings a chunk of COUNT positions, so that neighbours read on; where each lies, one lane keeps
// for those of its warp that fetch of it. Of 32, it brings COUNT chunks of one position: nobody needs to be told.
template <class T, int ROWS, int THREADS> struct WindowsAcross {
    using Tile = ::Tile<T, ROWS, false>;
    static constexpr int COUNT = ROWS * 4 / THREADS;
    static constexpr bool OWN = Tile::BY_WORDS;
    static constexpr int LANES = OWN ? THREADS / Tile::K : Tile::CHUNKS; // side by side at one position
    static constexpr int APART = THREADS / LANES;                        // positions between a lane's chunks

    const Ladder positions;
    const Step step;
    const void* at[OWN ? COUNT : 1];
    Walk walk;
    int first;
    u32 to;

    __device__ __forceinline__ WindowsAcross(const void* x, const Ladder& positions, const Ladder& taps, const Step& step,
                                             int col, int extent, int first)
        : positions(positions), step(step),
          walk(positions, first + threadIdx.x / LANES + (OWN ? 0 : threadIdx.x % LANES % COUNT * APART)), first(first) {
        const int c = threadIdx.x % LANES;
#pragma unroll
        for (int i = 0; i < (OWN ? COUNT : 1); i++)
            at[i] = chunk_at(x, taps.offset(min(col / Tile::PER + c + i * LANES, extent / Tile::PER - 1)));
        to = Tile::chunk(threadIdx.x / LANES, c);
    }

    // Chunk i of this lane, at the offset of its position.
    __device__ __forceinline__ void copy(u32 tile, int i, int offset, bool there) const {
        copy_async(tile + to + i * (OWN ? LANES * 16 : APART * Tile::LINE), chunk_at(at[OWN ? i : 0], offset), there);
    }
    __device__ __forceinline__ void fetch(u32 tile, bool more) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) copy(tile, i, OWN ? walk.offset : __shfl_sync(0xffffffff, walk.offset, i, LANES), more);
        walk.advance(step);
    }
    __device__ __forceinline__ void fetch_rest(u32 tile, int whole, int rest) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            const int position = threadIdx.x / LANES + (OWN ? 0 : i * APART);
            copy(tile, i, positions.offset(first + whole * Tile::K + position), position < rest);
        }
    }
};
