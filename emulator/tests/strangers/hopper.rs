//! `gemm_hopper.cu`

use crate::device::{Device, arguments, line, ok};
use crate::numbers::{Random, half, value};
use crate::ptx;
use cudarc::driver::sys::{self, CUtensorMapSwizzle as Swizzle};
use std::ffi::c_void;

pub const PTX: &str = ptx!("gemm_hopper");

/// A map of rows of halves.
fn map(
    address: u64,
    [width, height]: [usize; 2],
    boxes: [u32; 2],
    swizzle: Swizzle,
) -> sys::CUtensorMap {
    let mut map = sys::CUtensorMap { opaque: [0; 16] };
    let (sizes, stride, steps) = ([width as u64, height as u64], [2 * width as u64], [1u32, 1]);
    // SAFETY: the lists have two elements, that of strides one.
    ok(unsafe {
        sys::cuTensorMapEncodeTiled(
            &raw mut map,
            sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
            2,
            address as *mut c_void,
            sizes.as_ptr(),
            stride.as_ptr(),
            boxes.as_ptr(),
            steps.as_ptr(),
            sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
            swizzle,
            sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
            sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
        )
    });
    map
}

#[test]
fn ring() {
    let Some(d) = Device::new(PTX) else { return };
    // none a multiple of its tile: 2 x 3 tiles for 4 blocks, and four stages into a ring of three
    let (m, n, k) = (200usize, 264usize, 232usize);
    let mut random = Random(17);
    let (a, b) = (random.whole(m * k, 2), random.whole(k * n, 2));
    let halves = |v: &[i64]| v.iter().map(|x| half(*x as f64)).collect::<Vec<u16>>();
    let c = d.room::<u16>(m * n);
    let a_map = map(
        d.upload(&halves(&a)),
        [k, m],
        [64, 128],
        Swizzle::CU_TENSOR_MAP_SWIZZLE_128B,
    );
    let b_map = map(
        d.upload(&halves(&b)),
        [n, k],
        [64, 64],
        Swizzle::CU_TENSOR_MAP_SWIZZLE_128B,
    );
    let c_map = map(c, [n, m], [128, 64], Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE);
    let mut shape = line(4, 384);
    shape.shared = 3 * 2 * 16384 + 2 * 16384 + 48;
    shape.shared = shape.shared.next_multiple_of(1024);
    let tiles = [
        m.div_ceil(128) as i32,
        (m.div_ceil(128) * n.div_ceil(128)) as i32,
    ];
    let steps = k.div_ceil(64) as i32;
    d.run(
        "gemm_ring",
        shape,
        arguments![a_map, b_map, c_map, tiles[0], tiles[1], steps],
    );
    // sums of whole numbers up to 928: exact in halves
    let dot = |at: usize| {
        (0..k)
            .map(|i| a[at / n * k + i] * b[i * n + at % n])
            .sum::<i64>() as f64
    };
    let got: Vec<f64> = d
        .download::<u16>(c, m * n)
        .iter()
        .map(|x| value(*x))
        .collect();
    assert_eq!(got, (0..m * n).map(dot).collect::<Vec<f64>>());
}
