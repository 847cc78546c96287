//! The products that every matmul kernel is tried on, their operands, and their sums in f64.

use cudarc::driver::sys::CUdevice_attribute;
use warpsmith::ops::Activation;
use warpsmith::ops::matmul::Gemm;
use warpsmith::{Device, Float};

use crate::common::data::uniform;

/// A product and why it is tried.
pub struct Case {
    pub name: &'static str,
    pub batch: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Elements between the end of a stored row and the next: 8 keep 16-byte accesses, 1 does not.
    pub gap: usize,
    /// One `b` for the whole batch.
    pub shared_b: bool,
    pub bias: bool,
    pub activation: Activation,
}

pub const PLAIN: Case = Case {
    name: "one",
    batch: 1,
    m: 1,
    n: 1,
    k: 1,
    gap: 0,
    shared_b: false,
    bias: false,
    activation: Activation::None,
};

/// Sums of nothing: what leaves is the bias's.
const NO_TERMS: Case = Case {
    name: "no_terms",
    m: 16,
    n: 24,
    k: 0,
    bias: true,
    activation: Activation::Sigmoid,
    ..PLAIN
};

/// Small, because the device may be emulated; each kernel runs all of them in all four layouts.
pub fn cases(tile: usize) -> [Case; 7] {
    [
        PLAIN,
        // one past a tile each way, no multiple of a vector
        Case {
            name: "odd",
            m: tile + 1,
            n: tile + 3,
            k: 37,
            bias: true,
            ..PLAIN
        },
        // whole tiles, vectors and stages, more stages than are in flight
        Case {
            name: "aligned",
            m: tile,
            n: tile,
            k: 128,
            activation: Activation::Relu,
            ..PLAIN
        },
        Case { m: 9, ..NO_TERMS },
        // rows apart from each other, the gaps NaN; 16-byte accesses stay possible, the last one is partial
        Case {
            name: "gaps",
            batch: 2,
            m: 20,
            n: 24,
            k: 40,
            gap: 8,
            bias: true,
            activation: Activation::Tanh,
            ..PLAIN
        },
        Case {
            name: "unaligned_gaps",
            batch: 2,
            m: 17,
            n: 19,
            k: 21,
            gap: 1,
            shared_b: true,
            activation: Activation::Tanh,
            ..PLAIN
        },
        // enough tiles for the walk through them to turn
        Case {
            name: "many_tiles",
            m: 9 * tile - 5,
            n: 2 * tile - 1,
            k: 3,
            activation: Activation::Relu,
            ..PLAIN
        },
    ]
}

/// `matmul_wgmma` copies boxes of rows and matrices that are multiples of 16 bytes apart, which gaps can make of any size.
pub fn boxes([rows, cols]: [usize; 2]) -> [Case; 7] {
    [
        // nothing a multiple of a tile or a box, nor the sizes of 8 but for their gaps
        Case {
            name: "odd",
            m: rows + 1,
            n: cols + 9,
            k: 65,
            gap: 7,
            bias: true,
            ..PLAIN
        },
        // whole tiles, more stages than the ring has
        Case {
            name: "aligned",
            m: rows,
            n: cols,
            k: 448,
            activation: Activation::Relu,
            ..PLAIN
        },
        // tiles side by side, of which the last is cut
        Case {
            name: "wide",
            m: 40,
            n: 328,
            k: 136,
            bias: true,
            activation: Activation::Tanh,
            ..PLAIN
        },
        NO_TERMS,
        Case {
            name: "shared_b",
            batch: 3,
            m: 24,
            n: 40,
            k: 72,
            gap: 8,
            shared_b: true,
            activation: Activation::Sigmoid,
            ..PLAIN
        },
        Case {
            name: "shared_whole_b",
            batch: 2,
            m: 16,
            n: 136,
            k: 40,
            shared_b: true,
            bias: true,
            ..PLAIN
        },
        Case {
            name: "one",
            gap: 7,
            ..PLAIN
        },
    ]
}

