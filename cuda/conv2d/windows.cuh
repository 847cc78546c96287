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

// A step along N ladders of the same digits, all of it known to the host, so that it needs no registers. What it adds to the digits
// and to an offset is as if both were carried out of: less their bases, with 1 more for mid; and what a carry is to an offset.
template <int N> struct Step {
    int low, mid, minus_lows, minus_mids, offset[N], carry_low[N], carry_mid[N];
};

// A place on ladders that moves by additions.
template <int N> struct Walk {
    int low, mid, offset[N];

    __device__ __forceinline__ Walk(const Ladder (&ladders)[N], int i)
        : low(i % ladders[0].lows), mid(i / ladders[0].lows % ladders[0].mids) {
#pragma unroll
        for (int j = 0; j < N; j++) offset[j] = ladders[j].offset(i);
    }

    // Nothing is asked: a digit below its base is negative when its base is taken away, and the sign is -1.
    __device__ __forceinline__ void advance(const Step<N>& step) {
        low += step.low;
        const int short_low = low >> 31;
        low += short_low * step.minus_lows;
        mid += step.mid + short_low;
        const int short_mid = mid >> 31;
        mid += short_mid * step.minus_mids;
#pragma unroll
        for (int j = 0; j < N; j++) offset[j] += short_low * step.carry_low[j] + short_mid * step.carry_mid[j] + step.offset[j];
    }
};

// Chunk i from p on. Left to the compiler, p is taken apart into what it was made of, and added up again in the loop.
__device__ __forceinline__ const void* chunk_at(const void* p, int i) {
    const void* at;
    asm("mad.wide.s32 %0, %1, 16, %2;" : "=l"(at) : "r"(i), "l"(p));
    return at;
}
// The same for an i that others use too: of equal products ptxas makes one, and then adds it in as many instructions as it takes to
// multiply and add.
__device__ __forceinline__ const void* chunk_at_too(const void* p, int i) {
    const void* at;
    asm("mad.wide.u32 %0, %1, 16, %2;" : "=l"(at) : "r"(i), "l"(p));
    return at;
}

