// lrn: y[n, c, i] = x[n, c, i] * s[n, c, i]^-beta, s[n, c, i] = k + scale * sum of x[n, j, i]^2, c-before <= j <= c+after
// lrn_backward: dx[n, c, i] = dy * s^-beta - 2 scale beta * x * sum of (dy x s^(-beta-1))[n, j, i], c-after <= j <= c+before
//
// Parameters  x, y, dy, dx (images, channels, plane) row-major; scale = alpha / window size; channels j outside count 0
// Grid        x: the (image, position) pairs, consecutive threads on consecutive positions; y: chunks of channels.
//             A thread walks along the channels of its position.
// Why         Memory-bound: x is read once and y written once. The window is the tail of one group of w channels and
//             the head of the next; tails are summed backwards once a group, the head grows with the walk. So a window
//             costs three additions whatever its size, and, as nothing is ever subtracted, an outlier that leaves the
//             window takes no digits with it. `registers` (w = 3 or 5) keeps both groups in registers and has w
//             loads in flight; `columns` (any w) keeps the tails in shared memory, one column a thread, so without bank
//             conflicts, or in a workspace where they do not fit, reads x again from the cache, and has four loads in flight.
//             Backward runs the same window twice, the second over what the first one yields, in one walk.
// Limits      a chunk reads before + after channels of its neighbours again (backward twice that): the binding makes
//             chunks of at least 4 w. Squares are f32: |x| < 1.8e19. Misaligned or odd planes: halves move 2 bytes a
//             thread, else 4: a warp's access is then whole lines, since odd planes allow no wider one.

#include "floats.cuh"
#include "pack.cuh"

