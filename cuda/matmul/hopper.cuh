// Hopper's asynchronous instructions, one function each: barriers that count bytes, copies of boxes of a tensor by a
// map of it, products of a warpgroup. What they do is in the PTX ISA under the name in each body.
#pragma once
#include "number.cuh"

typedef unsigned int u32;
typedef unsigned long long u64;

// A CUtensorMap, made by the binding.
struct alignas(64) TensorMap {
    u64 opaque[16];
};

__device__ __forceinline__ u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

__device__ __forceinline__ u32 cluster_rank() {
    u32 rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// Every thread of every block of the cluster comes here; what each wrote before, the others see after.
__device__ __forceinline__ void sync_cluster() {
    asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// `count` whole warps meet at a barrier of their own.
__device__ __forceinline__ void sync_threads(int barrier, int count) {
    asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(count) : "memory");
}

// How many registers each thread of the warpgroup may have from here on.
template <int N> __device__ __forceinline__ void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
}
template <int N> __device__ __forceinline__ void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
}

// A barrier in shared memory whose phase ends with `arrivals` and all the bytes that were announced.
struct Barrier {
    u64 state;

    __device__ __forceinline__ void init(int arrivals) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&state)), "r"(arrivals));
    }
    __device__ __forceinline__ void arrive_expecting(int bytes) {
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&state)), "r"(bytes)
                     : "memory");
    }
    // Where the same barrier of another block of the cluster is, for `arrive`.
    __device__ __forceinline__ u32 in_block(u32 rank) const {
        u32 there;
        asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(&state)), "r"(rank));
        return there;
    }
    // Arrivals and waits order what this block's threads did, as is the default, and nothing wider: no thread hands another
    // block anything that it wrote. What boxes bring is seen by whoever sees the phase end that counts their bytes; and that
    // a slot was read is known before its arrival, since the products that read it were waited for. Wider scopes would cost
    // a fence of all memory in every step, and the L1.
    static __device__ __forceinline__ void arrive(u32 at) {
        asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(at) : "memory");
    }
    __device__ __forceinline__ void wait(u32 parity) {
        u32 done;
        do {
            asm volatile("{\n\t.reg .pred p;\n\t"
                         "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n\t"
                         "selp.u32 %0, 1, 0, p;\n\t}"
                         : "=r"(done)
                         : "r"(shared_address(&state)), "r"(parity)
                         : "memory");
        } while (!done);
    }
};

// Makes barriers that were initialised known to the cluster and to the copies.
__device__ __forceinline__ void publish_barriers() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// Makes what this thread stored to shared memory known to the copies.
__device__ __forceinline__ void publish_stores() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// The box at (x, y, z) to shared memory; outside the tensor it is 0.
__device__ __forceinline__ void load_box(void* to, const TensorMap& map, int x, int y, int z, Barrier& barrier) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3, %4}], [%5];" ::"r"(shared_address(to)),
                 "l"(&map), "r"(x), "r"(y), "r"(z), "r"(shared_address(&barrier.state))
                 : "memory");
}

// The same to every block of the cluster that has its bit in `blocks`, at the same place and barrier in each.
__device__ __forceinline__ void load_box_everywhere(void* to, const TensorMap& map, int x, int y, int z, Barrier& barrier,
                                                    unsigned short blocks) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
                 "[%0], [%1, {%2, %3, %4}], [%5], %6;" ::"r"(shared_address(to)),
                 "l"(&map), "r"(x), "r"(y), "r"(z), "r"(shared_address(&barrier.state)), "h"(blocks)
                 : "memory");
}

// A box of shared memory to (x, y, z); what lies outside the tensor is left out. Ends a group of this thread.
__device__ __forceinline__ void store_box(const TensorMap& map, int x, int y, int z, const void* from) {
    asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3}], [%4];\n\t"
                 "cp.async.bulk.commit_group;" ::"l"(&map),
                 "r"(x), "r"(y), "r"(z), "r"(shared_address(from))
                 : "memory");
}

// Waits until all but the last LEFT stores of this thread have read their shared memory.
template <int LEFT> __device__ __forceinline__ void wait_stores() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(LEFT) : "memory");
}

// The lower word of a description of an operand in shared memory whose rows of 128 bytes are swizzled; the upper one is always
// the same. Where the rows go along k, `apart` is unused; else it is the bytes between the boxes of 64 that together span m
// or n. What lies BYTES further is described by the word and BYTES / 16.
__device__ __forceinline__ u32 swizzled(const void* p, int apart) { return shared_address(p) >> 4 | apart >> 4 << 16; }
__device__ __forceinline__ u64 description(u32 word) { return (u64)(1 << 30 | 1024 >> 4) << 32 | word; }

// The same number in all lanes, for the compiler to know that it is.
__device__ __forceinline__ int uniform(int x) { return __shfl_sync(0xffffffff, x, 0); }

// Around products: registers written before are seen by them; they end a group; all but LEFT groups are done.
__device__ __forceinline__ void before_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int LEFT> __device__ __forceinline__ void wait_products() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}

// d += a b for 64 rows of a and 2 SUMS columns of b, 32 bytes of each along k. ROWS_A: the rows of a's tile go along m, not k;
// ROWS_B: along n. Of f32 what tf32 has no room for is cut off, and both go along k.
template <bool ROWS_A, bool ROWS_B, class T, int SUMS>
__device__ __forceinline__ void multiply(f32 (&d)[SUMS], u32 a, u32 b);

#define D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define D16(i) D4(i), D4(i + 4), D4(i + 8), D4(i + 12)
#define D_64 D16(0), D16(16), D16(32), D16(48)
#define D_128 D_64, D16(64), D16(80), D16(96), D16(112)
#define R_64                                                                                                           \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                           \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "                                 \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                                 \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define R_128                                                                                                          \
    R_64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "                          \
         "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "                            \
         "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "                \
         "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define FACTORS_64 "%64, %65"
#define FACTORS_128 "%128, %129"

#define MULTIPLY(T, TYPE, ROWS_A, ROWS_B, SUMS, SHAPE, ROWS)                                                           \
    template <> __device__ __forceinline__ void multiply<ROWS_A, ROWS_B, T, SUMS>(f32 (&d)[SUMS], u32 a, u32 b) {      \
        asm volatile("wgmma.mma_async.sync.aligned." SHAPE ".f32." TYPE "." TYPE                                       \
                     " {" R_##SUMS "}, " FACTORS_##SUMS ", 1, 1, 1" ROWS ";"                                           \
                     : D_##SUMS                                                                                        \
                     : "l"(description(a)), "l"(description(b)));                                                      \
    }
#define HALVES(T, SUMS, SHAPE)                                                                                         \
    MULTIPLY(T, #T, false, false, SUMS, SHAPE, ", 0, 0") MULTIPLY(T, #T, false, true, SUMS, SHAPE, ", 0, 1")           \
    MULTIPLY(T, #T, true, false, SUMS, SHAPE, ", 1, 0") MULTIPLY(T, #T, true, true, SUMS, SHAPE, ", 1, 1")
HALVES(f16, 128, "m64n256k16")
HALVES(f16, 64, "m64n128k16")
HALVES(bf16, 128, "m64n256k16")
HALVES(bf16, 64, "m64n128k16")
MULTIPLY(f32, "tf32", false, false, 128, "m64n256k8", "")
MULTIPLY(f32, "tf32", false, false, 64, "m64n128k8", "")
