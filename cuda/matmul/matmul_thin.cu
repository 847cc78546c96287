// matmul_thin_dots, _sums: y = activation(op(a) op(b) + bias) with at most 16 rows or columns
// matmul_thin_terms: the same with at most 16 terms to a sum
//
// Parameters  dots, sums: `thin` is the operand of the `count` rows or columns, element (r, t) at r * thin_r + t * thin_t; `wide` the
//             other, element (l, t) at l * ld + t (dots) or t * ld + l (sums); y has element (r, l) at r * y_r + l * y_l; bias or null,
//             for each r or for each l. part_k terms to a part, a multiple of 4; where there are parts, `partial` gets their sums in
//             f32, y's strides are those of a part's matrices, and matmul_finish (matmul_split.cu) goes on. Otherwise it is null
//             terms: a, b, y, bias as matmul_tiled's, but element (t, j) of b at t * b_t + j * b_j, and (i, t) of a at i * a_i + t * a_t
// Entries     matmul_thin_{dots,sums,terms}_<T>
// Grid        dots, sums: parts * batch * ceil(length / 32) blocks of 128 threads along x; terms: batch * ceil(m / 32) * ceil(n / 128)
// Why         A tile of 32 columns for 3 of them asks for ten times the products, and for what it reads again. Here the wide operand,
//             which is what there is to move, is read once, 4 elements at a time along the way it is stored, and the thin one from shared
//             memory in f32. dots: eight threads share two of l, so that what they ask for is whole lines; each asks for two pieces before it
//             multiplies. sums: a thread has four of l next to each other, and 16 threads share their terms. terms: a thread keeps its
//             columns of b, and y is all there is to move. Operands that are not aligned to 4 elements part ways at the loads alone.
// Limits      the binding checks count, k against 16 and i32, and that grid.x holds the blocks

#include "floats.cuh"
#include "matmul/epilogue.cuh"

constexpr int THREADS = 128, MOST = 16;
// Of l, what a block has; terms that are in shared memory at once.
constexpr int LONG = 32, CHUNK = 256;
constexpr int PITCH = LONG + 1;
// What one of the threads that share terms leaves in shared memory, and four numbers more, which keep them off each other's banks.
constexpr int APART = MOST * LONG + 4;

template <class T> struct Thin {
    const T *thin, *wide, *bias;
    T* y;
    f32* partial;
    int count, length, k, part_k;
    i64 thin_r, thin_t, ld, y_r, y_l;
    int batch, bias_by_r, activation;
};

// The thin operand's `size` terms from `first` on, in f32 and with zeros up to whole steps and quads of rows: (r, t) at
// r * by_r + t * by_t.
template <class T>
__device__ __forceinline__ void stage(f32* to, const Thin<T>& of, int first, int size, int end, int by_r, int by_t) {
    const int rows = (of.count + 3) & ~3;
    const bool along = of.thin_t == 1;
#pragma unroll 1
    for (int i = threadIdx.x; i < (along ? rows * CHUNK : size * MOST); i += THREADS) {
        const int r = along ? i / CHUNK : i % MOST, t = along ? i % CHUNK : i / MOST;
        if (r >= rows || t >= size) continue;
        const bool there = r < of.count && first + t < end;
        to[r * by_r + t * by_t] = there ? to_f32(of.thin[r * of.thin_r + (first + t) * of.thin_t]) : 0.0f;
    }
}

// Has `fetch` load by quads of which `count` elements are there; a whole one is there or not.
template <class T, class Fetch> __device__ __forceinline__ void fetch_quads(bool whole, Fetch&& fetch) {
    if (whole) {
        fetch([](const T* p, int count) { return load_whole_quad(p, count > 0); });
    } else {
        fetch([](const T* p, int count) { return load_quad(p, count, false); });
    }
}

// Calls `at` with the number of every quad of rows, or terms, that is there.
template <class At> __device__ __forceinline__ void each_quad(int count, At&& at) {
#pragma unroll
    for (int q = 0; q < MOST / 4; q++)
        if (4 * q < count) at(q);
}