__device__ __forceinline__ f32 sqrt_approx(f32 x) {
    f32 y;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Not __fdividef, which gives 0 for divisors past 2^126.
__device__ __forceinline__ f32 reciprocal(f32 x) {
    f32 y;
    asm("rcp.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// s^-beta, to 2^-22 beta max(1, |log2 s|) of its value at worst. The branch is the same for all threads.
__device__ __forceinline__ f32 power(f32 s, f32 beta) {
    if (beta == 0.75f) {
        const f32 r = rsqrtf(s);
        return r * sqrt_approx(r);
    }
    if (beta == 0.5f) return rsqrtf(s);
    if (beta == 1.0f) return reciprocal(s);
    return exp2f(-beta * __log2f(s));
}

// V neighbouring positions of one channel; zero for a channel outside [0, end).
template <int V, class T> __device__ __forceinline__ void fetch(const T* x, int c, int end, i64 plane, f32 (&to)[V]) {
    if (c >= 0 && c < end) {
        const Pack<T, V> p = load_pack<V>(x + c * plane);
#pragma unroll
        for (int v = 0; v < V; v++) to[v] = to_f32(p.at[v]);
    } else {
#pragma unroll
        for (int v = 0; v < V; v++) to[v] = 0.0f;
    }
}

// Where the V positions of a thread start in channel 0, or -1 for a thread past the end.
template <int V> __device__ __forceinline__ i64 place(i64 thread, i64 images, int channels, i64 plane) {
    const i64 packs = plane / V;
    if (thread >= images * packs) return -1;
    const i64 image = thread / packs;
    return image * channels * plane + (thread - image * packs) * V;
}

// tail[j] = cur[j]^2 + ... + cur[W - 1]^2
template <int W, int V> __device__ __forceinline__ void tails(const f32 (&cur)[W][V], f32 (&tail)[W][V]) {
#pragma unroll
    for (int v = 0; v < V; v++) {
        f32 sum = 0.0f;
#pragma unroll
        for (int j = W - 1; j >= 0; j--) tail[j][v] = sum = fmaf(cur[j][v], cur[j][v], sum);
    }
}

template <int W, int V, class T>
__device__ __forceinline__ void forward(const T* x, T* y, i64 images, int channels, i64 plane, int chunk, f32 scale,
                                        f32 beta, f32 k) {
    constexpr int BEFORE = (W - 1) / 2, AFTER = W / 2;
    const i64 at = place<V>(blockIdx.x * (i64)blockDim.x + threadIdx.x, images, channels, plane);
    if (at < 0) return;
    const int first = blockIdx.y * chunk, last = min(first + chunk, channels), end = min(last + AFTER, channels);
    x += at, y += at;
    f32 cur[W][V], next[W][V], tail[W][V];
#pragma unroll
    for (int j = 0; j < W; j++) fetch<V>(x, first - BEFORE + j, end, plane, cur[j]);
    // the group cur begins at channel `start`, next behind it; window j begins at start + j
    for (int start = first - BEFORE; start + BEFORE < last; start += W) {
#pragma unroll
        for (int j = 0; j < W; j++) fetch<V>(x, start + W + j, end, plane, next[j]);
        tails(cur, tail);
        f32 head[V] = {};
#pragma unroll
        for (int j = 0; j < W; j++) {
            Pack<T, V> out;
#pragma unroll
            for (int v = 0; v < V; v++) {
                if (j > 0) head[v] = fmaf(next[j - 1][v], next[j - 1][v], head[v]);
                const f32 middle = BEFORE + j < W ? cur[BEFORE + j][v] : next[BEFORE + j - W][v];
                out.at[v] = from_f32<T>(middle * power(fmaf(scale, tail[j][v] + head[v], k), beta));
            }
            const int c = start + BEFORE + j;
            if (c < last) store_pack<T, V>(y + c * plane, out);
        }
#pragma unroll
        for (int j = 0; j < W; j++)
#pragma unroll
            for (int v = 0; v < V; v++) cur[j][v] = next[j][v];
    }
}

template <int W, int V, class T>
__device__ __forceinline__ void backward(const T* dy, const T* x, T* dx, i64 images, int channels, i64 plane, int chunk,
                                         f32 scale, f32 beta, f32 k) {
    constexpr int BEFORE = (W - 1) / 2, AFTER = W / 2;
    const i64 at = place<V>(blockIdx.x * (i64)blockDim.x + threadIdx.x, images, channels, plane);
    if (at < 0) return;
    const int first = blockIdx.y * chunk, last = min(first + chunk, channels);
    const int end_dy = min(last + BEFORE, channels), end_x = min(end_dy + AFTER, channels);
    dy += at, x += at, dx += at;
    // through: dy s^-beta; term: dy x s^(-beta-1), of the middles start + BEFORE + j
    f32 cur[W][V], next[W][V], tail[W][V], g[W][V], term[W][V] = {}, through[W + BEFORE][V] = {};
#pragma unroll
    for (int j = 0; j < W; j++) fetch<V>(x, first - W + j, end_x, plane, cur[j]);
    // the group before the chunk only fills `term` and `through`
    for (int start = first - W; start < last; start += W) {
#pragma unroll
        for (int j = 0; j < W; j++) {
            fetch<V>(x, start + W + j, end_x, plane, next[j]);
            fetch<V>(dy, start + BEFORE + j, end_dy, plane, g[j]);
        }
        tails(cur, tail);
#pragma unroll
        for (int v = 0; v < V; v++) {
#pragma unroll
            for (int j = W - 2; j >= 0; j--) term[j][v] += term[j + 1][v];
        }
        f32 head[V] = {}, head_term[V] = {};
#pragma unroll
        for (int j = 0; j < W; j++) {
            const int c = start + BEFORE + j, i = start + j;
            Pack<T, V> out;
#pragma unroll
            for (int v = 0; v < V; v++) {
                if (j > 0) head[v] = fmaf(next[j - 1][v], next[j - 1][v], head[v]);
                const f32 middle = BEFORE + j < W ? cur[BEFORE + j][v] : next[BEFORE + j - W][v];
                const f32 s = fmaf(scale, tail[j][v] + head[v], k);
                const f32 passed = c >= 0 && c < end_dy ? g[j][v] * power(s, beta) : 0.0f;
                through[BEFORE + j][v] = passed;
                term[j][v] = c >= 0 && c < end_dy ? passed * (middle * reciprocal(s)) : 0.0f;
                head_term[v] += term[j][v];
                // terms of the middles i - AFTER to i + BEFORE = c
                const f32 sum = j + 1 < W ? head_term[v] + term[(j + 1) % W][v] : head_term[v];
                out.at[v] = from_f32<T>(fmaf(-2.0f * scale * beta * cur[j][v], sum, through[j][v]));
            }
            if (i >= first && i < last) store_pack<T, V>(dx + i * plane, out);
        }
#pragma unroll
        for (int v = 0; v < V; v++) {
#pragma unroll
            for (int j = 0; j < W; j++) cur[j][v] = next[j][v];
#pragma unroll
            for (int j = 0; j < BEFORE; j++) through[j][v] = through[W + j][v];
        }
    }
}

// One thread's column of `w` values, `stride` apart.
struct Column {
    f32* at;
    i64 stride;
    __device__ __forceinline__ f32& operator[](int j) const { return at[j * stride]; }
};

// Column number `which` of this thread: in the workspace, if there is one, else in shared memory.
__device__ __forceinline__ Column column(f32* work, int which, int w) {
    extern __shared__ f32 shared[];
    const i64 threads = gridDim.x * (i64)blockDim.x;
    if (work) return {work + which * w * threads + blockIdx.x * (i64)blockDim.x + threadIdx.x, threads};
    return {shared + which * w * blockDim.x + threadIdx.x, blockDim.x};
}

// How many of its loads a thread of `columns` asks for before it waits: a store or a sum between them would wait for each.
constexpr int AHEAD = 4;

// v[u] = channel c + u step of the thread's position, 0 outside [begin, end)
template <class T>
__device__ __forceinline__ void ahead(const T* x, int c, int step, int begin, int end, i64 plane, f32 (&v)[AHEAD]) {
#pragma unroll
    for (int u = 0; u < AHEAD; u++) {
        const int at = c + u * step;
        v[u] = at >= begin && at < end ? to_f32(x[at * plane]) : 0.0f;
    }
}

// tail[j] = the squares of channels start + j to start + w - 1, summed
template <class T>
__device__ __forceinline__ void tails(const T* x, int start, int w, int channels, i64 plane, Column tail) {
    f32 sum = 0.0f, v[AHEAD];
    for (int last = w - 1; last >= 0; last -= AHEAD) {
        ahead(x, start + last, -1, max(start, 0), channels, plane, v);
#pragma unroll
        for (int u = 0; u < AHEAD; u++)
            if (last >= u) tail[last - u] = sum = fmaf(v[u], v[u], sum);
    }
}

template <class T>
__device__ __forceinline__ void forward_columns(const T* x, T* y, f32* work, i64 images, int channels, i64 plane,
                                                int chunk, int before, int after, f32 scale, f32 beta, f32 k) {
    const int w = before + after + 1, first = blockIdx.y * chunk, last = min(first + chunk, channels);
    const Column tail = column(work, 0, w);
    const i64 threads = gridDim.x * (i64)blockDim.x;
    for (i64 p = blockIdx.x * (i64)blockDim.x + threadIdx.x; p < images * plane; p += threads) {
        const i64 at = place<1>(p, images, channels, plane);
        const T* const in = x + at;
        for (int start = first - before; start + before < last; start += w) {
            tails(in, start, w, channels, plane, tail);
            f32 head = 0.0f, next[AHEAD], middle[AHEAD];
            for (int from = 0; from < w && start + before + from < last; from += AHEAD) {
                // window j ends before channel start + w + j
                ahead(in, start + w + from - 1, 1, start + w, channels, plane, next);
                ahead(in, start + before + from, 1, 0, last, plane, middle);
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    const int j = from + u, c = start + before + j;
                    if (j >= w || c >= last) break;
                    head = fmaf(next[u], next[u], head);
                    y[at + c * plane] = from_f32<T>(middle[u] * power(fmaf(scale, tail[j] + head, k), beta));
                }
            }
        }
    }
}

template <class T>
__device__ __forceinline__ void backward_columns(const T* dy, const T* x, T* dx, f32* work, i64 images, int channels,
                                                 i64 plane, int chunk, int before, int after, f32 scale, f32 beta,
                                                 f32 k) {
    const int w = before + after + 1, first = blockIdx.y * chunk, last = min(first + chunk, channels);
    const int end_dy = min(last + before, channels);
    const Column tail = column(work, 0, w), term = column(work, 1, w), through = column(work, 2, w);
    const i64 threads = gridDim.x * (i64)blockDim.x;
    for (i64 p = blockIdx.x * (i64)blockDim.x + threadIdx.x; p < images * plane; p += threads) {
        const i64 at = place<1>(p, images, channels, plane);
        const T* const in = x + at;
        for (int j = 0; j < w; j++) term[j] = through[j] = 0.0f;
        for (int start = first - w; start < last; start += w) {
            tails(in, start, w, channels, plane, tail);
            for (int j = w - 2; j >= 0; j--) term[j] += term[j + 1];
            f32 head = 0.0f, head_term = 0.0f, next[AHEAD], middle[AHEAD], gradient[AHEAD], own[AHEAD];
            for (int from = 0; from < w; from += AHEAD) {
                ahead(in, start + w + from - 1, 1, max(start + w, 0), channels, plane, next);
                ahead(in, start + before + from, 1, 0, end_dy, plane, middle);
                ahead(dy + at, start + before + from, 1, 0, end_dy, plane, gradient);
                ahead(in, start + from, 1, first, last, plane, own);
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    const int j = from + u, c = start + before + j, i = start + j;
                    if (j >= w) break;
                    head = fmaf(next[u], next[u], head);
                    f32 passed = 0.0f, t = 0.0f;
                    if (c >= 0 && c < end_dy) {
                        const f32 s = fmaf(scale, tail[j] + head, k);
                        passed = gradient[u] * power(s, beta);
                        t = passed * (middle[u] * reciprocal(s));
                    }
                    through[j] = passed;
                    head_term += t;
                    const f32 sum = j + 1 < w ? head_term + term[j + 1] : head_term;
                    term[j] = t;
                    if (i >= first && i < last) {
                        const f32 straight = through[j >= before ? j - before : j - before + w];
                        dx[at + i * plane] = from_f32<T>(fmaf(-2.0f * scale * beta * own[u], sum, straight));
                    }
                }
            }
        }
    }
}

// Calls BODY(W, V) with the window w and as many positions a thread as make 4 bytes, where the planes allow it.
#define BY_WINDOW(T, PAIRS, BODY)                                                                                      \
    if (PAIRS) {                                                                                                       \
        constexpr int V = 4 / sizeof(T);                                                                               \
        if (w == 3) BODY(3, V);                                                                                        \
        if (w == 5) BODY(5, V);                                                                                        \
    } else {                                                                                                           \
        if (w == 3) BODY(3, 1);                                                                                        \
        if (w == 5) BODY(5, 1);                                                                                        \
    }
#define FORWARD(W, V) forward<W, V>(x, y, images, channels, plane, chunk, scale, beta, k)
#define BACKWARD(W, V) backward<W, V>(dy, x, dx, images, channels, plane, chunk, scale, beta, k)

// Whether two positions can be moved at once; f32 has nothing to pair.
template <class T> __device__ __forceinline__ bool pairs(i64 plane, const T* a, const T* b, const T* c) {
    constexpr int V = 4 / sizeof(T);
    return V > 1 && plane % V == 0 && aligned_pack<V>(a) && aligned_pack<V>(b) && aligned_pack<V>(c);
}

#define LRN(T)                                                                                                         \
    extern "C" __global__ void lrn_registers_##T(const T* x, T* y, i64 images, int channels, i64 plane, int chunk,     \
                                                 int w, f32 scale, f32 beta, f32 k) {                                  \
        BY_WINDOW(T, pairs(plane, x, y, y), FORWARD)                                                                   \
    }                                                                                                                  \
    extern "C" __global__ void lrn_backward_registers_##T(const T* dy, const T* x, T* dx, i64 images, int channels,    \
                                                          i64 plane, int chunk, int w, f32 scale, f32 beta, f32 k) {   \
        BY_WINDOW(T, pairs(plane, dy, x, dx), BACKWARD)                                                                \
    }                                                                                                                  \
    extern "C" __global__ void lrn_columns_##T(const T* x, T* y, f32* work, i64 images, int channels, i64 plane,       \
                                               int chunk, int before, int after, f32 scale, f32 beta, f32 k) {         \
        forward_columns(x, y, work, images, channels, plane, chunk, before, after, scale, beta, k);                    \
    }                                                                                                                  \
    extern "C" __global__ void lrn_backward_columns_##T(const T* dy, const T* x, T* dx, f32* work, i64 images,         \
                                                        int channels, i64 plane, int chunk, int before, int after,     \
                                                        f32 scale, f32 beta, f32 k) {                                  \
        backward_columns(dy, x, dx, work, images, channels, plane, chunk, before, after, scale, beta, k);              \
    }
FOR_EACH_FLOAT(LRN)