/// `matmul_mma` takes factors whose stored rows are whole pieces of 16 bytes; what else a case has runs in the layouts that
/// store it so ([`in_pieces`]).
pub fn pieces([rows, cols]: [usize; 2]) -> [Case; 10] {
    [
        Case {
            name: "piece",
            m: 8,
            n: 8,
            k: 8,
            ..PLAIN
        },
        // one past a tile each way, and the last step along k is cut
        Case {
            name: "edges",
            m: rows + 8,
            n: cols + 16,
            k: 72,
            bias: true,
            ..PLAIN
        },
        // whole tiles and steps, more of them than are in flight
        Case {
            name: "aligned",
            m: rows,
            n: cols,
            k: 256,
            activation: Activation::Relu,
            ..PLAIN
        },
        NO_TERMS,
        // rows apart from each other, the gaps NaN
        Case {
            name: "gaps",
            batch: 2,
            m: 24,
            n: 40,
            k: 56,
            gap: 8,
            bias: true,
            activation: Activation::Tanh,
            ..PLAIN
        },
        Case {
            name: "shared_b",
            batch: 3,
            m: 24,
            n: 16,
            k: 32,
            gap: 8,
            shared_b: true,
            ..PLAIN
        },
        Case {
            name: "odd_m",
            m: 37,
            n: 48,
            k: 64,
            ..PLAIN
        },
        Case {
            name: "odd_n",
            m: 40,
            n: 41,
            k: 40,
            bias: true,
            ..PLAIN
        },
        Case {
            name: "odd_k",
            m: 40,
            n: 48,
            k: 45,
            ..PLAIN
        },
        // enough tiles for the walk through them to turn
        Case {
            name: "many_tiles",
            m: 9 * rows - 8,
            n: 2 * cols - 8,
            k: 8,
            activation: Activation::Relu,
            ..PLAIN
        },
    ]
}

/// Sums that are cut into parts, the last of them shorter, as `matmul_split` does.
pub const LONG: [Case; 3] = [
    Case {
        name: "long",
        m: 24,
        n: 72,
        k: 2600,
        bias: true,
        activation: Activation::Relu,
        ..PLAIN
    },
    Case {
        name: "long_gaps",
        batch: 3,
        m: 8,
        n: 16,
        k: 1064,
        gap: 8,
        bias: true,
        activation: Activation::Sigmoid,
        ..PLAIN
    },
    // more parts than one round of the device: each has one step, the last a part of one
    Case {
        name: "long_row",
        m: 1,
        n: 8,
        k: 5000,
        ..PLAIN
    },
];

/// A few lines of one operand by many of the other, and sums in parts; `shape` makes rows, columns and terms of few, many and
/// terms.
pub fn few(shape: fn(usize, usize, usize) -> [usize; 3]) -> [Case; 8] {
    let case = |name, few, many, terms| {
        let [m, n, k] = shape(few, many, terms);
        Case {
            name,
            m,
            n,
            k,
            ..PLAIN
        }
    };
    [
        PLAIN,
        Case {
            bias: true,
            ..case("odd", 3, 67, 37)
        },
        // whole blocks, and more than one stay in shared memory
        Case {
            activation: Activation::Relu,
            ..case("most", 16, 128, 320)
        },
        Case {
            bias: true,
            activation: Activation::Sigmoid,
            ..case("no_terms", 5, 24, 0)
        },
        // rows apart from each other, the gaps NaN; whole accesses stay possible
        Case {
            batch: 2,
            gap: 8,
            bias: true,
            activation: Activation::Tanh,
            ..case("gaps", 5, 72, 40)
        },
        Case {
            batch: 2,
            gap: 1,
            shared_b: true,
            ..case("unaligned_gaps", 7, 19, 21)
        },
        Case {
            bias: true,
            activation: Activation::Relu,
            ..case("long", 4, 24, 2600)
        },
        Case {
            batch: 3,
            gap: 8,
            bias: true,
            ..case("long_gaps", 2, 40, 1101)
        },
    ]
}

