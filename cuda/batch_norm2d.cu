// batch_norm2d_stats:            of part s of channel c: how many elements it has, their mean less the channel's first element,
//                                and the sum of their squared distances from the mean
// batch_norm2d_finish:           mean[c] and var[c] = that sum / n of all parts; running_mean += momentum (mean - running_mean),
//                                running_var += momentum (var n / (n - 1) - running_var), batches += 1
// batch_norm2d:                  y[n, c, i] = (x[n, c, i] - mean[c]) / sqrt(var[c] + eps) * weight[c] + bias[c]
// batch_norm2d_backward_sums:    of part s of channel c: sum dy, and sum dy (x - mean[c])
// batch_norm2d_backward_finish:  dbias[c] = the first sum of all parts, dweight[c] = the second / sqrt(var[c] + eps)
// batch_norm2d_backward:         dx = weight / sqrt(var + eps) * (dy - (dbias + (x - mean) / sqrt(var + eps) * dweight) / n)
//
// Parameters  x, y, dy, dx (images, channels, plane) row-major, n elements in all; everything else (channels) in f32; parts
//             (splits, 3 and, behind them, the first elements, or 2, channels); weight and bias or null for 1 and 0; the running statistics or null; `share` is
//             1 / n of a channel, or 0 where mean and var are constants, and then x, dbias and dweight are not read
// Grid        stats, sums: (channels, splits), 256 threads that stride over the splits' part of a channel, four packs at a time
//             finish: a thread per channel, in blocks of 64
//             batch_norm2d, backward: any; each thread strides over 16 bytes at a time, whatever the planes are
// Why         Memory-bound: statistics read x once, although a variance is a sum of distances from what is known only at the end: a
//             thread works out mean and distances of the packs that its registers hold, and joins them to what it has by
//             var(a and b) = var(a) + var(b) + distance of the means (Chan, Golub, LeVeque). No square of a mean is ever formed, and
//             means are kept as distances from one element, so that a mean of a thousand deviations takes no digit of the
//             variance; where that element is far from all others it is as if there were none. Parts are joined in one
//             order: the same sums on every run.
// Limits      n below 2^31. Planes of no multiple of 16 bytes are reduced element by element: consecutive threads then still read
//             consecutive elements, of one plane; planes of a few elements leave most of each sector unused.

#include "elementwise.cuh"
#include "floats.cuh"
#include "group.cuh"
#include "pack.cuh"

constexpr int THREADS = 256;
// Packs that a thread asks for before it waits for any.
constexpr int AHEAD = 4;

// Packs `at` of the plane of `image`, THREADS apart: a division at the start, then additions and carries.
struct Walk {
    unsigned packs, images_over, over, image, at;
    __device__ __forceinline__ Walk(unsigned first, unsigned packs)
        : packs(packs), images_over(THREADS / packs), over(THREADS % packs), image(first / packs), at(first % packs) {}
    __device__ __forceinline__ void next() {
        image += images_over;
        at += over;
        if (at >= packs) at -= packs, image++;
    }
};

// The part of a channel that a block has, in packs of V elements.
template <int V> struct Part {
    unsigned packs, first, last;
    __device__ __forceinline__ Part(int images, int plane) : packs(plane / V) {
        const unsigned all = images * packs, share = (all + gridDim.y - 1) / gridDim.y;
        first = min(blockIdx.y * share, all), last = min(first + share, all);
    }
};

struct Moments {
    f32 n, mean, m2;
    // What the two are together. Nothing and nothing are nothing.
    __device__ __forceinline__ void join(f32 other_n, f32 other_mean, f32 other_m2) {
        const f32 all = n + other_n, part = all > 0.0f ? __fdividef(other_n, all) : 0.0f;
        const f32 distance = other_mean - mean;
        m2 += fmaf(distance * distance * n, part, other_m2);
        mean = fmaf(distance, part, mean);
        n = all;
    }
};

// Of all threads, in thread 0.
__device__ __forceinline__ Moments block_moments(Moments own) {
    __shared__ Moments warps[THREADS / 32];
    auto join_lanes = [&](int lanes) {
        for (int offset = lanes / 2; offset > 0; offset /= 2) {
            const f32 n = __shfl_down_sync(0xffffffff, own.n, offset), mean = __shfl_down_sync(0xffffffff, own.mean, offset);
            own.join(n, mean, __shfl_down_sync(0xffffffff, own.m2, offset));
        }
    };
    join_lanes(32);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = own;
    __syncthreads();
    if (threadIdx.x < 32) {
        own = warps[threadIdx.x % (THREADS / 32)];
        join_lanes(THREADS / 32);
    }
    return own;
}

