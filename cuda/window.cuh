// How a window slides along one side of a plane (see src/ops/window.rs): output o sees the inputs
// o * stride - padding + tap * dilation for tap in [0, kernel), those inside [0, size).
#pragma once

struct Range {
    int first, end;
};

struct Side {
    int size, outputs, kernel, stride, padding, dilation;

    __device__ __forceinline__ int ceil_dilation(int v) const {
        return dilation == 1 ? v : (v + dilation - 1) / dilation;
    }
    // The input under tap 0 of an output, which may be padding.
    __device__ __forceinline__ int start(int output) const { return output * stride - padding; }
    // The taps of an output that are inside.
    __device__ __forceinline__ Range taps(int output) const {
        const int at = start(output);
        return {at < 0 ? ceil_dilation(-at) : 0, min(kernel, ceil_dilation(max(size - at, 0)))};
    }
    // The outputs whose windows span an input; with dilation it may lie in a hole of some.
    __device__ __forceinline__ Range windows(int input) const {
        const int padded = input + padding, before = padded - (kernel - 1) * dilation;
        return {before > 0 ? (before + stride - 1) / stride : 0, min(outputs, padded / stride + 1)};
    }
};

#define WINDOW_PARAMETERS                                                                                              \
    int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw
#define WINDOW_DOWN                                                                                                    \
    Side { h, oh, kh, sh, ph, dh }
#define WINDOW_ACROSS                                                                                                  \
    Side { w, ow, kw, sw, pw, dw }

// Element i of planes of rows x cols.
struct Spot {
    unsigned plane;
    int row, col;
};
__device__ __forceinline__ Spot spot(unsigned i, int rows, int cols) {
    const unsigned row = i / cols, plane = row / rows;
    return {plane, (int)(row - plane * rows), (int)(i - row * cols)};
}
