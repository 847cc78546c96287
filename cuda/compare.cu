// compare: y[i] = whether a[i] and b[i] are in one of the wanted orders, a and b broadcast to y's shape
//
// Parameters  a, b from their first elements on, null for one number; y (n); bits, that number's (an f32's, or an i64);
//             strides of a and b (strides.cuh), none where both lie as y does; wanted: 1 for a < b, 2 for a == b, 4 for a > b,
//             8 for neither (NaN), or a sum of these
// Grid        any; each thread strides over the elements, 16 bytes at a time where nothing is broadcast
// Why         memory-bound: each byte is read once and written once. One kernel serves eq, ne, lt, le, gt and ge: where an
//             order's bit stands in a word costs nothing beside the loads.
// Limits      -

#include "broadcast.cuh"
#include "floats.cuh"

template <class W> __device__ __forceinline__ bool is_wanted(int wanted, W a, W b) {
    const int order = a < b ? 1 : a == b ? 2 : a > b ? 4 : 8;
    return wanted & order;
}

#define COMPARE(T)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        compare_##T(const T* a, const T* b, bool* y, i64 n, i64 bits, const Strides<2> strides, int wanted) {          \
        typedef Number<T>::Wide W;                                                                                     \
        broadcast(a, b, y, n, bits, strides, [wanted](W a, W b) { return is_wanted(wanted, a, b); });                  \
    }
FOR_EACH_FLOAT(COMPARE)
#if __CUDA_ARCH__ < 800
COMPARE(i64) COMPARE(i32) COMPARE(u8)
#endif
