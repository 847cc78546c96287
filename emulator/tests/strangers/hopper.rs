//! `gemm_hopper.cu`

use crate::device::{Device, arguments, line, ok};
use crate::numbers::{Random, half, value};
use crate::ptx;
use cudarc::driver::sys::{self, CUtensorMapSwizzle as Swizzle};
use std::ffi::c_void;

pub const PTX: &str = ptx!("gemm_hopper");

/// Rows of 16 halves, padded to 24 against bank conflicts, go out as a box of 24 x 8 to a tensor that is 16 wide.
pub const PADDED: &str = ".version 8.0
.target sm_90a
.address_size 64
.visible .entry padded_store(.param .align 64 .b8 map[128])
{
.shared .align 128 .b8 tile[384];
.reg .pred %p; .reg .b16 %h; .reg .b32 %r<8>; .reg .b64 %m;
mov.u32 %r0, tile;
mov.u32 %r1, %tid.x;
NEXT:
shr.u32 %r2, %r1, 4;
and.b32 %r3, %r1, 15;
mad.lo.u32 %r4, %r2, 48, %r0;
mad.lo.u32 %r4, %r3, 2, %r4;
cvt.u16.u32 %h, %r1;
st.shared.u16 [%r4], %h;
add.u32 %r1, %r1, 64;
setp.lt.u32 %p, %r1, 128;
@%p bra NEXT;
fence.proxy.async;
bar.sync 0;
mov.u32 %r1, %tid.x;
setp.ne.u32 %p, %r1, 0;
@%p bra END;
mov.b64 %m, map;
cvta.param.u64 %m, %m;
mov.u32 %r5, 0;
cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%m, {%r5, %r5}], [%r0];
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
END:
ret;
}
.visible .entry widen(.param .u64 from, .param .u64 to)
{
.reg .b32 %t; .reg .u32 %v; .reg .b64 %from, %to, %at;
mov.u32 %t, %tid.x;
ld.param.u64 %from, [from];
mul.wide.u32 %at, %t, 2;
add.u64 %from, %from, %at;
ld.param.u64 %to, [to];
mul.wide.u32 %at, %t, 4;
add.u64 %to, %to, %at;
ld.global.u16 %v, [%from];
st.global.u32 [%to], %v;
ret;
}
";

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

/// The padding lies outside of the tensor: nobody has written it, and the copy does not read it.
#[test]
fn padded() {
    let Some(d) = Device::new(PADDED) else { return };
    let y = d.room::<u16>(16 * 8);
    let map = map(y, [16, 8], [24, 8], Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE);
    d.run("padded_store", line(1, 64), arguments![map]);
    assert_eq!(
        d.download::<u16>(y, 16 * 8),
        (0..16 * 8).collect::<Vec<u16>>()
    );
    // what the engine has written is written for kernels too
    let wide = d.room::<u32>(16 * 8);
    d.run("widen", line(1, 128), arguments![y, wide]);
    assert_eq!(
        d.download::<u32>(wide, 16 * 8),
        (0..16 * 8).collect::<Vec<u32>>()
    );
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