// Tiles whose rows are windows and go along k, through taps and channels: ROWS positions from `row` on of the `extent` that there
// are, the last again past it.
template <class T, int ROWS, int THREADS> struct Windows {
    using Tile = ::Tile<T, ROWS, true>;
    static constexpr int COUNT = ROWS * 4 / THREADS, APART = THREADS / 4;

    const Ladder taps;
    const Step<1> step;
    const void* at[COUNT];
    Walk<1> walk;
    u32 to;

    __device__ __forceinline__ Windows(const void* x, const Ladder& positions, const Ladder& taps, const Step<1>& step,
                                       int row, int extent)
        : taps(taps), step(step), walk({taps}, threadIdx.x % 4) {
        const int line = threadIdx.x / 4;
#pragma unroll
        for (int i = 0; i < COUNT; i++) at[i] = chunk_at(x, positions.offset(min(row + line + i * APART, extent - 1)));
        to = Tile::chunk(line, threadIdx.x % 4);
    }

    // The next whole tile, or zeros.
    __device__ __forceinline__ void fetch(u32 tile, bool more) {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + to + i * APART * Tile::LINE, chunk_at(at[i], walk.offset[0]), more);
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

// Which position of a step a thread brings chunks of, LANES of them side by side. What eight lanes write at a time must meet no bank
// twice: of 16 bits that is two positions, which differ in parity and in what four of them differ in.
template <class T, int THREADS> struct Side {
    static constexpr int K = 64 / sizeof(T), LANES = THREADS / K;

    static __device__ __forceinline__ int line() {
        static_assert(LANES == 4 || LANES == 8, "eight lanes write one position or two");
        const int of = threadIdx.x / LANES, pair = of % 8 / 2;
        if (LANES == 8) return of;
        return of / 8 * 8 + (of % 2 == 0 ? pair : 4 + (pair ^ 1));
    }
    // Where chunk c + i * LANES lies, from where the first two do.
    static __device__ __forceinline__ u32 chunk(const u32 (&to)[2], int i) {
        return LANES == 8 ? to[0] + i * 128 : to[i % 2] + i / 2 * 128;
    }
};

// Tiles whose rows are chunks of taps and channels, from element `col` of `extent` on, and k goes through positions from
// `first` on. A lane brings COUNT chunks of one position: nobody needs to be told where another's lies.
// `positions` are those of x and, where there is a second ladder, those of what is multiplied with it (Channels).
template <class T, int ROWS, int THREADS, int N> struct WindowsAcross {
    using Tile = ::Tile<T, ROWS, false>;
    static constexpr int LANES = Side<T, THREADS>::LANES, COUNT = Tile::CHUNKS / LANES;

    const Ladder positions;
    const Step<N> step;
    const void* at[COUNT];
    Walk<N> walk;
    int first, line;
    u32 to[2];

    __device__ __forceinline__ WindowsAcross(const void* x, const Ladder (&positions)[N], const Ladder& taps,
                                             const Step<N>& step, int col, int extent, int first)
        : positions(positions[0]), step(step), walk(positions, first + Side<T, THREADS>::line()), first(first),
          line(Side<T, THREADS>::line()) {
        const int c = threadIdx.x % LANES;
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            at[i] = chunk_at(x, taps.offset(min(col / Tile::PER + c + i * LANES, extent / Tile::PER - 1)));
#pragma unroll
        for (int i = 0; i < 2; i++) to[i] = Tile::chunk(line, c + i * LANES);
    }

    __device__ __forceinline__ void copy(u32 tile, int offset, bool there) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + Side<T, THREADS>::chunk(to, i), i == 0 ? chunk_at(at[i], offset) : chunk_at_too(at[i], offset), there);
    }
    __device__ __forceinline__ void fetch(u32 tile, bool more) {
        copy(tile, walk.offset[0], more);
        walk.advance(step);
    }
    __device__ __forceinline__ void fetch_rest(u32 tile, int whole, int rest) const {
        copy(tile, positions.offset(first + whole * Tile::K + line), line < rest);
    }
};

// Tiles whose rows are channels from `row` on, and k goes through the positions that the windows beside it walk, lane by lane. Past
// the last channel is what lies behind it in memory, which is there and becomes rows that are not stored.
template <class T, int ROWS, int THREADS, class Beside> struct Channels {
    using Tile = ::Tile<T, ROWS, false>;
    static constexpr int LANES = Side<T, THREADS>::LANES, COUNT = Tile::CHUNKS / LANES;
    static_assert(COUNT * LANES == Tile::CHUNKS, "a lane brings as many chunks as others");

    const Beside& beside;
    const Ladder positions;
    const void* at;
    u32 to[2];

    __device__ __forceinline__ Channels(const void* dy, const Ladder& positions, int row, const Beside& beside)
        : beside(beside), positions(positions), at(chunk_at(dy, row / Tile::PER + threadIdx.x % LANES)) {
#pragma unroll
        for (int i = 0; i < 2; i++) to[i] = Tile::chunk(beside.line, threadIdx.x % LANES + i * LANES);
    }

    __device__ __forceinline__ void copy(u32 tile, int offset, bool there) const {
        const char* const from = static_cast<const char*>(chunk_at(at, offset));
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + Side<T, THREADS>::chunk(to, i), from + i * LANES * 16, there);
    }
    // Before `beside` goes on.
    __device__ __forceinline__ void fetch(u32 tile, bool more) const { copy(tile, beside.walk.offset[1], more); }
    __device__ __forceinline__ void fetch_rest(u32 tile, int whole, int rest) const {
        copy(tile, positions.offset(beside.first + whole * Tile::K + beside.line), beside.line < rest);
    }
};