template <class T>
__device__ __forceinline__ void dots(const Thin<T>& of, f32* staged, f32* out, int tile, int begin, int end, bool whole) {
    constexpr int SHARERS = 8, EACH = LONG * SHARERS / THREADS;
    const int group = threadIdx.x / SHARERS, lane = threadIdx.x % SHARERS;
    const T* rows[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++)
        rows[j] = of.wide + min(tile * LONG + group + j * (LONG / EACH), of.length - 1) * of.ld;
    f32 sum[EACH][MOST] = {};
    constexpr int STEP = 4 * SHARERS;
    for (int first = begin; first < end; first += CHUNK) {
        const int size = min(CHUNK, (end - first + STEP - 1) / STEP * STEP);
        __syncthreads();
        stage(staged, of, first, size, end, CHUNK, 1);
        __syncthreads();
#pragma unroll 1
        for (int t = 4 * lane; t < size; t += STEP) {
            Quad w[EACH];
            const auto fetch = [&](auto&& quad) {
#pragma unroll
                for (int j = 0; j < EACH; j++) w[j] = quad(rows[j] + first + t, end - first - t);
            };
            fetch_quads<T>(whole, fetch);
            each_quad(of.count, [&](int q) {
#pragma unroll
                for (int r = 0; r < 4; r++) {
                    const Quad thin = shared_quad(staged + (4 * q + r) * CHUNK + t);
#pragma unroll
                    for (int j = 0; j < EACH; j++)
#pragma unroll
                        for (int i = 0; i < 4; i++) sum[j][4 * q + r] += w[j].at[i] * thin.at[i];
                }
            });
        }
    }
    __syncthreads();
    each_quad(of.count, [&](int q) {
#pragma unroll
        for (int r = 0; r < 4; r++)
#pragma unroll
            for (int j = 0; j < EACH; j++)
                staged[lane * APART + (4 * q + r) * LONG + group + j * (LONG / EACH)] = sum[j][4 * q + r];
    });
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < of.count * LONG; i += THREADS) {
        f32 v = 0.0f;
#pragma unroll
        for (int s = 0; s < SHARERS; s++) v += staged[s * APART + i];
        out[i / LONG * PITCH + i % LONG] = v;
    }
}

template <class T>
__device__ __forceinline__ void sums(const Thin<T>& of, f32* staged, f32* out, int tile, int begin, int end, bool whole) {
    constexpr int EACH = 4, ACROSS = LONG / EACH, SHARERS = THREADS / ACROSS, DEPTH = 4;
    const int slice = threadIdx.x / ACROSS, l = tile * LONG + threadIdx.x % ACROSS * EACH;
    f32 sum[MOST][EACH] = {};
    for (int first = begin; first < end; first += CHUNK) {
        const int size = min(CHUNK, (end - first + SHARERS * DEPTH - 1) / (SHARERS * DEPTH) * (SHARERS * DEPTH));
        __syncthreads();
        stage(staged, of, first, size, end, 1, MOST);
        __syncthreads();
#pragma unroll 1
        for (int t = slice; t < size; t += SHARERS * DEPTH) {
            Quad w[DEPTH];
            const auto fetch = [&](auto&& quad) {
#pragma unroll
                for (int s = 0; s < DEPTH; s++) {
                    const int at = first + t + s * SHARERS;
                    w[s] = quad(of.wide + at * of.ld + l, at < end ? of.length - l : 0);
                }
            };
            fetch_quads<T>(whole, fetch);
#pragma unroll
            for (int s = 0; s < DEPTH; s++)
                each_quad(of.count, [&](int q) {
                    const Quad thin = shared_quad(staged + (t + s * SHARERS) * MOST + 4 * q);
#pragma unroll
                    for (int r = 0; r < 4; r++)
#pragma unroll
                        for (int i = 0; i < EACH; i++) sum[4 * q + r][i] += w[s].at[i] * thin.at[r];
                });
        }
    }
    // what the sharers have of four rows at a time meets in shared memory, and is added from the first to the last
    each_quad(of.count, [&](int q) {
        __syncthreads();
#pragma unroll
        for (int r = 0; r < 4; r++) {
            f32* to = staged + (slice * 4 + r) * LONG + threadIdx.x % ACROSS * EACH;
            *reinterpret_cast<float4*>(to) =
                make_float4(sum[4 * q + r][0], sum[4 * q + r][1], sum[4 * q + r][2], sum[4 * q + r][3]);
        }
        __syncthreads();
#pragma unroll
        for (int i = threadIdx.x; i < 4 * LONG; i += THREADS) {
            f32 v = 0.0f;
#pragma unroll
            for (int s = 0; s < SHARERS; s++) v += staged[s * 4 * LONG + i];
            out[(4 * q + i / LONG) * PITCH + i % LONG] = v;
        }
    });
}

// The block's outputs, in the order in which they stand in memory.
template <class T> __device__ __forceinline__ void leave(const Thin<T>& of, const f32* out, int tile) {
    const bool along = of.y_l == 1;
#pragma unroll 1
    for (int i = threadIdx.x; i < MOST * LONG; i += THREADS) {
        const int r = along ? i / LONG : i % MOST, within = along ? i % LONG : i / MOST;
        const int l = tile * LONG + within;
        if (r >= of.count || l >= of.length) continue;
        const f32 sum = out[r * PITCH + within];
        const i64 at = r * of.y_r + l * of.y_l;
        if (of.partial) {
            of.partial[at] = sum;
        } else {
            const f32 bias = of.bias ? to_f32(of.bias[of.bias_by_r ? r : l]) : 0.0f;
            of.y[at] = from_f32<T>(activate(sum + bias, of.activation));
        }
    }
}

