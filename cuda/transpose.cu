// transpose: y[b, c, r] = x[b, r, c]
//
// Parameters  x (batch, rows, cols) row-major, y (batch, cols, rows); b64, b32, b16, b8 move elements of
//             so many bits
// Grid        one block of 256 threads per tile (32 x 32 words of 64 or 32 bits, 64 x 64 of less), along the columns first, batch last
// Why         Only shared memory can turn rows into columns with both sides coalesced: a tile is read by rows and
//             written by rows. Its rows are 33 words apart, so that a column lies in 32 different banks. Halves move in
//             pairs: a thread reads two of them from each of two rows and swaps the 2 x 2 block in registers, so a tile
//             of 64 x 64 halves is two of 32 x 32 words, one for the even and one for the odd output rows. A thread asks for
//             all that it reads before it waits for any of it.
// Limits      pairs need even rows and cols and 4-byte alignment, checked here; else halves go one by one

#include "number.cuh"

constexpr int WARP = 32, STEP = 8;

// The tile of this block: batch b, tile row i, tile column j.
struct Tile {
    i64 b;
    int i, j;
};
__device__ __forceinline__ Tile tile(int rows, int cols, int size) {
    const int across = (cols + size - 1) / size, down = (rows + size - 1) / size;
    const i64 band = blockIdx.x / across;
    return {band / down, (int)(band % down), (int)(blockIdx.x % across)};
}

template <class T, int SIZE, int PITCH>
__device__ __forceinline__ void transpose(const T* x, T* y, T* words, int rows, int cols) {
    const Tile t = tile(rows, cols, SIZE);
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    x += t.b * rows * cols, y += t.b * rows * cols;
    // all loads before the first store: a store to `words` waits for its load, and the next load would wait behind it
    T read[SIZE / STEP][SIZE / WARP];
#pragma unroll
    for (int i = 0; i < SIZE / STEP; i++)
#pragma unroll
        for (int j = 0; j < SIZE / WARP; j++) {
            const int r = t.i * SIZE + warp + i * STEP, c = t.j * SIZE + lane + j * WARP;
            read[i][j] = r < rows && c < cols ? x[(i64)r * cols + c] : T();
        }
#pragma unroll
    for (int i = 0; i < SIZE / STEP; i++)
#pragma unroll
        for (int j = 0; j < SIZE / WARP; j++) words[(warp + i * STEP) * PITCH + lane + j * WARP] = read[i][j];
    __syncthreads();
#pragma unroll
    for (int k = warp; k < SIZE; k += STEP)
#pragma unroll
        for (int l = lane; l < SIZE; l += WARP) {
            const int r = t.i * SIZE + l, c = t.j * SIZE + k;
            if (r < rows && c < cols) y[(i64)c * rows + r] = words[l * PITCH + k];
        }
}

// The same on pairs of halves; rows and cols are counted in pairs here.
__device__ __forceinline__ void transpose_pairs(const unsigned* x, unsigned* y, unsigned* words, int rows, int cols) {
    constexpr int PITCH = WARP + 1, ODD = WARP * PITCH;
    const Tile t = tile(rows, cols, WARP);
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    x += t.b * 2 * rows * cols, y += t.b * 2 * rows * cols;
    unsigned upper[WARP / STEP], lower[WARP / STEP];
#pragma unroll
    for (int i = 0; i < WARP / STEP; i++) {
        const int r = t.i * WARP + warp + i * STEP, c = t.j * WARP + lane;
        const bool inside = r < rows && c < cols;
        const i64 at = (i64)r * 2 * cols + c;
        upper[i] = inside ? x[at] : 0, lower[i] = inside ? x[at + cols] : 0;
    }
#pragma unroll
    for (int i = 0; i < WARP / STEP; i++) {
        unsigned* const to = words + (warp + i * STEP) * PITCH + lane;
        to[0] = __byte_perm(upper[i], lower[i], 0x5410);
        to[ODD] = __byte_perm(upper[i], lower[i], 0x7632);
    }
    __syncthreads();
#pragma unroll
    for (int k = warp; k < WARP; k += STEP) {
        const int r = t.i * WARP + lane, c = t.j * WARP + k;
        if (r < rows && c < cols) {
            const i64 at = (i64)c * 2 * rows + r;
            y[at] = words[lane * PITCH + k];
            y[at + rows] = words[lane * PITCH + k + ODD];
        }
    }
}

extern "C" __global__ void transpose_b32(const unsigned* x, unsigned* y, int rows, int cols) {
    __shared__ unsigned words[32 * 33];
    transpose<unsigned, 32, 33>(x, y, words, rows, cols);
}

extern "C" __global__ void transpose_b16(const unsigned short* x, unsigned short* y, int rows, int cols) {
    __shared__ unsigned words[2 * 32 * 33];
    const bool aligned =
        (reinterpret_cast<unsigned long long>(x) | reinterpret_cast<unsigned long long>(y)) % sizeof(unsigned) == 0;
    if (aligned && rows % 2 == 0 && cols % 2 == 0)
        transpose_pairs(reinterpret_cast<const unsigned*>(x), reinterpret_cast<unsigned*>(y), words, rows / 2, cols / 2);
    else
        transpose<unsigned short, 64, 66>(x, y, reinterpret_cast<unsigned short*>(words), rows, cols);
}

extern "C" __global__ void transpose_b64(const unsigned long long* x, unsigned long long* y, int rows, int cols) {
    __shared__ unsigned long long words[32 * 33];
    transpose<unsigned long long, 32, 33>(x, y, words, rows, cols);
}

extern "C" __global__ void transpose_b8(const unsigned char* x, unsigned char* y, int rows, int cols) {
    __shared__ unsigned char words[64 * 68];
    transpose<unsigned char, 64, 68>(x, y, words, rows, cols);
}