template <int V, class T>
__device__ __forceinline__ void stats(const T* x, f32* parts, int images, int channels, int plane) {
    const Part<V> part(images, plane);
    const unsigned c = blockIdx.x;
    const f32 first = to_f32(x[c * plane]);
    Walk walk(part.first + threadIdx.x, part.packs);
    Moments own = {0.0f, 0.0f, 0.0f};
    for (unsigned q = part.first + threadIdx.x; q < part.last; q += AHEAD * THREADS) {
        // nothing but loads until all are asked for
        Pack<T, V> packs[AHEAD];
        int count = 0;
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
            if (q + a * THREADS < part.last) {
                packs[a] = load_pack<V>(x + (walk.image * channels + c) * plane + walk.at * V);
                count += V;
            }
            walk.next();
        }
        f32 v[AHEAD][V], sum = 0.0f;
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
#pragma unroll
            for (int i = 0; i < V; i++) {
                v[a][i] = a * V < count ? to_f32(packs[a].at[i]) - first : 0.0f;
                sum += v[a][i];
            }
        }
        const f32 mean = sum / count;
        f32 m2 = 0.0f;
#pragma unroll
        for (int a = 0; a < AHEAD; a++)
            if (a * V < count)
#pragma unroll
                for (int i = 0; i < V; i++) m2 = fmaf(v[a][i] - mean, v[a][i] - mean, m2);
        own.join(count, mean, m2);
    }
    own = block_moments(own);
    if (threadIdx.x == 0) {
        f32* const to = parts + blockIdx.y * 3 * channels + c;
        to[0] = own.n, to[channels] = own.mean, to[2 * channels] = own.m2;
        if (blockIdx.y == 0) parts[gridDim.y * 3 * channels + c] = first;
    }
}

template <int V, class T>
__device__ __forceinline__ void backward_sums(const T* dy, const T* x, const f32* mean, f32* parts, int images,
                                              int channels, int plane) {
    const Part<V> part(images, plane);
    const unsigned c = blockIdx.x;
    const f32 middle = mean[c];
    Walk walk(part.first + threadIdx.x, part.packs);
    f32 sum = 0.0f, product = 0.0f;
#pragma unroll 4
    for (unsigned q = part.first + threadIdx.x; q < part.last; q += THREADS) {
        const unsigned at = (walk.image * channels + c) * plane + walk.at * V;
        const Pack<T, V> g = load_pack<V>(dy + at), p = load_pack<V>(x + at);
#pragma unroll
        for (int i = 0; i < V; i++) {
            sum += to_f32(g.at[i]);
            product = fmaf(to_f32(g.at[i]), to_f32(p.at[i]) - middle, product);
        }
        walk.next();
    }
    sum = group_sum<Block>(sum);
    product = group_sum<Block>(product);
    if (threadIdx.x == 0) {
        f32* const to = parts + blockIdx.y * 2 * channels + c;
        to[0] = sum, to[channels] = product;
    }
}

// Channels of neighbouring elements: C(c) holds what is needed of channel c, and is made anew where a plane ends.
template <int V, class C, class F>
__device__ __forceinline__ void along_channels(unsigned i, unsigned channels, unsigned plane, C make, F f) {
    const unsigned row = i / plane;
    unsigned left = (row + 1) * plane - i, c = row % channels;
    auto channel = make(c);
#pragma unroll
    for (int k = 0; k < V; k++) {
        if (k >= left) {
            left += plane;
            c = c + 1 == channels ? 0 : c + 1;
            channel = make(c);
        }
        f(k, channel);
    }
}

struct Line {
    f32 mean, slope, at_mean;
};

template <class T>
__device__ __forceinline__ void forward(const T* x, const f32* mean, const f32* var, const f32* weight, const f32* bias,
                                        T* y, unsigned n, unsigned channels, unsigned plane, f32 eps) {
    auto line = [=](unsigned c) {
        const f32 inverse = rsqrtf(var[c] + eps);
        return Line{mean[c], weight ? inverse * weight[c] : inverse, bias ? bias[c] : 0.0f};
    };
    each_vector<T>(aligned16(x, y), n, [=](auto width, unsigned i) {
        constexpr int V = decltype(width)::N;
        Pack<T, V> p = load_pack<V>(x + i);
        along_channels<V>(i, channels, plane, line, [&](int k, const Line& at) {
            p.at[k] = from_f32<T>(fmaf(to_f32(p.at[k]) - at.mean, at.slope, at.at_mean));
        });
        store_pack<T, V>(y + i, p);
    });
}

struct Slopes {
    f32 mean, slope, of_dy, of_x;
};

