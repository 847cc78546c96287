//! Boxes whose elements a copy changes on its way: tf32, and types that flush.

use super::raw::{Own, run_alone};
use super::tiles::{Map, download, function, own, tile_kernel, upload};
use cudarc::driver::sys::{CUtensorMapDataType as Type, CUtensorMapSwizzle as Swizzle};
use std::ffi::c_void;

/// What a box of such elements brings.
fn received(own: &Own, kind: Type, data: &[u32]) -> Vec<u32> {
    let (sizes, boxes) = ([data.len() as u64], [data.len() as u32]);
    let map = |address| Map {
        kind,
        address,
        sizes: &sizes,
        strides: &[],
        boxes: &boxes,
        swizzle: Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE,
        nan: false,
    };
    let mut there = map(upload(own, data)).encode().unwrap();
    let mut back = map(upload(own, data)).encode().unwrap();
    let mut out = upload(own, &vec![0u32; data.len()]);
    let mut arguments: [*mut c_void; 3] = [
        (&raw mut there).cast(),
        (&raw mut back).cast(),
        (&raw mut out).cast(),
    ];
    let kernel = function(&tile_kernel(&[0], 4 * data.len() as u32), "k");
    run_alone(kernel, &mut arguments);
    download(out, data.len())
}

#[test]
fn boxes_of_tf32_are_rounded_on_their_way() {
    let Some(own) = own() else { return };
    // ties to even down and up, a carry into the exponent, a subnormal number, NaN and infinity, and what is tf32 already
    let data = [
        0x3F80_1000,
        0xBF80_3000,
        0x3FFF_F001,
        0x0000_1001,
        0x7FC0_1234,
        0xFF80_0000,
        0x3F80_0FFF,
        0x3F80_2000,
    ];
    let rounded = [
        0x3F80_0000,
        0xBF80_4000,
        0x4000_0000,
        0x0000_2000,
        0x7FC0_1234,
        0xFF80_0000,
        0x3F80_0000,
        0x3F80_2000,
    ];
    let flushed = |mut of: [u32; 8]| {
        of[3] = 0;
        of.to_vec()
    };
    assert_eq!(
        received(&own, Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT32, &data),
        data
    );
    assert_eq!(
        received(&own, Type::CU_TENSOR_MAP_DATA_TYPE_TFLOAT32, &data),
        rounded
    );
    assert_eq!(
        received(&own, Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ, &data),
        flushed(data)
    );
    assert_eq!(
        received(&own, Type::CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ, &data),
        flushed(rounded)
    );
}
