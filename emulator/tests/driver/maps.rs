//! What a tensor map may be and what not, each condition of the driver API's documentation by itself.

use super::raw::{launch, ok, synchronise};
use super::tiles::{Map, download, function, own, upload};
use cudarc::driver::sys::{
    self, CUtensorMapDataType as Type, CUtensorMapInterleave as Interleave,
    CUtensorMapSwizzle as Swizzle,
};
use std::ffi::c_void;

#[test]
fn maps_are_checked_as_documented() {
    let Some(own) = own() else { return };
    let address = own.alloc(1 << 16);
    let good = || Map {
        kind: Type::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
        address,
        sizes: &[64, 64],
        strides: &[128],
        boxes: &[64, 64],
        swizzle: Swizzle::CU_TENSOR_MAP_SWIZZLE_128B,
        nan: false,
    };
    let mut map = good().encode().unwrap();
    // SAFETY: the map was encoded above; the second address is refused before it is used.
    unsafe {
        ok(sys::cuTensorMapReplaceAddress(
            &raw mut map,
            (address + 16) as *mut c_void,
        ))
        .unwrap();
        assert!(
            ok(sys::cuTensorMapReplaceAddress(
                &raw mut map,
                (address + 8) as *mut c_void
            ))
            .is_err()
        );
    }
    for (what, bad) in [
        (
            "misaligned",
            Map {
                address: address + 8,
                ..good()
            },
        ),
        (
            "stride no multiple of 16",
            Map {
                strides: &[136],
                ..good()
            },
        ),
        (
            "stride of 2^40",
            Map {
                strides: &[1 << 40],
                ..good()
            },
        ),
        (
            "size 0",
            Map {
                sizes: &[64, 0],
                ..good()
            },
        ),
        (
            "size above 2^32",
            Map {
                sizes: &[64, (1 << 32) + 1],
                ..good()
            },
        ),
        (
            "box too large",
            Map {
                boxes: &[64, 257],
                ..good()
            },
        ),
        (
            "box empty",
            Map {
                boxes: &[64, 0],
                ..good()
            },
        ),
        (
            "inner box wider than the swizzle",
            Map {
                boxes: &[128, 8],
                ..good()
            },
        ),
        (
            "inner box no multiple of 16 bytes",
            Map {
                boxes: &[12, 8],
                ..good()
            },
        ),
        (
            "NaN in integers",
            Map {
                kind: Type::CU_TENSOR_MAP_DATA_TYPE_UINT16,
                nan: true,
                ..good()
            },
        ),
    ] {
        assert!(bad.encode().is_err(), "{what}");
    }
}

/// All that the safe side of `Map` leaves fixed.
struct Raw {
    /// Bytes behind a multiple of 64 at which the map is put.
    place: usize,
    rank: u32,
    steps: [u32; 5],
    interleave: Interleave,
    swizzle: Swizzle,
}

fn encode(address: u64, raw: &Raw) -> sys::CUresult {
    let mut room = [0u8; 256];
    let at = room.as_mut_ptr().align_offset(64) + raw.place;
    let (sizes, strides, boxes) = ([64u64, 8, 2, 2, 2], [128u64; 4], [16u32, 8, 1, 1, 1]);
    // SAFETY: the room holds a map at any of the places, and the lists have five elements (strides: four).
    unsafe {
        sys::cuTensorMapEncodeTiled(
            room.as_mut_ptr().add(at).cast(),
            Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
            raw.rank,
            address as *mut c_void,
            sizes.as_ptr(),
            strides.as_ptr(),
            boxes.as_ptr(),
            raw.steps.as_ptr(),
            raw.interleave,
            raw.swizzle,
            sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_NONE,
            sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
        )
    }
}

#[test]
fn place_rank_steps_and_layout_are_checked() {
    use sys::cudaError_enum::{
        CUDA_ERROR_INVALID_VALUE as INVALID, CUDA_ERROR_NOT_SUPPORTED as UNSUPPORTED,
        CUDA_SUCCESS as FINE,
    };
    let Some(own) = own() else { return };
    let address = own.alloc(1 << 12);
    let good = || Raw {
        place: 0,
        rank: 2,
        steps: [1; 5],
        interleave: Interleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
        swizzle: Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE,
    };
    let interleaved = |rank| Raw {
        rank,
        interleave: Interleave::CU_TENSOR_MAP_INTERLEAVE_16B,
        ..good()
    };
    assert_eq!(encode(address, &good()), FINE);
    assert_eq!(
        encode(
            address,
            &Raw {
                place: 16,
                ..good()
            }
        ),
        INVALID,
        "a map at no multiple of 64"
    );
    for rank in [0, 6] {
        assert_eq!(encode(address, &Raw { rank, ..good() }), INVALID, "{rank}");
    }
    // the first step is ignored, the others go from 1 to 8
    for (steps, what) in [
        ([0, 8, 1, 1, 1], FINE),
        ([9, 1, 1, 1, 1], FINE),
        ([1, 0, 1, 1, 1], INVALID),
        ([1, 9, 1, 1, 1], INVALID),
    ] {
        assert_eq!(encode(address, &Raw { steps, ..good() }), what, "{steps:?}");
    }
    assert_eq!(
        encode(address, &interleaved(2)),
        INVALID,
        "interleaved layouts begin at rank 3"
    );
    if cuda_emulator_testing::emulated() {
        assert_eq!(encode(address, &interleaved(3)), UNSUPPORTED);
    }
}

/// A matrix of rows, as slabs of 64 columns: the slabs lie closer to each other than the rows. And dimensions of one
/// element, whose strides nobody follows.
#[test]
fn strides_may_go_down_and_stand_still() {
    let Some(own) = own() else { return };
    let (rows, columns) = (128usize, 256usize);
    let data: Vec<u16> = (0..rows * columns).map(|i| i as u16).collect();
    let address = upload(&own, &data);
    let map = |rank: usize| Map {
        kind: Type::CU_TENSOR_MAP_DATA_TYPE_UINT16,
        address,
        sizes: &[64, 128, 4, 1, 1][..rank],
        strides: &[512, 128, 0, 0][..rank - 1],
        boxes: &[64, 8, 2, 1, 1][..rank],
        swizzle: Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE,
        nan: false,
    };
    assert!(map(5).encode().is_ok(), "strides of 0");
    let mut encoded = map(3).encode().unwrap();
    let bytes = 64 * 8 * 2 * 2;
    let mut out = own.alloc(bytes);
    let k = function(&super::tiles::tile_kernel(&[0, 16, 1], bytes as u32), "k");
    let mut back = map(3).encode().unwrap();
    let mut arguments = [
        (&raw mut encoded).cast::<c_void>(),
        (&raw mut back).cast(),
        (&raw mut out).cast(),
    ];
    let code = launch(
        k,
        [1; 3],
        [1, 1, 1],
        0,
        std::ptr::null_mut(),
        &mut arguments,
    );
    ok(code).unwrap();
    ok(synchronise()).unwrap();
    let want: Vec<u16> = (0..2 * 8 * 64)
        .map(|i| {
            let (slab, row, column) = (1 + i / 512, 16 + i / 64 % 8, i % 64);
            (row * columns + slab * 64 + column) as u16
        })
        .collect();
    assert_eq!(download::<u16>(out, want.len()), want);
    assert_eq!(download::<u16>(address, data.len()), data);
}
