// The threads that share a row: a few lanes of a warp, a warp, or a block. A kernel written over a group serves rows
// of every length.
//
// rank() and size() share out the columns; reduce() leaves the result in every thread of the group. All threads of
// a warp (or block) call reduce() together, those of rows past the end too.
#pragma once
#include "number.cuh"

// 2^k neighbouring lanes.
template <int LANES> struct Lanes {
    static constexpr bool MANY_WARPS = false;
    // columns that one of the threads keeps, for rows of up to 8, 32 and 1024 columns
    static constexpr int REGISTERS = LANES < 32 ? 8 : 32;
    __device__ __forceinline__ static int rank() { return threadIdx.x % LANES; }
    __device__ __forceinline__ static int size() { return LANES; }

    template <class V, class F> __device__ __forceinline__ static V reduce(V v, V, F f) {
#pragma unroll
        for (int offset = LANES / 2; offset > 0; offset /= 2) v = f(v, __shfl_xor_sync(0xffffffff, v, offset));
        return v;
    }
};

// All threads of the block, whole warps of them: within each warp first, then every warp over the warps' results.
struct Block {
    static constexpr bool MANY_WARPS = true;
    static constexpr int REGISTERS = 32;
    __device__ __forceinline__ static int rank() { return threadIdx.x; }
    __device__ __forceinline__ static int size() { return blockDim.x; }

    // nothing: what f leaves any value unchanged with
    template <class V, class F> __device__ __forceinline__ static V reduce(V v, V nothing, F f) {
        __shared__ V warps[32];
        const int lane = threadIdx.x % 32;
        v = Lanes<32>::reduce(v, nothing, f);
        if (lane == 0) warps[threadIdx.x / 32] = v;
        __syncthreads();
        v = lane < blockDim.x / 32 ? warps[lane] : nothing;
        __syncthreads();  // the next reduction writes there
        return Lanes<32>::reduce(v, nothing, f);
    }
};

template <class Group> __device__ __forceinline__ f32 group_sum(f32 v) {
    return Group::reduce(v, 0.0f, [](f32 a, f32 b) { return a + b; });
}

// NaN is passed over: where it matters, it comes back through the sum.
template <class Group> __device__ __forceinline__ f32 group_max(f32 v) {
    return Group::reduce(v, -infinity(), [](f32 a, f32 b) { return fmaxf(a, b); });
}

// A row of the matrix, as one group of threads sees it: `cols` is 0 past the last row, so that loops do nothing there
// while reductions still find every lane.
struct RowOf {
    i64 index, start;
    int cols;
};

template <class Group> __device__ __forceinline__ RowOf row_of(i64 rows, int cols) {
    const i64 index = Group::MANY_WARPS ? blockIdx.x : (blockIdx.x * (i64)blockDim.x + threadIdx.x) / Group::size();
    return {index, index * cols, index < rows ? cols : 0};
}

// Calls f with the group that suits rows of up to 1024 columns: so few lanes that each has something to do. The
// bindings count blocks by the same steps (`lanes` in src/runtime/grid.rs).
template <class F> __device__ __forceinline__ void for_lanes(int cols, F f) {
    if (cols <= 8) {
        f(Lanes<1>());
    } else if (cols <= 32) {
        f(Lanes<4>());
    } else {
        f(Lanes<32>());
    }
}