/// Whether the stored rows of both factors are whole pieces.
pub fn in_pieces<T: Float>(case: &Case, transpose_a: bool, transpose_b: bool) -> bool {
    let lengths = [
        if transpose_a { case.m } else { case.k },
        if transpose_b { case.k } else { case.n },
    ];
    let size = size_of::<T>();
    lengths.iter().all(|len| (len * size).is_multiple_of(16))
}

/// Whether a tensor map can be made of both factors and of the output.
pub fn in_boxes<T: Float>(case: &Case, transpose_a: bool, transpose_b: bool) -> bool {
    let lengths = [
        if transpose_a { case.m } else { case.k },
        if transpose_b { case.k } else { case.n },
        case.n,
    ];
    let size = size_of::<T>();
    lengths
        .iter()
        .all(|len| ((len + case.gap) * size).is_multiple_of(16))
}

/// More tiles than the device has room for clusters, so that each walks on to a second and the ring goes on.
pub fn walk(device: &Device) -> Case {
    let stream = device.as_cuda().unwrap().stream();
    let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
    let clusters = stream.context().attribute(attribute).unwrap() as usize / 2;
    Case {
        name: "walk",
        batch: clusters + 2,
        m: 16,
        n: 24,
        k: 72,
        bias: true,
        ..PLAIN
    }
}

pub fn gemm(case: &Case, transpose_a: bool, transpose_b: bool) -> Gemm {
    let dense = Gemm::new(case.m, case.n, case.k, transpose_a, transpose_b);
    let rows = |rows: usize, ld: usize| rows * (ld + case.gap);
    let [rows_a, rows_b] = [
        if transpose_a { case.k } else { case.m },
        if transpose_b { case.n } else { case.k },
    ];
    Gemm {
        batch: case.batch,
        lda: dense.lda + case.gap,
        ldb: dense.ldb + case.gap,
        ldy: dense.ldy + case.gap,
        stride_a: rows(rows_a, dense.lda),
        stride_b: if case.shared_b {
            0
        } else {
            rows(rows_b, dense.ldb)
        },
        stride_y: rows(case.m, dense.ldy),
        activation: case.activation,
        ..dense
    }
}

/// Random matrices of `cols` columns with NaN in the gaps between their rows.
pub fn matrices<T: Float>(rows: usize, cols: usize, ld: usize, seed: u64) -> Vec<T> {
    let mut data = uniform::<T>(rows * ld, seed);
    if cols < ld {
        for row in data.chunks_mut(ld) {
            row[cols..].fill(T::from_f32(f32::NAN));
        }
    }
    data
}

/// The naive sum in f64, with NaN where nothing is to be written.
pub fn reference<T: Float>(a: &[T], b: &[T], bias: Option<&[T]>, gemm: &Gemm) -> Vec<f64> {
    let mut y = vec![f64::NAN; gemm.batch * gemm.stride_y];
    let at = |x: &[T], i: usize| f64::from(x[i].to_f32());
    for (z, i, j) in (0..gemm.batch)
        .flat_map(|z| (0..gemm.m).flat_map(move |i| (0..gemm.n).map(move |j| (z, i, j))))
    {
        let mut sum = bias.map_or(0.0, |bias| at(bias, j));
        for l in 0..gemm.k {
            let (row, col) = if gemm.transpose_a { (l, i) } else { (i, l) };
            let from_a = at(a, z * gemm.stride_a + row * gemm.lda + col);
            let (row, col) = if gemm.transpose_b { (j, l) } else { (l, j) };
            sum += from_a * at(b, z * gemm.stride_b + row * gemm.ldb + col);
        }
        y[z * gemm.stride_y + i * gemm.ldy + j] = match gemm.activation {
            Activation::None => sum,
            Activation::Relu => sum.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + (-sum).exp()),
            Activation::Tanh => sum.tanh(),
        };
    }
    y
}