template <class T>
__device__ __forceinline__ void backward(const T* dy, const T* x, const f32* mean, const f32* var, const f32* weight,
                                         const f32* dweight, const f32* dbias, T* dx, unsigned n, unsigned channels,
                                         unsigned plane, f32 eps, f32 share) {
    auto slopes = [=](unsigned c) {
        const f32 inverse = rsqrtf(var[c] + eps), slope = weight ? inverse * weight[c] : inverse;
        if (share == 0.0f) return Slopes{0.0f, slope, 0.0f, 0.0f};
        return Slopes{mean[c], slope, share * dbias[c], share * dweight[c] * inverse};
    };
    each_vector<T>(aligned16(dy, x, dx), n, [=](auto width, unsigned i) {
        constexpr int V = decltype(width)::N;
        Pack<T, V> g = load_pack<V>(dy + i), p;
        if (share != 0.0f) {
            p = load_pack<V>(x + i);
        } else {
#pragma unroll
            for (int k = 0; k < V; k++) p.at[k] = from_f32<T>(0.0f);
        }
        along_channels<V>(i, channels, plane, slopes, [&](int k, const Slopes& at) {
            const f32 of_mean = fmaf(to_f32(p.at[k]) - at.mean, at.of_x, at.of_dy);
            g.at[k] = from_f32<T>(at.slope * (to_f32(g.at[k]) - of_mean));
        });
        store_pack<T, V>(dx + i, g);
    });
}

#define BATCH_NORM2D(T)                                                                                                \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        batch_norm2d_stats_##T(const T* x, f32* parts, int images, int channels, int plane) {                          \
        if (plane % Vec<T>::N == 0 && aligned16(x)) {                                                                  \
            stats<Vec<T>::N>(x, parts, images, channels, plane);                                                       \
        } else {                                                                                                       \
            stats<1>(x, parts, images, channels, plane);                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        batch_norm2d_##T(const T* x, const f32* mean, const f32* var, const f32* weight, const f32* bias, T* y,        \
                         int n, int channels, int plane, f32 eps) {                                                    \
        forward(x, mean, var, weight, bias, y, n, channels, plane, eps);                                               \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        batch_norm2d_backward_sums_##T(const T* dy, const T* x, const f32* mean, f32* parts, int images, int channels, \
                                       int plane) {                                                                    \
        if (plane % Vec<T>::N == 0 && aligned16(dy, x)) {                                                              \
            backward_sums<Vec<T>::N>(dy, x, mean, parts, images, channels, plane);                                     \
        } else {                                                                                                       \
            backward_sums<1>(dy, x, mean, parts, images, channels, plane);                                             \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        batch_norm2d_backward_##T(const T* dy, const T* x, const f32* mean, const f32* var, const f32* weight,         \
                                  const f32* dweight, const f32* dbias, T* dx, int n, int channels, int plane,         \
                                  f32 eps, f32 share) {                                                                \
        backward(dy, x, mean, var, weight, dweight, dbias, dx, n, channels, plane, eps, share);                        \
    }
FOR_EACH_FLOAT(BATCH_NORM2D)

extern "C" __global__ void __launch_bounds__(64)
    batch_norm2d_finish(const f32* parts, f32* mean, f32* var, f32* running_mean, f32* running_var, f32* batches,
                        int splits, int channels, f32 momentum) {
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    Moments all = {0.0f, 0.0f, 0.0f};
#pragma unroll 4
    for (int s = 0; s < splits; s++) {
        const f32* const part = parts + s * 3 * channels + c;
        all.join(part[0], part[channels], part[2 * channels]);
    }
    all.mean += parts[splits * 3 * channels + c];
    mean[c] = all.mean;
    var[c] = all.m2 / all.n;
    if (running_mean == nullptr) return;
    running_mean[c] = fmaf(momentum, all.mean - running_mean[c], running_mean[c]);
    running_var[c] = fmaf(momentum, all.m2 / (all.n - 1.0f) - running_var[c], running_var[c]);
    if (c == 0) *batches += 1.0f;
}

extern "C" __global__ void __launch_bounds__(64)
    batch_norm2d_backward_finish(const f32* parts, const f32* var, f32* dweight, f32* dbias, int splits, int channels,
                                 f32 eps) {
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    f32 sum = 0.0f, product = 0.0f;
#pragma unroll 4
    for (int s = 0; s < splits; s++) {
        sum += parts[s * 2 * channels + c];
        product += parts[(s * 2 + 1) * channels + c];
    }
    dweight[c] = product * rsqrtf(var[c] + eps);
    dbias[c] = sum;
}
