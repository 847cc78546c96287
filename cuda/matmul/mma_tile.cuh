// A tile of an operand of the mma kernels: how it comes to shared memory, how it lies there, and how a warp reads the
// factors of mma.sync from it.
//
// A tile is ROWS along m or n by 64 bytes of elements along k. It is kept as the operand is stored, so that each 16 bytes of it
// (a chunk) are one cp.async. A chunk's number within its row is xored with what differs between the rows that one access
// touches: no access meets a bank twice, and no row is padded.
#pragma once
#include "matmul/mma_sync.cuh"

// ALONG_K: the operand's rows go along k. Else they go along m or n, CHUNKS chunks of each in a tile.
template <class T, int ROWS_, bool ALONG_K_> struct Tile {
    static constexpr int ROWS = ROWS_, BYTES = ROWS * 64, PER = 16 / sizeof(T), K = 64 / sizeof(T);
    static constexpr bool ALONG_K = ALONG_K_;
    static constexpr int CHUNKS = ALONG_K ? 4 : ROWS / PER, LINE = 16 * CHUNKS;
    // ldmatrix cannot transpose elements of 32 bits, so they are loaded one by one or as pairs.
    static constexpr bool BY_WORDS = !ALONG_K && sizeof(T) == 4;

    static __device__ __forceinline__ u32 chunk(int line, int c) {
        // of lines of 96 rows in halves, every other one begins at the other half of the banks
        const bool halves = ALONG_K || CHUNKS % 8 == 4;
        const int differs = halves && !BY_WORDS ? line / 2 % 4 : BY_WORDS ? line % 4 * 2 : line % 8;
        return line * LINE + (c ^ differs) * 16;
    }
};

// Brings one tile after another. Rows past the operand's end are the last one again (what they give is not stored), so that
// the loop asks nothing but whether there is a tile at all; k past its end is zeros.
template <class Tile, int THREADS, class T> struct Stager {
    static constexpr int COUNT = Tile::ROWS * 4 / THREADS;
    static constexpr int APART = THREADS / Tile::CHUNKS; // stored rows between a thread's chunks

    const char* at[COUNT];
    i64 step;
    int along_k;
    u32 to;

    // Rows from `row` on of the `extent` that the operand has.
    __device__ __forceinline__ Stager(const T* p, i64 ld, int row, int extent) {
        const int line = threadIdx.x / Tile::CHUNKS, c = threadIdx.x % Tile::CHUNKS;
        along_k = Tile::ALONG_K ? c * Tile::PER : line;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            const i64 r = Tile::ALONG_K ? min(row + line + i * APART, extent - 1)
                                        : min(row + c * Tile::PER, extent - Tile::PER);
            const T* first = Tile::ALONG_K ? p + r * ld + along_k : p + (along_k + i * APART) * ld + r;
            at[i] = reinterpret_cast<const char*>(first);
        }
        step = (Tile::ALONG_K ? 1 : ld) * Tile::K * (int)sizeof(T);
        to = Tile::chunk(line, c);
    }

    // The next whole tile, or zeros.
    __device__ __forceinline__ void fetch(u32 tile, bool more) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            copy_async(tile + to + i * APART * Tile::LINE, at[i], more);
            at[i] += step;
        }
    }
    // The one behind `whole` whole tiles, which has `rest` elements along k.
    __device__ __forceinline__ void fetch_rest(u32 tile, int whole, int rest) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            copy_async(tile + to + i * APART * Tile::LINE, at[i] + whole * step,
                       along_k + (Tile::ALONG_K ? 0 : i * APART) < rest);
    }
};

// COUNT x 16 rows of a tile as first factors of mma, 32 bytes along k at a time (`half` 0 or 1). Where they come as pairs, a
// lane's rows l / 4 and l / 4 + 8 of mma are rows 2 (l / 4) and the next of the tile.
template <class Tile, int COUNT> struct First {
    static constexpr int LANES = Tile::ALONG_K || Tile::BY_WORDS ? 2 : COUNT;
    static constexpr int PAIR = Tile::BY_WORDS ? 1 : 8, APART = Tile::BY_WORDS ? 2 : 1;
    u32 lanes[LANES];

    // Of the tiles that begin at `tile`, a multiple of 128, rows from `row` on.
    __device__ __forceinline__ First(u32 tile, int row) {
        const int l = threadIdx.x % 32;
#pragma unroll
        for (int i = 0; i < LANES; i++)
            lanes[i] = tile + (Tile::BY_WORDS  ? Tile::chunk(l % 4, row / 4 + l / 8 + i * 4) + l / 4 % 2 * 8
                               : Tile::ALONG_K ? Tile::chunk(row + l % 16, l / 16 + i * 2)
                                               : Tile::chunk(l / 16 * 8 + l % 8, row / 8 + l / 8 % 2 + i * 2));
    }
    __device__ __forceinline__ void load(u32 (&to)[COUNT][4], u32 stage, int half) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            if (Tile::BY_WORDS) {
                const u32 from = lanes[i % 2] + stage + i / 2 * 128 + half * 8 * Tile::LINE;
                load_pair(to[i][0], to[i][1], from);
                load_pair(to[i][2], to[i][3], from + 4 * Tile::LINE);
            } else if (Tile::ALONG_K) {
                load_matrices<false>(to[i], lanes[half % LANES] + stage + i * 16 * Tile::LINE);
            } else {
                load_matrices<true>(to[i], lanes[i % LANES] + stage + half * 16 * Tile::LINE);
            }
        }
    }
};

// COUNT x 8 rows of a tile as second factors.
template <class Tile, int COUNT> struct Second {
    static constexpr int LANES = Tile::ALONG_K ? 2 : Tile::BY_WORDS ? 4 : COUNT / 2;
    u32 lanes[LANES];

    __device__ __forceinline__ Second(u32 tile, int row) {
        const int l = threadIdx.x % 32;
        const u32 lane = Tile::BY_WORDS  ? Tile::chunk(l % 4, row / 4 + l / 16) + l / 4 % 4 * 4
                         : Tile::ALONG_K ? Tile::chunk(row + l / 16 * 8 + l % 8, l / 8 % 2)
                                         : Tile::chunk(l % 16, row / 8 + l / 16);
#pragma unroll
        for (int i = 0; i < LANES; i++) lanes[i] = tile + (lane ^ i * 32);
    }
    __device__ __forceinline__ void load(u32 (&to)[COUNT][2], u32 stage, int half) const {
#pragma unroll
        for (int i = 0; i < COUNT; i += 2) {
            if (Tile::BY_WORDS) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    const int j = i + e / 2;
                    to[j][e % 2] = load_word(lanes[j % LANES] + stage + j / 4 * 128 + (half * 8 + e % 2 * 4) * Tile::LINE);
                }
            } else {
                u32 two[4];
                if (Tile::ALONG_K) {
                    load_matrices<false>(two, lanes[half % LANES] + stage + i * 8 * Tile::LINE);
                } else {
                    load_matrices<true>(two, lanes[i / 2 % LANES] + stage + half * 16 * Tile::LINE);
                }
#pragma unroll
                for (int e = 0; e < 4; e++) to[i + e / 2][e % 2] = two[e];
            }
        }
    }
};
