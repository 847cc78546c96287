//! Tensor maps: boxes there and back; passed over on a device that has none.

use super::raw::{Own, ok, run_alone};
use cudarc::driver::sys::{self, CUtensorMapDataType as Type, CUtensorMapSwizzle as Swizzle};
use std::ffi::{CString, c_void};
use std::ptr::null_mut;

/// A map with plain steps and no fill but zero; the strides of a dense tensor, each dimension `padded` by some bytes.
pub struct Map<'a> {
    pub kind: Type,
    pub address: u64,
    pub sizes: &'a [u64],
    pub strides: &'a [u64],
    pub boxes: &'a [u32],
    pub swizzle: Swizzle,
    pub nan: bool,
}

impl Map<'_> {
    pub fn encode(&self) -> Result<sys::CUtensorMap, sys::CUresult> {
        let mut map = sys::CUtensorMap { opaque: [0; 16] };
        let steps = vec![1u32; self.sizes.len()];
        let fill = if self.nan {
            sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA
        } else {
            sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE
        };
        // SAFETY: the lists have as many elements as there are dimensions (strides: one less).
        ok(unsafe {
            sys::cuTensorMapEncodeTiled(
                &raw mut map,
                self.kind,
                self.sizes.len() as u32,
                self.address as *mut c_void,
                self.sizes.as_ptr(),
                self.strides.as_ptr(),
                self.boxes.as_ptr(),
                steps.as_ptr(),
                sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
                self.swizzle,
                sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_NONE,
                fill,
            )
        })
        .map(|()| map)
    }
}

/// A context on a device with tensor maps.
pub fn own() -> Option<Own> {
    let own = Own::new();
    let (mut has, attribute) = (
        0,
        sys::CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED,
    );
    // SAFETY: the result has room; device 0 exists.
    ok(unsafe { sys::cuDeviceGetAttribute(&raw mut has, attribute, 0) }).unwrap();
    (has != 0).then_some(own)
}

pub fn function(ptx: &str, name: &str) -> sys::CUfunction {
    let (mut module, mut function) = (null_mut(), null_mut());
    let (ptx, name) = (CString::new(ptx).unwrap(), CString::new(name).unwrap());
    // SAFETY: results have room, texts end in NUL.
    unsafe {
        ok(sys::cuModuleLoadData(&raw mut module, ptx.as_ptr().cast())).unwrap();
        ok(sys::cuModuleGetFunction(
            &raw mut function,
            module,
            name.as_ptr(),
        ))
        .unwrap();
    }
    function
}

pub fn upload<T: Copy>(own: &Own, data: &[T]) -> u64 {
    let address = own.alloc(size_of_val(data));
    // SAFETY: the allocation is as long as the data.
    ok(unsafe { sys::cuMemcpyHtoD_v2(address, data.as_ptr().cast(), size_of_val(data)) }).unwrap();
    address
}

pub fn download<T: Copy + Default>(address: u64, count: usize) -> Vec<T> {
    let mut out = vec![T::default(); count];
    // SAFETY: `out` has room; the callers name allocations of this size.
    ok(unsafe { sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), address, size_of_val(&out[..])) })
        .unwrap();
    out
}

/// One thread brings in a box and writes it out as it lies (`out`), then stores it through the second map.
pub fn tile_kernel(corner: &[i32], bytes: u32) -> String {
    let (rank, list) = (corner.len(), format!("{corner:?}").replace(['[', ']'], ""));
    format!(
        ".version 8.7\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .align 64 .b8 map[128], \
         .param .align 64 .b8 back[128], .param .u64 out)\n{{\n.shared .align 8 .b64 bar; .shared .align 1024 .b8 room[{bytes}];\n\
         .reg .b64 %m, %b, %o; .reg .b32 %s; .reg .pred %p;\nmov.b64 %m, map; mov.b64 %b, back; ld.param.u64 %o, [out]; mov.u32 %s, room;\n\
         cvta.param.u64 %m, %m; cvta.param.u64 %b, %b; prefetch.tensormap [%m];\n\
         mbarrier.init.shared.b64 [bar], 1; fence.proxy.async;\nmbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], {bytes};\n\
         cp.async.bulk.tensor.{rank}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%s], [%m, {{{list}}}], [bar];\n\
         W: mbarrier.try_wait.parity.shared.b64 %p, [bar], 0; @!%p bra W;\n\
         cp.async.bulk.global.shared::cta.bulk_group [%o], [%s], {bytes};\n\
         cp.async.bulk.tensor.{rank}d.global.shared::cta.tile.bulk_group [%b, {{{list}}}], [%s];\n\
         cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;\nret;\n}}\n"
    )
}

