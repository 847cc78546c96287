// The instructions of the mma kernels, one function each; what they do is in the PTX ISA under the name in each body.
// Shared memory is named by its 32-bit address: generic addresses would become generic loads.
#pragma once
#include "vec.cuh"

typedef unsigned int u32;

__device__ __forceinline__ u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// 16 bytes on their way to shared memory, or, where there are none, zeros.
__device__ __forceinline__ void copy_async(u32 to, const void* from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0) : "memory");
}
__device__ __forceinline__ void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most LEFT of the groups that this thread ended are under way.
template <int LEFT> __device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

// Four 8 x 8 matrices of 16 bits: lane l names row l % 8 of matrix l / 8, and gets of each the elements 2 (l % 4) and next of row
// l / 4, or of column l / 4 where they are transposed. Of elements of 32 bits that is element l % 4 of row l / 4.
template <bool TRANSPOSE> __device__ __forceinline__ void load_matrices(u32 (&to)[4], u32 from) {
    if (TRANSPOSE) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                     : "r"(from)
                     : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                     : "r"(from)
                     : "memory");
    }
}
__device__ __forceinline__ void load_pair(u32& a, u32& b, u32 from) {
    asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(a), "=r"(b) : "r"(from) : "memory");
}
__device__ __forceinline__ u32 load_word(u32 from) {
    u32 word;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(word) : "r"(from) : "memory");
    return word;
}

// d += x y for 16 rows of x, 8 of y, and 32 bytes of each along k. Lane l's sums are those of rows l / 4 (the first two) and
// l / 4 + 8 with rows 2 (l % 4) and next.
template <class T> __device__ __forceinline__ void multiply(f32 (&d)[4], const u32 (&x)[4], const u32 (&y)[2]);
#define MULTIPLY(T, SHAPE, TYPE)                                                                                       \
    template <> __device__ __forceinline__ void multiply<T>(f32 (&d)[4], const u32 (&x)[4], const u32 (&y)[2]) {       \
        asm volatile("mma.sync.aligned." SHAPE ".row.col.f32." TYPE "." TYPE ".f32 "                                   \
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                 \
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                  \
                     : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));                              \
    }
MULTIPLY(f16, "m16n8k16", "f16")
MULTIPLY(bf16, "m16n8k16", "bf16")
MULTIPLY(f32, "m16n8k8", "tf32")