template <bool DOTS, class T>
__device__ __forceinline__ void thin(Thin<T> of, i64 stride_thin, i64 stride_wide, i64 stride_y) {
    __shared__ alignas(16) f32 staged[8 * APART];
    static_assert(8 * APART >= MOST * CHUNK, "the staged terms have room");
    __shared__ f32 out[MOST * PITCH];
    const int tiles = (of.length + LONG - 1) / LONG, tile = blockIdx.x % tiles;
    const int matrix = blockIdx.x / tiles % of.batch, part = blockIdx.x / tiles / of.batch;
    const int begin = part * of.part_k, end = min(of.k, begin + of.part_k);
    const bool whole = aligned(of.wide, of.ld, stride_wide, 4 * sizeof(T)) && (DOTS ? of.k : of.length) % 4 == 0;
    of.thin += matrix * stride_thin;
    of.wide += matrix * stride_wide;
    of.y += matrix * stride_y;
    if (of.partial) of.partial += (part * of.batch + matrix) * stride_y;
    if (DOTS) dots(of, staged, out, tile, begin, end, whole);
    else sums(of, staged, out, tile, begin, end, whole);
    __syncthreads();
    leave(of, out, tile);
}

template <class T>
__device__ __forceinline__ void terms(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 a_i, i64 a_t, i64 b_t,
                                      i64 b_j, i64 ldy, i64 stride_a, i64 stride_b, i64 stride_y, int activation) {
    constexpr int ROWS = 32, COLS = 128;
    __shared__ alignas(16) f32 staged[ROWS * MOST];
    const Place at = place<ROWS, COLS>(blockIdx.x, m, n);
    a += at.batch * stride_a;
    b += at.batch * stride_b;
    for (int i = threadIdx.x; i < ROWS * MOST; i += THREADS) {
        const int row = at.row + i / MOST, t = i % MOST;
        staged[i] = row < m && t < k ? to_f32(a[row * a_i + t * a_t]) : 0.0f;
    }
    const int col = at.col + threadIdx.x % 32 * 4, count = n - col;
    Quad of_b[MOST] = {};
#pragma unroll
    for (int t = 0; t < MOST; t++)
        if (t < k) {
#pragma unroll
            for (int j = 0; j < 4; j++) of_b[t].at[j] = j < count ? to_f32(b[t * b_t + (col + j) * b_j]) : 0.0f;
        }
    const Quad added = load_quad(bias + col, bias ? count : 0, false);
    const bool vec = aligned(y, ldy, stride_y, 4 * sizeof(T));
    y += at.batch * stride_y + col;
    __syncthreads();
    for (int i = threadIdx.x / 32; i < ROWS; i += THREADS / 32) {
        if (at.row + i >= m) break;
        Quad sum = {};
        each_quad(k, [&](int q) {
            const Quad of_a = shared_quad(staged + i * MOST + 4 * q);
#pragma unroll
            for (int t = 0; t < 4; t++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum.at[j] += of_a.at[t] * of_b[4 * q + t].at[j];
        });
        finish(y + (at.row + i) * ldy, sum, added, activation, count, vec);
    }
}

#define THIN(NAME, DOTS, BLOCKS, T)                                                                                           \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) matmul_thin_##NAME##_##T(                            \
        const T* thin_, const T* wide, const T* bias, T* y, f32* partial, int count, int length, int k, int part_k,    \
        i64 thin_r, i64 thin_t, i64 ld, i64 y_r, i64 y_l, i64 stride_thin, i64 stride_wide, i64 stride_y, int batch,   \
        int bias_by_r, int activation) {                                                                               \
        thin<DOTS>(Thin<T>{thin_, wide, bias, y, partial, count, length, k, part_k, thin_r, thin_t, ld, y_r, y_l,      \
                           batch, bias_by_r, activation},                                                              \
                   stride_thin, stride_wide, stride_y);                                                                \
    }
#define ENTRIES(T)                                                                                                     \
    THIN(dots, true, 5, T)                                                                                                \
    THIN(sums, false, 4, T)                                                                                               \
    extern "C" __global__ void __launch_bounds__(THREADS, 4) matmul_thin_terms_##T(                                    \
        const T* a, const T* b, const T* bias, T* y, int m, int n, int k, i64 a_i, i64 a_t, i64 b_t, i64 b_j, i64 ldy, \
        i64 stride_a, i64 stride_b, i64 stride_y, int activation) {                                                    \
        terms(a, b, bias, y, m, n, k, a_i, a_t, b_t, b_j, ldy, stride_a, stride_b, stride_y, activation);              \
    }
FOR_EACH_FLOAT(ENTRIES)