fn swizzled(at: usize, span: usize) -> usize {
    at ^ (((at / 128) % (span / 16)) * 16)
}

/// Copies a box in and back, and compares both with what the documentation says.
fn round_trip(
    own: &Own,
    sizes: &[u64],
    boxes: &[u32],
    corner: &[i32],
    swizzle: Swizzle,
    nan: bool,
) {
    let rank = sizes.len();
    let count = sizes.iter().product::<u64>() as usize;
    let data: Vec<u32> = (0..count as u32).map(|n| n + 1).collect();
    let strides: Vec<u64> = (1..rank)
        .map(|d| 4 * sizes[..d].iter().product::<u64>())
        .collect();
    let total = boxes.iter().product::<u32>() as usize;
    let target = upload(own, &vec![0u32; count]);
    let out = upload(own, &vec![0u32; total]);
    let map = |address| Map {
        kind: Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
        address,
        sizes,
        strides: &strides,
        boxes,
        swizzle,
        nan,
    };
    let mut there = map(upload(own, &data)).encode().unwrap();
    let mut back = map(target).encode().unwrap();
    let mut out_argument = out;
    let mut arguments: [*mut c_void; 3] = [
        (&raw mut there).cast(),
        (&raw mut back).cast(),
        (&raw mut out_argument).cast(),
    ];
    let kernel = function(&tile_kernel(corner, 4 * total as u32), "k");
    run_alone(kernel, &mut arguments);
    let span = match swizzle {
        Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE => 16,
        Swizzle::CU_TENSOR_MAP_SWIZZLE_32B => 32,
        Swizzle::CU_TENSOR_MAP_SWIZZLE_64B => 64,
        _ => 128,
    };
    let lies = download::<u32>(out, total);
    let mut stored = vec![0u32; count];
    for element in 0..total {
        let (mut rest, mut at, mut inside) = (element, 0usize, true);
        for d in 0..rank {
            let x = corner[d] as i64 + (rest % boxes[d] as usize) as i64;
            rest /= boxes[d] as usize;
            inside &= x >= 0 && x < sizes[d] as i64;
            at = at.wrapping_add(
                (x as usize).wrapping_mul(sizes[..d].iter().product::<u64>() as usize),
            );
        }
        let got = lies[swizzled(4 * element, span) / 4];
        if inside {
            assert_eq!(
                got, data[at],
                "element {element} of {boxes:?} at {corner:?}"
            );
            stored[at] = data[at];
        } else if nan {
            assert!(f32::from_bits(got).is_nan(), "element {element} is outside");
        } else {
            assert_eq!(got, 0, "element {element} is outside");
        }
    }
    assert_eq!(download::<u32>(target, count), stored);
}

#[test]
fn boxes_of_every_rank_and_swizzle_come_and_go() {
    let Some(own) = own() else { return };
    use Swizzle::*;
    let none = CU_TENSOR_MAP_SWIZZLE_NONE;
    round_trip(&own, &[64], &[32], &[16], none, false);
    round_trip(&own, &[64], &[32], &[48], none, true);
    round_trip(&own, &[64], &[32], &[-8], none, false);
    for (inner, swizzle) in [
        (8, CU_TENSOR_MAP_SWIZZLE_32B),
        (16, CU_TENSOR_MAP_SWIZZLE_64B),
        (32, CU_TENSOR_MAP_SWIZZLE_128B),
        (32, none),
    ] {
        round_trip(&own, &[64, 40], &[inner, 32], &[8, 4], swizzle, false);
        round_trip(&own, &[64, 40], &[inner, 32], &[-4, 20], swizzle, false);
    }
    round_trip(
        &own,
        &[32, 6, 5],
        &[32, 4, 3],
        &[0, 3, 3],
        CU_TENSOR_MAP_SWIZZLE_128B,
        false,
    );
    round_trip(
        &own,
        &[16, 4, 3, 3],
        &[8, 2, 2, 2],
        &[4, -1, 1, 2],
        none,
        false,
    );
    round_trip(
        &own,
        &[8, 4, 3, 3, 2],
        &[8, 2, 2, 2, 2],
        &[0, 1, 2, -1, 1],
        none,
        true,
    );
}
